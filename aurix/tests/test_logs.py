"""Log lines are JSON, say whose request it was, and hold no secret and no full email address."""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from aurix import logs

SECRETS = {
    "password": "sesame",
    "new_password": "sesame",
    "Authorization": "Bearer sesame",
    "access_token": "sesame",
    "JWT_SECRET": "sesame",
    "set-cookie": "sesame",
    "apikey": "sesame",
}
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZXNhbWUifQ.c2VzYW1l"


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What logging writes to standard output, configured afresh."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        logs.configure({"level": "INFO"})
    yield stream
    root.handlers[:], root.level = before


def line(out: io.StringIO) -> dict[str, Any]:
    """The one line that was written."""
    (text,) = out.getvalue().splitlines()
    written: dict[str, Any] = json.loads(text)
    return written


class TestLine:
    def test_of_ours_is_json(self, out: io.StringIO) -> None:
        structlog.get_logger("ours").warning("price_moved", cents=6500)
        written = line(out)
        assert written.pop("timestamp").endswith("Z")
        assert written == {"event": "price_moved", "cents": 6500, "logger": "ours", "level": "warning"}

    def test_of_a_library_is_json_too(self, out: io.StringIO) -> None:
        logging.getLogger("some.library").info("took %d ms", 5)
        written = line(out)
        assert (written["event"], written["logger"], written["level"]) == ("took 5 ms", "some.library", "info")

    def test_says_whose_request_it_was(self, out: io.StringIO) -> None:
        with structlog.contextvars.bound_contextvars(request_id="r", tenant_id="t", user_id="u"):
            logging.getLogger("some.library").info("x")
        written = line(out)
        assert (written["request_id"], written["tenant_id"], written["user_id"]) == ("r", "t", "u")

    def test_holds_a_traceback_without_variables(self, out: io.StringIO) -> None:
        try:
            variable = "sesame"
            raise ValueError(f"{len(variable)} letters")
        except ValueError:
            logging.getLogger("some.library").exception("failed")
        written = line(out)
        assert "ValueError: 6 letters" in written["exception"]
        assert "sesame" not in out.getvalue()

    def test_takes_any_value(self, out: io.StringIO) -> None:
        structlog.get_logger("ours").info("x", value=object(), nested={1: {2}}, text="ä\n")
        assert line(out)["text"] == "ä\n"

    def test_below_the_level_is_not_written(self, out: io.StringIO) -> None:
        logging.getLogger("some.library").debug("x")
        structlog.get_logger("ours").debug("x")
        assert out.getvalue() == ""

    @pytest.mark.parametrize("name", ["django.request", "django.server", "django.security.DisallowedHost"])
    def test_does_not_repeat_the_access_log(self, out: io.StringIO, name: str) -> None:
        logging.getLogger(name).warning("Not Found: /x?token=sesame")
        if name == "django.request":
            logging.getLogger(name).error("Service Unavailable: /x")
        assert out.getvalue() == ""


class TestMask:
    def test_hides_what_is_named_like_a_secret(self, out: io.StringIO) -> None:
        structlog.get_logger("ours").info("x", **SECRETS, deep={"list": [SECRETS]}, token_type="Bearer")
        written = line(out)
        assert "sesame" not in out.getvalue()
        assert written["password"] == "***"
        assert written["token_type"] == "Bearer"

    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            ("alice@example.org", "a***@example.org"),
            ("Key (email)=(Alice.B+x@mail.example.org) exists", "Key (email)=(A***@mail.example.org) exists"),
            ("a@b", "a***@b"),
            ("<alice@example.org>, <bob@example.org>", "<a***@example.org>, <b***@example.org>"),
            (f"Bearer {JWT}.", "Bearer ***."),
            ("postgresql://aurix:sesame@db:5432/aurix", "postgresql://aurix:***@db:5432/aurix"),
            ("redis://:sesame@cache", "redis://:***@cache"),
            ("at 5 o'clock @ home", "at 5 o'clock @ home"),
            ("01/wallet/buy", "01/wallet/buy"),
        ],
    )
    def test_hides_addresses_and_tokens_in_any_text(self, out: io.StringIO, text: str, masked: str) -> None:
        logging.getLogger("some.library").info("%s", text)
        assert line(out)["event"] == masked

    def test_reaches_into_tracebacks(self, out: io.StringIO) -> None:
        try:
            raise ValueError("alice@example.org", JWT)
        except ValueError:
            structlog.get_logger("ours").exception("failed")
        written = line(out)["exception"]
        assert "'a***@example.org', '***'" in written

    def test_is_quick_on_hostile_text(self, out: io.StringIO) -> None:
        started = time.process_time()
        for hostile in ("a.", "@", "a@", "eyJ", "eyJ-", "eyJ.", "://", "://a:", ":", "a-"):
            logging.getLogger("some.library").info("@eyJ" + hostile * 50_000)  # noqa: G003
        assert time.process_time() - started < 2
        assert out.getvalue()
