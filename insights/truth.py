"""Whether a text says only what the signals say. Pure: no Django, no clock, no I/O."""

import re
from dataclasses import asdict
from decimal import Decimal

from insights.signals import Signals

MOST_SENTENCES = 4
LONGEST = 240

_NUMBER = re.compile(r"\d+(?:[.,\u2009\u00a0' ]?\d+)*")
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
# Words that say how many. A model that means a number is to write its digits, which can be checked.
_COUNTS = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|halves|thirds?|quarters?|once|twice"
    r"|thrice|double[sd]?|triple[sd]?|percent)\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"https?:|www\.|@|[<>{}\[\]`|]|[^\x20-\x7e\u20ac\u2019\u2018\u201c\u201d\u2013]")


def fault(texts: list[str], signals: Signals) -> str:
    """Why these sentences must not be shown, or nothing.

    Every number in them must be one of the signals, digit for digit (``5.25``, ``5.250``). Refused are numbers in other
    notations or in words, links, markup and control characters.
    """
    if not 1 <= len(texts) <= MOST_SENTENCES:
        return f"{len(texts)} sentences"
    known = {Decimal(value).normalize() for value in asdict(signals).values()}
    for text in texts:
        if not text.strip() or len(text) > LONGEST:
            return "a sentence is empty or too long"
        if _ELSEWHERE.search(text):
            return "it holds a link, markup or control characters"
        if _COUNTS.search(text):
            return "it says a number in words"
        for found in _NUMBER.findall(text):
            if not _PLAIN.fullmatch(found) or Decimal(found).normalize() not in known:
                return f"{found} is none of the signals"
    return ""
