"""What the Single Euro Payments Area prescribes: bank account numbers, and the few characters that every bank can read.

Pure: no Django, no clock, no I/O.
"""

import re
import unicodedata

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

LONGEST_IBAN = 64
"""As typed, spaces included."""

MOST_CENTS = 999_999_999_99
"""The largest amount of a SEPA credit transfer (EPC115-06, AT-04)."""

_OUTSIDE = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")
_SPELLED = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"})


class IbanError(ValueError):
    """A text that is no IBAN of the SEPA area; says so in a sentence for a person."""


def parse_iban(text: str) -> str:
    """The IBAN in its electronic form: upper case, no spaces. Structure and check digits are those of its country.

    Raises: IbanError, also for countries outside of SEPA, to which no SEPA transfer goes.
    """
    if len(text) > LONGEST_IBAN or not text.isascii():
        raise IbanError("is not an IBAN")
    try:
        iban = IBAN(text)
    except SchwiftyException as problem:
        raise IbanError("is not an IBAN: please check it") from problem
    if not iban.in_sepa_zone:
        raise IbanError("is not in a country of the SEPA area")
    return str(iban)


def latin(text: str) -> str:
    """``text`` in SEPA's basic Latin characters (EPC217-08): letters without their marks, a dot for what has none."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return _OUTSIDE.sub(".", " ".join(plain.split()))


def is_latin_name(text: str) -> bool:
    """Whether enough of a name is left in those characters for a bank to go by: two letters or digits."""
    return sum(character.isalnum() for character in latin(text)) >= 2
