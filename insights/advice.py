"""Sentences for a customer: one function, one contract. Signals go in, sentences come out; nobody is named."""

import hashlib
from dataclasses import asdict
from decimal import Decimal

import orjson

from insights import rules
from insights.signals import Signals

DISCLAIMER = "This text was written by a machine. It is general information, not investment advice."
"""The last sentence of whatever a language model has written."""


def sentences(signals: Signals, *, written: list[str] | None = None) -> list[str]:
    """What to say about a period, at once: what a model has ``written`` about these very signals, or the rules,
    which always have an answer."""
    return [*written, DISCLAIMER] if written else rules.sentences(signals)


def as_json(signals: Signals) -> bytes:
    """All that ever leaves for a model: the signals as JSON numbers, by name."""
    return orjson.dumps({name: orjson.Fragment(plain(value)) for name, value in asdict(signals).items()})


def fingerprint(signals: Signals) -> bytes:
    """SHA-256 of the signals: a text is about these and no others."""
    return hashlib.sha256(as_json(signals)).digest()


def plain(value: Decimal | int) -> str:
    """A number with the digits that it has: ``5.25``, ``1``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
