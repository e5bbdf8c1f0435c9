"""What the signals of a period give reason to say: the contract's sentences, word for word, and when each is due."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from insights.signals import Signals


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` is said where ``fires`` holds."""

    fires: Callable[[Signals], bool]
    text: str


def buys_often(signals: Signals) -> bool:
    """More than 3 buys in the period."""
    return signals.buy_count > 3


def buys_above_reference(signals: Signals) -> bool:
    """On average for more than 105 % of the reference price."""
    reference = signals.reference_price_eur_per_gram
    return reference > 0 and signals.average_buy_price_eur_per_gram > reference * Decimal("1.05")


def buys_at_peaks(signals: Signals) -> bool:
    """At least two buys, and more than half of all, in the top quarter of the period's price range."""
    share = signals.peak_buy_share
    return share > Decimal("0.5") and round(share * signals.buy_count) >= 2


def sells_after_buying(signals: Signals) -> bool:
    """More than half as many sells as buys."""
    return signals.buy_count > 0 and 2 * signals.sell_count > signals.buy_count


def holds_without_buying(signals: Signals) -> bool:
    """No buy in the period, and gold held at its end."""
    return signals.buy_count == 0 and signals.holding_grams > 0


RULES = [
    Rule(
        buys_often,
        "You are buying frequently. Consider spacing out your purchases to reduce timing risk.",
    ),
    Rule(
        buys_above_reference,
        "You are buying at prices above the reference average. Consider waiting for a dip.",
    ),
    Rule(
        buys_at_peaks,
        "You are buying frequently at peak prices. Consider averaging your purchases.",
    ),
    Rule(
        sells_after_buying,
        "You tend to sell shortly after buying. Consider holding longer to reduce fee impact.",
    ),
    Rule(
        holds_without_buying,
        "You haven't bought recently. Consider dollar-cost averaging for consistent growth.",
    ),
]
"""In the order in which they are said."""

BALANCED = "Your trading activity looks balanced. Keep monitoring the market."
"""What is said when no rule fires."""


def sentences(signals: Signals) -> list[str]:
    """What all rules have to say about ``signals``; never nothing."""
    return [rule.text for rule in RULES if rule.fires(signals)] or [BALANCED]
