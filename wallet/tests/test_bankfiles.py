"""Reading and writing banks' files, without a database: formats, and what attackers send."""

from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources

import pytest
from lxml import etree

from wallet import references
from wallet.bankfiles import camt053, pain001, table
from wallet.bankfiles.lines import Line, StatementError, identities
from wallet.tests.cash import BANK, IBAN, OTHER, camt, entry_xml

PATH = "urn:iso:std:iso:20022:tech:xsd:"


def batch(*details: str, total: str) -> str:
    """An entry that sums up several payments, as version 08 has it."""
    return f"""<Ntry><Amt Ccy="EUR">{total}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
      <BookgDt><DtTm>2026-04-02T08:00:00+02:00</DtTm></BookgDt><AcctSvcrRef>BATCH</AcctSvcrRef>
      <BkTxCd><Prtry><Cd>166</Cd></Prtry></BkTxCd><NtryDtls>{"".join(details)}</NtryDtls>
      <AddtlNtryInf>Sammler</AddtlNtryInf></Ntry>"""


def detail(amount: str, name: str) -> str:
    return f"""<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt>
      <CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>{name}</Nm></Pty></Dbtr></RltdPties></TxDtls>"""


class TestCamt053:
    @pytest.mark.parametrize("version", [2, 3, 4, 8, 14])
    def test_reads_an_entry(self, version: int) -> None:
        shape = 2 if version < 4 else 8
        raw = camt(
            entry_xml(amount="1234.50", text="Zeile 1", reference="R-1", end_to_end="E-1", version=shape),
            entry_xml(amount="7", direction="DBIT", version=shape),
            version=version,
        )
        assert camt053.read(raw) == [
            Line(BANK, date(2026, 4, 2), 123450, "EUR", "E-1", "R-1", "Zeile 1", "Alice Aetzkorn", IBAN),
            Line(BANK, date(2026, 4, 2), -700, "EUR", "", "", "", "Alice Aetzkorn", IBAN),
        ]

    def test_an_entry_with_details_that_add_up_is_a_line_for_each(self) -> None:
        entry = batch(detail("1.00", "a"), detail("2.00", "b"), total="3.00")
        found = camt053.read(camt(entry))
        assert [(line.cents, line.party_name, line.bank_reference) for line in found] == [
            (100, "a", "BATCH"),
            (200, "b", "BATCH"),
        ]
        assert found[0].booked_on == date(2026, 4, 2)

    def test_an_entry_with_details_that_do_not_is_one_line(self) -> None:
        (line,) = camt053.read(camt(batch(detail("1.00", "a"), detail("2.00", "b"), total="4.00")))
        assert (line.cents, line.remittance) == (400, "Sammler")

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"x",
            b"<a/>",
            b"\x00",
            b"\xff\xfe\x00",
            camt() + b"<x/>",
            camt(version=1),
            camt(version=15),
            camt(account=""),
            camt(entry_xml(amount="1e3")),
            camt(entry_xml(amount="-1.00")),
            camt(entry_xml(amount="1.005")),
            camt(entry_xml(amount="0.00")),
            camt(entry_xml(amount="NaN")),
            camt(entry_xml(amount="9" * 30)),
            camt(entry_xml(amount="1.00", currency="EURO")),
            camt(entry_xml(amount="1.00", direction="BOTH")),
            camt(entry_xml(amount="1.00", day="2026-02-30")),
            camt(entry_xml(amount="1.00", text="&undefined;")),
            b"<a>" * 100_000,
            camt().replace(b"camt.053", b"camt.054"),
        ],
    )
    def test_refuses_what_is_no_statement(self, raw: bytes) -> None:
        with pytest.raises(StatementError):
            camt053.read(raw)

    @pytest.mark.parametrize(
        "declaration",
        [
            '<!DOCTYPE d [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>',
            '<!DOCTYPE d [<!ENTITY c SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x.dtd">',
            "<!DOCTYPE d>",
        ],
    )
    def test_refuses_every_document_type_declaration(self, declaration: str) -> None:
        text = "&c;" if "ENTITY c" in declaration else ""
        raw = camt(entry_xml(amount="1.00", text=text)).replace(b"?>\n", f"?>{declaration}".encode(), 1)
        with pytest.raises(StatementError, match="document type"):
            camt053.read(raw)


class TestTable:
    HEADER = "account_iban,booking_date,amount,currency"

    def test_reads_both_separators(self) -> None:
        plain = f'{self.HEADER},remittance\n{BANK},2026-04-02,12.50,EUR,"a, ""b"""\n\n{BANK},2026-04-02,-3,EUR,\n'
        assert table.read(plain.encode()) == [
            Line(BANK, date(2026, 4, 2), 1250, "EUR", remittance='a, "b"'),
            Line(BANK, date(2026, 4, 2), -300, "EUR"),
        ]
        german = f"\ufeff{self.HEADER.replace(',', ';')}\r\n{BANK};2026-04-02;-12,5;EUR\r\n"
        assert [line.cents for line in table.read(german.encode())] == [-1250]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a,b\n1,2",
            HEADER + ",amount\n",
            HEADER + ",iban\n",
            HEADER + f"\n{BANK},2026-04-02,1.00",
            HEADER + f"\n{BANK},2026-04-02,1.00,EUR,more",
            HEADER + f"\n{BANK},02.04.2026,1.00,EUR",
            HEADER + f'\n{BANK},2026-04-02,"1,000.00",EUR',
            HEADER + f"\n{BANK},2026-04-02,1.005,EUR",
            HEADER + f"\n{BANK},2026-04-02,0,EUR",
            HEADER + f"\n{BANK},2026-04-02,٣,EUR",
            HEADER + f"\n{BANK},2026-04-02,1.00,eur",
            HEADER + f'\n"{BANK},2026-04-02,1.00,EUR',
            HEADER + f"\n{BANK}\0,2026-04-02,1.00,EUR",
        ],
    )
    def test_refuses_what_is_no_statement(self, text: str) -> None:
        with pytest.raises(StatementError):
            table.read(text.encode())

    def test_refuses_other_encodings(self) -> None:
        with pytest.raises(StatementError, match="UTF-8"):
            table.read("Größe".encode("latin-1"))


