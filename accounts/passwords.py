"""Passwords: the rule for new ones, and argon2id through Django's hashers.

Whoever asks whether a password fits pays for exactly one hash, whether the email is known in no tenant, in one or in
many: the time tells nothing, and an email registered everywhere is no lever to burn our memory with. This works because
the salt is derived from the email (with a key, so that it cannot be computed before a theft) instead of drawn at
random: all accounts of one email share it, and one computation is compared to all of them. The price: whoever reads
the table sees when two accounts *of the same email* have the same password.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.hashers import check_password, is_password_usable, make_password
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import emails
from accounts.errors import InvalidPassword

MIN_LENGTH, MAX_LENGTH = 10, 128

_RULE: dict[str, tuple[str, Callable[[str], bool]]] = {
    "length": (f"{MIN_LENGTH} to {MAX_LENGTH} characters", lambda text: MIN_LENGTH <= len(text) <= MAX_LENGTH),
    "upper": ("an upper-case letter", lambda text: any(map(str.isupper, text))),
    "lower": ("a lower-case letter", lambda text: any(map(str.islower, text))),
    "digit": ("a digit", lambda text: any(map(str.isdecimal, text))),
    "characters": ("only characters that UTF-8 has", lambda text: _is_text(text)),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password hashed once for one email, to be compared with any number of stored hashes."""

    encoded: str
    """What is stored for this email and password today."""
    password: str = field(repr=False)
    possible: bool
    """Whether any account can have this password; when not, ``encoded`` is the hash of nothing."""

    def fits(self, *, stored: str) -> bool:
        """Whether ``stored`` is a hash of this password.

        A hash with another salt or cost (made before a change of SECRET_KEY or of the cost in the settings) takes one
        more computation, until its owner logs in and it is replaced; for so long time tells that the account exists.
        """
        if not self.possible or not is_password_usable(stored):
            return False
        if self.settings_of(stored) == self.settings_of(self.encoded):
            return constant_time_compare(stored, self.encoded)
        return check_password(self.password, stored)

    @staticmethod
    def settings_of(encoded: str) -> str:
        """Algorithm, cost and salt: everything but the digest."""
        return encoded.rpartition("$")[0]


def check_rule(*, password: str) -> None:
    """Pass when ``password`` may be set. Raises: InvalidPassword, saying which parts of the rule it breaks."""
    failed = [name for name, (_, holds) in _RULE.items() if not holds(password)]
    if failed:
        wanted = ", ".join(_RULE[name][0] for name in failed)
        raise InvalidPassword(f"The password needs {wanted}.", details={"failed": failed})


def attempt(*, email: str, password: str) -> Attempt:
    """Hash ``password`` for ``email``: slow on purpose, so never inside a transaction."""
    possible = len(password) <= MAX_LENGTH and _is_text(password)
    encoded = make_password(password if possible else "", salt=_salt(email))
    return Attempt(encoded=encoded, password=password, possible=possible)


def _salt(email: str) -> str:
    digest = salted_hmac("accounts.passwords.salt", emails.folded(email=email), algorithm="sha256").digest()
    return urlsafe_b64encode(digest[:16]).decode("ascii").rstrip("=")


def _is_text(text: str) -> bool:
    """Whether ``text`` has no lone surrogates, which JSON can smuggle in and UTF-8 cannot hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
