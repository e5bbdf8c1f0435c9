"""Reading CAMT.053, ISO 20022's bank-to-customer statement, in the versions 02 (2009) to 14.

What differs between them and matters here: a status and a party have become choices of further elements (``Sts/Cd``,
``Dbtr/Pty/Nm``), and a detail carries its amount itself (``TxDtls/Amt``) and no longer in ``AmtDtls/TxAmt``.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

from wallet.bankfiles.lines import Line, StatementError

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-4])")
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,5})?")
_NONE_GIVEN = {"NOTPROVIDED", "NONREF"}


def read(raw: bytes) -> list[Line]:
    """The booked lines of all statements in a document, in its order.

    An entry with several details that add up to it becomes a line for each of them.
    Raises: StatementError, also for a document type declaration, which could name files and expand to anything.
    """
    root = _parse(raw)
    reader = _Reader(etree.QName(root).namespace or "")
    return [line for statement in reader.all(root, "BkToCstmrStmt/Stmt") for line in reader.lines(statement)]


def _parse(raw: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as problem:
        raise StatementError(f"The document is not well-formed XML: line {problem.lineno}.") from problem
    if root.getroottree().docinfo.doctype:
        raise StatementError("The document has a document type declaration, which no statement needs.")
    name = etree.QName(root)
    if name.localname != "Document" or not _NAMESPACE.fullmatch(name.namespace or ""):
        raise StatementError("The document is no CAMT.053 statement of version 02 to 14.")
    return root


class _Reader:
    """Looks up elements by their short names in one version's namespace."""

    def __init__(self, namespace: str) -> None:
        self._names = {"c": namespace}

    def all(self, element: etree._Element, path: str) -> list[etree._Element]:
        found: list[etree._Element] = element.findall("/".join(f"c:{name}" for name in path.split("/")), self._names)
        return found

    def text(self, element: etree._Element, *paths: str) -> str:
        """The text at the first of ``paths`` that has any, with single spaces."""
        for path in paths:
            for found in self.all(element, path):
                if found.text and found.text.strip():
                    return " ".join(found.text.split())
        return ""

    def lines(self, statement: etree._Element) -> Iterator[Line]:
        iban = self.text(statement, "Acct/Id/IBAN").replace(" ", "").upper()
        if not iban:
            raise StatementError("A statement does not name its account by an IBAN.")
        for entry in self.all(statement, "Ntry"):
            if self.text(entry, "Sts/Cd", "Sts") == "BOOK":
                yield from self._entry(iban, entry, self.text(statement, "CreDtTm"))

    def _entry(self, iban: str, entry: etree._Element, made_at: str) -> Iterator[Line]:
        cents, currency = self._amount(entry, "Amt")
        booked_on = _day(
            self.text(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm") or made_at, entry.sourceline
        )
        details = self.all(entry, "NtryDtls/TxDtls")
        parts = [self._detail_amount(entry, detail) for detail in details]
        if len(parts) < 2 or None in parts or sum(part[0] for part in parts if part) != cents:
            parts = [(cents, currency)]
            details = details if len(details) == 1 else [entry]
        for detail, part in zip(details, parts, strict=True):
            assert part is not None  # noqa: S101  checked above
            yield self._line(iban, booked_on, entry, detail, part[0], currency)

    def _line(
        self, iban: str, booked_on: date, entry: etree._Element, detail: etree._Element, cents: int, currency: str
    ) -> Line:
        party = "Dbtr" if cents > 0 else "Cdtr"
        references = (self.text(entry, "AcctSvcrRef"), self.text(detail, "Refs/AcctSvcrRef", "Refs/TxId"))
        given = self.text(detail, "Refs/EndToEndId")
        written = [
            *(found.text or "" for found in self.all(detail, "RmtInf/Ustrd")),
            *(found.text or "" for found in self.all(detail, "RmtInf/Strd/CdtrRefInf/Ref")),
            self.text(detail, "AddtlTxInf", "AddtlNtryInf"),
        ]
        return Line(
            account_iban=iban,
            booked_on=booked_on,
            cents=cents,
            currency=currency,
            end_to_end_id="" if given in _NONE_GIVEN else given,
            bank_reference="/".join(filter(None, references)),
            remittance=" ".join(" ".join(written).split()),
            party_name=self.text(detail, f"RltdPties/{party}/Pty/Nm", f"RltdPties/{party}/Nm"),
            party_iban=self.text(detail, f"RltdPties/{party}Acct/Id/IBAN").replace(" ", "").upper(),
        )

    def _detail_amount(self, entry: etree._Element, detail: etree._Element) -> tuple[int, str] | None:
        """A detail's own amount, None where it has none in the account's currency."""
        currency = self.all(entry, "Amt")[0].get("Ccy")
        for path in ("Amt", "AmtDtls/TxAmt/Amt"):
            for amount in self.all(detail, path):
                if amount.get("Ccy") == currency:
                    direction = self.text(detail, "CdtDbtInd") or self.text(entry, "CdtDbtInd")
                    return _cents(amount, direction), currency or ""
        return None

    def _amount(self, element: etree._Element, path: str) -> tuple[int, str]:
        amounts = self.all(element, path)
        if len(amounts) != 1:
            raise StatementError(f"The entry at line {element.sourceline} has no amount.")
        return _cents(amounts[0], self.text(element, "CdtDbtInd")), amounts[0].get("Ccy") or ""


def _cents(amount: etree._Element, direction: str) -> int:
    text = (amount.text or "").strip()
    if not _AMOUNT.fullmatch(text) or direction not in {"CRDT", "DBIT"} or len(amount.get("Ccy") or "") != 3:
        raise StatementError(f"The amount at line {amount.sourceline} cannot be read.")
    cents = Decimal(text) * 100
    if cents != cents.to_integral_value() or not cents:
        raise StatementError(f"The amount at line {amount.sourceline} is not in hundredths, or is nothing.")
    return int(cents) if direction == "CRDT" else -int(cents)


def _day(text: str, line: int | None) -> date:
    try:
        return date.fromisoformat(text[:10])
    except (ValueError, InvalidOperation) as problem:
        raise StatementError(f"The entry at line {line} has no booking date.") from problem