class TestIdentities:
    LINE = Line(BANK, date(2026, 4, 2), 100, "EUR", remittance="x", party_name="y")

    def test_count_what_looks_alike(self) -> None:
        first, second, third = identities([self.LINE] * 3)
        assert len({first, second, third}) == 3
        assert identities([self.LINE, self.LINE]) == [first, second]

    @pytest.mark.parametrize("change", [{"cents": 101}, {"booked_on": date(2026, 4, 3)}, {"remittance": "z"}])
    def test_tell_lines_apart(self, change: dict[str, object]) -> None:
        assert identities([self.LINE]) != identities([replace(self.LINE, **change)])  # type: ignore[arg-type]

    def test_believe_the_bank_s_reference_more_than_the_text(self) -> None:
        mine = replace(self.LINE, bank_reference="R")
        assert identities([mine]) == identities([replace(mine, remittance="z", party_name="")])
        assert identities([mine]) != identities([replace(mine, cents=-100)])


class TestPain001:
    DEBTOR = pain001.Debtor("Goldhaus Österreich AG", BANK, "COBADEFFXXX")
    ORDER = pain001.Order("0192f3b7c0de7abc8def0123456789ab", 10001, "Łukasz Żółć & Söhne", IBAN, "Payout")

    def write(self, *orders: pain001.Order, debtor: pain001.Debtor = DEBTOR) -> str:
        return pain001.write(
            message_id="0192f3b7c0de7abc8def0123456789ff",
            made_at=datetime(2026, 4, 2, 10, 5, 0, 123, tzinfo=UTC),
            execute_on=date(2026, 4, 2),
            debtor=debtor,
            orders=orders or [self.ORDER],
        )

    @pytest.mark.parametrize("bic", ["COBADEFFXXX", "COBADEFF", ""])
    @pytest.mark.parametrize("name", ["Alice", "李", "x" * 200, "a\u0301b & <c>", " "])
    def test_is_valid_by_iso_20022_s_schema(self, name: str, bic: str) -> None:
        schema = resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"
        document = self.write(replace(self.ORDER, name=name, remittance=name), debtor=replace(self.DEBTOR, bic=bic))
        etree.XMLSchema(etree.fromstring(schema.read_bytes())).assertValid(etree.fromstring(document.encode()))

    def test_the_schema_can_find_fault(self) -> None:
        """The control."""
        schema = resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"
        check = etree.XMLSchema(etree.fromstring(schema.read_bytes()))
        for right, wrong in (("<PmtMtd>TRF<", "<PmtMtd>XXX<"), ("10.01<", "10,01<"), ("<MsgId>", "<MsgId>" + "x" * 9)):
            document = self.write(replace(self.ORDER, cents=1001)).replace(right, wrong)
            assert not check.validate(etree.fromstring(document.encode()))

    def test_sums_up_and_uses_sepa_s_characters(self) -> None:
        document = self.write(self.ORDER, replace(self.ORDER, end_to_end_id="2", cents=99, iban=OTHER))
        root = etree.fromstring(document.encode())
        names = {"p": PATH + "pain.001.001.09"}

        def texts(path: str) -> list[str]:
            return [found.text or "" for found in root.iterfind(f".//{path}", names)]

        assert texts("p:CtrlSum") == ["101.00", "101.00"]
        assert texts("p:NbOfTxs") == ["2", "2"]
        assert texts("p:InstdAmt") == ["100.01", "0.99"]
        assert texts("p:Cdtr/p:Nm") == ["Lukasz Zolc . Sohne"] * 2
        assert texts("p:Dbtr/p:Nm") == ["Goldhaus Osterreich AG"]
        assert document == self.write(self.ORDER, replace(self.ORDER, end_to_end_id="2", cents=99, iban=OTHER))


class TestReferences:
    def test_no_slip_of_the_pen_is_another_reference(self) -> None:
        for reference in (references.new() for _ in range(100)):
            assert references.is_valid(reference)
            for at in range(2, 16):
                for digit in set("0123456789") - {reference[at]}:
                    assert not references.is_valid(reference[:at] + digit + reference[at + 1 :])
            for at in range(2, 15):
                swapped = reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
                assert swapped == reference or not references.is_valid(swapped)

    def test_is_the_standard_s(self) -> None:
        assert references.is_valid("RF18539007547034")  # the example that banks publish for ISO 11649
        assert references.formatted("RF18539007547034") == "RF18 5390 0754 7034"

    def test_several_in_one_text_are_none(self) -> None:
        one, two = references.new(), references.new()
        assert references.find(f"{one}, {one}") == one
        assert references.find(f"{one} {two}") is None
