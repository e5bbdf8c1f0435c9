"""A language model behind any endpoint that speaks OpenAI's API. It sees signals and nothing else."""

from typing import Any

import orjson
import structlog
from django.conf import settings
from openai import OpenAI, OpenAIError

from insights import advice, truth
from insights.signals import Signals

logger = structlog.get_logger(__name__)

PROMPT_VERSION = 1
_INSTRUCTIONS = (
    "You write for a customer of a gold savings account. You get figures of one period as JSON: grams, euros, counts,"
    " ratios, percent. Answer with one to four short, plain, neutral English sentences about the trading behaviour that"
    " they show. Any number that you mention must be one of the given ones, written with the same digits; write none in"
    " words. Give no forecast and no order to buy or sell."
)
_SHAPE: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "insights",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["sentences"],
            "properties": {"sentences": {"type": "array", "items": {"type": "string"}}},
        },
    },
}


class ModelUnreachableError(Exception):
    """The endpoint does not answer, or refuses; asking about another customer now is no use."""


def write(signals: Signals) -> list[str] | None:
    """What the model says about ``signals``; None when that must not be shown. Takes seconds: never in a request.

    Raises: ModelUnreachableError.
    """
    client = OpenAI(
        base_url=settings.LLM_BASE_URL,
        api_key=settings.LLM_API_KEY or "none",
        timeout=settings.LLM_TIMEOUT_SECONDS,
        max_retries=settings.LLM_RETRIES,
    )
    try:
        with client:
            answer = client.chat.completions.create(
                model=settings.LLM_MODEL,
                messages=[
                    {"role": "system", "content": _INSTRUCTIONS},
                    {"role": "user", "content": advice.as_json(signals).decode("ascii")},
                ],
                response_format=_SHAPE,
                max_tokens=400,
                temperature=0,
            )
            text = answer.choices[0].message.content if answer.choices else None
    except OpenAIError as problem:
        raise ModelUnreachableError(type(problem).__name__) from problem
    except (ValueError, TypeError, AttributeError) as problem:  # an answer that is not even the API's JSON
        logger.warning("model_answer_discarded", reason=type(problem).__name__)
        return None
    written = _read(text)
    reason = truth.fault(written, signals) if written is not None else "not the JSON that was asked for"
    if reason:
        logger.warning("model_answer_discarded", reason=reason)
        return None
    return written


def _read(text: str | None) -> list[str] | None:
    try:
        found = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    listed = found.get("sentences") if isinstance(found, dict) and set(found) == {"sentences"} else None
    return listed if isinstance(listed, list) and all(isinstance(item, str) for item in listed) else None
