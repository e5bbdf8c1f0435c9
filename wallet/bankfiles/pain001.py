"""Writing pain.001.001.09, ISO 20022's credit transfer initiation, as the EPC's SEPA guidelines (EPC132-08) have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree

from aurix import clock, money, sepa

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_NAME, _REMITTANCE = 70, 140
"""The longest that SEPA passes on."""


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays. An empty ``bic`` leaves the bank to be found by the IBAN, which SEPA allows."""

    name: str
    iban: str
    bic: str


@dataclass(frozen=True, slots=True)
class Order:
    """One credit transfer: ``cents`` to ``iban``. ``end_to_end_id`` comes back unchanged on every statement."""

    end_to_end_id: str
    cents: int
    name: str
    iban: str
    remittance: str


def write(*, message_id: str, made_at: datetime, execute_on: date, debtor: Debtor, orders: Sequence[Order]) -> str:
    """The document for ``orders``, which are not empty. The same values make the same document.

    ``message_id`` has at most 32 characters; names and texts are put in the characters that SEPA has.
    """
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
    body = _add(root, "CstmrCdtTrfInitn")
    count, total = str(len(orders)), money.format_cents(sum(order.cents for order in orders))
    header = _add(body, "GrpHdr")
    _add(header, "MsgId", message_id)
    _add(header, "CreDtTm", clock.rfc3339(made_at.replace(microsecond=0)))
    _add(header, "NbOfTxs", count)
    _add(header, "CtrlSum", total)
    _add(header, "InitgPty/Nm", _short(debtor.name, _NAME))
    payment = _add(body, "PmtInf")
    _add(payment, "PmtInfId", f"{message_id}-1")
    _add(payment, "PmtMtd", "TRF")
    _add(payment, "BtchBookg", "false")  # each order its own line on the statement, by which it is settled
    _add(payment, "NbOfTxs", count)
    _add(payment, "CtrlSum", total)
    _add(payment, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _add(payment, "ReqdExctnDt/Dt", execute_on.isoformat())
    _add(payment, "Dbtr/Nm", _short(debtor.name, _NAME))
    _add(payment, "DbtrAcct/Id/IBAN", debtor.iban)
    if debtor.bic:
        _add(payment, "DbtrAgt/FinInstnId/BICFI", debtor.bic)
    else:
        _add(payment, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    _add(payment, "ChrgBr", "SLEV")
    for order in orders:
        _transfer(payment, order)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return document.decode()


def _transfer(payment: etree._Element, order: Order) -> None:
    transfer = _add(payment, "CdtTrfTxInf")
    _add(transfer, "PmtId/EndToEndId", order.end_to_end_id)
    _add(transfer, "Amt/InstdAmt", money.format_cents(order.cents)).set("Ccy", "EUR")
    _add(transfer, "Cdtr/Nm", _short(order.name, _NAME))
    _add(transfer, "CdtrAcct/Id/IBAN", order.iban)
    _add(transfer, "RmtInf/Ustrd", _short(order.remittance, _REMITTANCE))


def _add(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    """New elements below each other; ``text`` is the last one's."""
    for name in path.split("/"):
        parent = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    parent.text = text
    return parent


def _short(text: str, longest: int) -> str:
    return sepa.latin(text)[:longest].strip() or "-"
