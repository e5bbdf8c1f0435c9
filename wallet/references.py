"""The code that tells whose bank transfer it is: an ISO 11649 creditor reference ("RF"), which banks know and check.

Two check digits (ISO 7064, mod 97-10) see every single wrong digit and every two neighbours swapped, so that a slip of
the pen is no reference rather than somebody else's. Digits only, which every keyboard and form takes. Pure.
"""

import re
import secrets

_DIGITS = 12
_IN_TEXT = re.compile(rf"RF[0-9]{{{2 + _DIGITS}}}")
_NOISE = re.compile(r"[^A-Z0-9]")


def new() -> str:
    """A reference that nobody can guess: ``RF`` and 14 digits."""
    body = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    return f"RF{98 - _remainder(body + 'RF00'):02d}{body}"


def is_valid(reference: str) -> bool:
    """Whether it is one of ours in form, and its check digits are right."""
    return bool(_IN_TEXT.fullmatch(reference)) and _remainder(reference[4:] + reference[:4]) == 1


def find(text: str) -> str | None:
    """The one valid reference in what a payer wrote, in whatever spacing; None when there is none, or several."""
    found = {match for match in _IN_TEXT.findall(_NOISE.sub("", text.upper())) if is_valid(match)}
    return found.pop() if len(found) == 1 else None


def formatted(reference: str) -> str:
    """In groups of four, as it is printed."""
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def _remainder(text: str) -> int:
    """Letters count as two digits, A is 10."""
    return int("".join(str(int(character, 36)) for character in text)) % 97
