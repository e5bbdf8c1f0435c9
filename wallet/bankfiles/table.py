"""Reading a bank statement as CSV: a header and a line for each booking, in UTF-8, separated by commas or semicolons.

| column | |
| --- | --- |
| `account_iban` | whose statement it is |
| `booking_date` | `2026-04-02` |
| `amount` | `12.50`, or `12,50` where semicolons separate; a minus for money out; no thousands separators |
| `currency` | `EUR` |
| `remittance` | what the payer wrote; optional like all that follow |
| `party_name`, `party_iban` | who paid or was paid |
| `end_to_end_id` | the payer's reference, passed on unchanged |
| `bank_reference` | the bank's own; lines with one are told apart by it |
"""

import csv
import io
import re
from datetime import date
from decimal import Decimal

from wallet.bankfiles.lines import Line, StatementError

REQUIRED = ("account_iban", "booking_date", "amount", "currency")
OPTIONAL = ("remittance", "party_name", "party_iban", "end_to_end_id", "bank_reference")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")


def read(raw: bytes) -> list[Line]:
    """The lines of a file, in its order. Raises: StatementError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise StatementError("The file is not in UTF-8.") from problem
    if "\0" in text:
        raise StatementError("The file holds a NUL character.")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except (csv.Error, ValueError) as problem:
        raise StatementError("The file is not well-formed CSV with a header.") from problem
    _check(header)
    return [
        _line(dict(zip(header, row, strict=True)) if len(row) == len(header) else {}, number, separator)
        for number, row in enumerate(rows, start=2)
        if row
    ]


def _check(header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown or len(set(header)) < len(header):
        wrong = ", ".join(name[:40] for name in missing or unknown or header)
        raise StatementError(f"The header's columns are not the documented ones: {wrong}.")


def _line(values: dict[str, str], number: int, separator: str) -> Line:
    values = {name: " ".join(value.split()) for name, value in values.items()}
    amount = values.get("amount", "")
    if separator == ";":
        amount = amount.replace(",", ".")
    try:
        booked_on = date.fromisoformat(values.get("booking_date", ""))
    except ValueError as problem:
        raise StatementError(f"Line {number} has no booking date, or not as many columns as the header.") from problem
    if not _AMOUNT.fullmatch(amount) or not Decimal(amount) or not _CURRENCY.fullmatch(values["currency"]):
        raise StatementError(f"Line {number} has no amount and currency that can be read.")
    return Line(
        account_iban=values["account_iban"].replace(" ", "").upper(),
        booked_on=booked_on,
        cents=int(Decimal(amount) * 100),
        currency=values["currency"],
        end_to_end_id=values.get("end_to_end_id", ""),
        bank_reference=values.get("bank_reference", ""),
        remittance=values.get("remittance", ""),
        party_name=values.get("party_name", ""),
        party_iban=values.get("party_iban", "").replace(" ", "").upper(),
    )
