"""Which emails and passwords are taken, and which emails are the same: plain functions."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import emails, passwords
from accounts.errors import InvalidEmail, InvalidPassword


class TestEmails:
    @pytest.mark.parametrize(
        "email",
        ["a@b.co", "First.Last+tag@Sub.Example.COM", "o'hara@example.ie", "x@münchen.de", "a@" + "b." * 60 + "co"],
    )
    def test_takes_addresses(self, email: str) -> None:
        emails.check(email=email)

    @pytest.mark.parametrize(
        "email",
        [
            "", "a", "@", "a@", "@b.co", "a@b", "a b@c.de", " a@b.co", "a@b.co ", "a@b.co\n", "a\0@b.co", "a\t@b.co",
            '"a b"@c.de', '"a\x01"@c.de', "a@b.co,c@d.co", "a@@b.co", "a\ud800@b.co", "a@b\u200b.co", "a\u00a0@b.co",
            "x" * 250 + "@b.co", "a@" + "b." * 150 + "co", "a" * 60_000,
        ],
    )  # fmt: skip
    def test_refuses_what_is_none(self, email: str) -> None:
        with pytest.raises(InvalidEmail):
            emails.check(email=email)
        assert emails.folded(email=email) == ""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Alice@Example.COM", "alice@example.com"),
            ("a@MÜNCHEN.de", "a@münchen.DE"),
            ("a@mu\u0308nchen.de", "a@m\u00fcnchen.de"),
            ("a@straße.de", "a@STRASSE.de"),
            ("a@ΟΔΟΣ.gr", "a@οδος.gr"),
        ],
    )
    def test_finds_the_same_address(self, one: str, other: str) -> None:
        assert emails.folded(email=one) == emails.folded(email=other) != ""

    @given(st.emails())
    def test_folding_is_stable_under_case_and_again(self, email: str) -> None:
        folded = emails.folded(email=email)
        if folded:
            assert emails.folded(email=email.upper()) in {folded, ""}
            assert emails.folded(email=folded) == folded
            assert len(folded) <= 3 * emails.MAX_LENGTH

    @given(st.text())
    def test_no_text_is_too_strange_to_be_judged(self, text: str) -> None:
        assert emails.is_valid(email=text) == bool(emails.folded(email=text))


class TestTheRule:
    @pytest.mark.parametrize(
        "password", ["Aaaaaaaa1!", "ÄÄÄäää1234", "Žluťoučký-1", "A1" + "a" * 126, "Aa1 \n\t\0 xyz"]
    )
    def test_takes_passwords(self, password: str) -> None:
        passwords.check_rule(password=password)

    @pytest.mark.parametrize(
        ("password", "message"),
        [
            ("Aaaaaaa1!", "The password needs 10 to 128 characters."),
            ("aaaaaaaaa1", "The password needs an upper-case letter."),
            ("1111111111", "The password needs an upper-case letter, a lower-case letter."),
            ("Aaaaaaaaa²", "The password needs a digit."),
            ("Aaaaaaaa1\ud800", "The password needs only characters that UTF-8 has."),
        ],
    )
    def test_says_which_part_is_broken(self, password: str, message: str) -> None:
        with pytest.raises(InvalidPassword, match="^" + message.replace(".", r"\.") + "$"):
            passwords.check_rule(password=password)

    @given(st.text(max_size=200))
    def test_no_text_is_too_strange_to_be_judged(self, text: str) -> None:
        with contextlib.suppress(InvalidPassword):
            passwords.check_rule(password=text)


class TestAttempt:
    def test_fits_its_own_password_only(self) -> None:
        stored = passwords.attempt(email="a@b.co", password="Correct-Horse-42").encoded
        assert passwords.attempt(email="A@B.CO", password="Correct-Horse-42").fits(stored=stored)
        assert not passwords.attempt(email="a@b.co", password="correct-Horse-42").fits(stored=stored)

    def test_salts_every_email_differently(self) -> None:
        encoded = {passwords.attempt(email=email, password="same").encoded for email in ("a@b.co", "c@b.co")}
        assert len(encoded) == 2

    def test_cannot_be_computed_without_the_key(self, settings: Any) -> None:
        here = passwords.attempt(email="a@b.co", password="same")
        settings.SECRET_KEY = "another" * 10
        there = passwords.attempt(email="a@b.co", password="same")
        assert there.encoded != here.encoded
        assert there.fits(stored=here.encoded)  # and what was stored before still fits
        assert not passwords.attempt(email="a@b.co", password="other").fits(stored=here.encoded)

    def test_does_not_show_the_password(self) -> None:
        assert "secret-text" not in repr(passwords.attempt(email="a@b.co", password="secret-text"))

    @pytest.mark.parametrize("password", ["x" * 129, "\ud800"])
    def test_an_impossible_password_fits_nothing(self, password: str) -> None:
        attempt = passwords.attempt(email="a@b.co", password=password)
        assert not attempt.fits(stored=attempt.encoded)

    def test_an_unusable_password_costs_nothing_extra(self, hashes: list[str]) -> None:
        assert not passwords.attempt(email="a@b.co", password="Correct-Horse-42").fits(stored="!unusable")
        assert hashes == ["encode"]

    def test_fits_no_hash_that_is_none(self) -> None:
        attempt = passwords.attempt(email="a@b.co", password="Correct-Horse-42")
        for stored in ("", "!", "!unusable", "rubbish", "$", attempt.encoded[:-1]):
            assert not attempt.fits(stored=stored)
