"""A booked line of a bank statement, whatever file it comes from."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date


class StatementError(ValueError):
    """Bytes that are no statement in this format; says where and why in a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Line:
    """Money into (``cents`` above 0) or out of an account, in hundredths of ``currency``.

    ``end_to_end_id`` is what the payer gave and the bank passed on unchanged; ``bank_reference`` is the bank's own.
    """

    account_iban: str
    booked_on: date
    cents: int
    currency: str
    end_to_end_id: str = ""
    bank_reference: str = ""
    remittance: str = ""
    party_name: str = ""
    party_iban: str = ""


def identities(lines: Sequence[Line]) -> list[bytes]:
    """For each line what tells it from every other line of its account: 32 bytes.

    The same line has the same identity in every file it is in. Where the bank gives references of its own they count
    with day and amount; else all that the line says. Lines that look alike are counted: a day's second one is another.
    """
    seen: Counter[bytes] = Counter()
    found = []
    for line in lines:
        alike = _digest(_told_by(line))
        seen[alike] += 1
        found.append(_digest([alike.hex(), str(seen[alike])]))
    return found


def _told_by(line: Line) -> list[str]:
    if line.bank_reference:
        own = (line.account_iban, line.booked_on, line.cents, line.currency, line.bank_reference)
        return ["by reference", *map(str, own)]
    return ["by content", *map(str, astuple(line))]


def _digest(parts: list[str]) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
