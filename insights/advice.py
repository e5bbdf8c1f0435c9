"""Sentences for a customer: one function, one contract. Signals go in, sentences come out; nobody is named."""

from insights import rules
from insights.signals import Signals


def sentences(signals: Signals) -> list[str]:
    """What to say about a period, at once: by the rules, which always have an answer."""
    return rules.sentences(signals)
