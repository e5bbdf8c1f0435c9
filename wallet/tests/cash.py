"""What the tests of deposits and withdrawals share: the calls, a tenant's bank, statements as banks write them."""

from typing import Any
from uuid import uuid4

from aurix.tests.attacks import sql
from aurix.tests.cast import Person

IBAN = "AT611904300234573201"
"""The customer's account; like all IBANs here an example of a published format description."""
BANK = "DE89370400440532013000"
"""The tenant's."""
OTHER = "NL91ABNA0417164300"


def error(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body["error"]) == {"code", "message", "details"}
    return answer.status_code, body["error"]["code"]


def post(person: Person, path: str, body: Any = None, *, key: str = "", **headers: str) -> Any:
    """POST under an idempotency key, a new one by default."""
    return person.post(path, body, Idempotency_Key=key or str(uuid4()), **headers)


def announce(person: Person, eur: str, **options: Any) -> Any:
    return post(person, "/deposits", {"eur": eur}, **options)


def withdraw(person: Person, eur: str, iban: str = IBAN, **options: Any) -> Any:
    return post(person, "/withdrawals", {"eur": eur, "iban": iban}, **options)


def register(person: Person, iban: str = IBAN, name: str = "Alice Ätzkorn") -> Any:
    return person.post("/bank-accounts", {"iban": iban, "holder_name": name})


def name_bank(staff: Person, *, of: Person | None = None) -> None:
    """Give the tenant a bank account."""
    body = {"holder_name": "Goldhaus Österreich AG", "iban": BANK, "bic": "COBADEFFXXX"}
    answer = staff.put(f"/admin/tenants/{(of or staff).tenant.id}/settlement-account", body)
    assert answer.status_code == 200, answer.content


def balances(person: Person) -> tuple[str, str]:
    """Posted and available euros."""
    wallet = person.get("/wallet").json()
    return wallet["fiat_balance_eur"], wallet["available_eur"]


def verb(staff: Person, kind: str, row: Any, what: str, body: Any = None, **options: Any) -> Any:
    """A staff verb on a row of the API or an id."""
    return post(staff, f"/admin/{kind}/{row['id'] if isinstance(row, dict) else row}/{what}", body, **options)


def export(staff: Person, *, of: Person | None = None, **options: Any) -> Any:
    return post(staff, f"/admin/tenants/{(of or staff).tenant.id}/payment-files", **options)


def exported(customer: Person, staff: Person, eur: str = "100.00") -> dict[str, Any]:
    """A withdrawal on its way to the bank."""
    name_bank(staff, of=customer)
    register(customer)
    row: dict[str, Any] = withdraw(customer, eur).json()
    assert verb(staff, "withdrawals", row, "approve").status_code == 200
    assert export(staff, of=customer).status_code == 201
    return row


def freeze(person: Person, reason: str = "under examination") -> None:
    """As reconciliation does it."""
    with sql("app", tenant_id=person.tenant.id) as connection:
        connection.execute("UPDATE wallet_wallet SET frozen_reason = %s WHERE id = %s", [reason, person.wallet_id])


def entry_xml(
    *,
    amount: str,
    text: str = "",
    direction: str = "CRDT",
    reference: str = "",
    end_to_end: str = "",
    day: str = "2026-04-02",
    name: str = "Alice Aetzkorn",
    iban: str = IBAN,
    version: int = 8,
    status: str = "BOOK",
    currency: str = "EUR",
) -> str:
    """One booked entry with one detail, as banks write it in version 02 or 08."""
    party = "Dbtr" if direction == "CRDT" else "Cdtr"
    who = f"<Nm>{name}</Nm>"
    return f"""
    <Ntry>
     <Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>
     <Sts>{f"<Cd>{status}</Cd>" if version > 3 else status}</Sts>
     <BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>
     {f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""}
     <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
     <NtryDtls><TxDtls>
      <Refs><EndToEndId>{end_to_end or "NOTPROVIDED"}</EndToEndId></Refs>
      {f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>' if version > 3 else ""}
      <RltdPties><{party}>{f"<Pty>{who}</Pty>" if version > 3 else who}</{party}>
       <{party}Acct><Id><IBAN>{iban}</IBAN></Id></{party}Acct></RltdPties>
      {f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>" if text else ""}
     </TxDtls></NtryDtls>
    </Ntry>"""


def camt(*entries: str, version: int = 8, account: str = BANK) -> bytes:
    """A statement with these entries."""
    balance = """
    <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
     <Dt><Dt>2026-04-02</Dt></Dt></Bal>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02}">
 <BkToCstmrStmt>
  <GrpHdr><MsgId>STATEMENT-1</MsgId><CreDtTm>2026-04-02T20:15:00+02:00</CreDtTm></GrpHdr>
  <Stmt><Id>1</Id><ElctrncSeqNb>62</ElctrncSeqNb><CreDtTm>2026-04-02T20:15:00+02:00</CreDtTm>
   <Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balance}{"".join(entries)}
  </Stmt>
 </BkToCstmrStmt>
</Document>""".encode()


def imports(
    staff: Person, raw: bytes, *, of: Person | None = None, content_type: str = "application/xml", key: str = ""
) -> Any:
    path = f"/admin/tenants/{(of or staff).tenant.id}/bank-statements"
    return post(staff, path, raw, key=key, Content_Type=content_type)


def lines(staff: Person, status: str = "unmatched") -> list[dict[str, Any]]:
    answer = staff.get(f"/admin/tenants/{staff.tenant.id}/bank-lines?status={status}&limit=100")
    assert answer.status_code == 200, answer.content
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def payments_of(customer: Person, staff: Person) -> None:
    """A row in every table of deposits, withdrawals and the bank."""
    exported(customer, staff)
    row = announce(customer, "5.00").json()
    raw = camt(entry_xml(amount="5.00", text=row["reference"]))
    assert imports(staff, raw, of=customer).json()["matched"] == 1
    trade = customer.buy(grams="1").json()["transaction"]
    assert post(customer, "/transfers", {"email": "a@example.com", "grams": "1"}).status_code == 201
    assert staff.post(f"/admin/transactions/{trade['id']}/reversal", {"reason": "x"}).status_code == 201
