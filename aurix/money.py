"""Money as whole cents, gold as decimal grams: reading, writing and the only rounding there is.

Pure: no Django, no clock, no I/O. Euros are ``int`` cents. Grams, prices (euros per gram) and rates are ``Decimal``
with at most 8 places. Arithmetic is done on integers, so nothing is ever rounded but where a name says so.
"""

import re
from decimal import Decimal

PLACES = 8
UNIT: int = 10**PLACES
"""A gram, a euro per gram, or a rate of 1, in its smallest steps."""

_PLAIN = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


class AmountError(ValueError):
    """A text that is not a plain decimal number with the allowed places; says so in a sentence for a person."""


def parse_decimal(text: str, *, places: int) -> Decimal:
    """Read ``12`` or ``12.5``: digits with an optional point. No sign, exponent, space, or other notation.

    Raises: AmountError.
    """
    if not _PLAIN.fullmatch(text):
        raise AmountError("must be a plain decimal number such as 12.50")
    if len(text.partition(".")[2]) > places:
        raise AmountError(f"must have at most {places} decimal places")
    return Decimal(text)


def cents(euros: Decimal) -> int:
    """Euros with at most 2 places as cents, exactly."""
    units, rest = divmod(_units(euros), UNIT // 100)
    if rest:
        raise ValueError(f"{euros} has more than 2 places")
    return units


def format_cents(cents: int) -> str:
    """``8175`` is ``"81.75"``."""
    euros, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{euros}.{rest:02d}"


def format_grams(grams: Decimal) -> str:
    """Exactly 8 places, no exponent. Also for prices and rates."""
    return f"{grams:.8f}"


def worth_up(*, grams: Decimal, price: Decimal) -> int:
    """Cents for ``grams`` at ``price`` euros per gram, rounded up to the cent."""
    return -(-_units(grams) * _units(price) // (UNIT * UNIT // 100))


def worth_down(*, grams: Decimal, price: Decimal) -> int:
    """Cents for ``grams`` at ``price`` euros per gram, rounded down to the cent."""
    return _units(grams) * _units(price) // (UNIT * UNIT // 100)


def share_half_up(*, cents: int, rate: Decimal) -> int:
    """``cents`` times ``rate``, rounded half up to the cent."""
    return (2 * cents * _units(rate) + UNIT) // (2 * UNIT)


def grams_down(*, cents: int, price: Decimal) -> Decimal:
    """The greatest weight of 8 places whose worth at ``price`` is not above ``cents``."""
    return _grams(cents * UNIT * UNIT // 100 // _units(price))


def grams_up(*, cents: int, price: Decimal) -> Decimal:
    """The least weight of 8 places whose worth at ``price`` is not below ``cents``."""
    return _grams(-(-cents * UNIT * UNIT // 100 // _units(price)))


def _units(value: Decimal) -> int:
    """``value`` in its smallest steps; exact for stored numbers, which have at most 8 places."""
    numerator, denominator = value.as_integer_ratio()
    units, rest = divmod(numerator * UNIT, denominator)
    if rest:
        raise ValueError(f"{value} has more than {PLACES} places")
    return units


def _grams(grains: int) -> Decimal:
    whole, rest = divmod(grains, UNIT)
    return Decimal(f"{whole}.{rest:08d}")
