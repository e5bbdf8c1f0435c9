"""Pages of insights in Redis, for five minutes. Without Redis each page is made anew, and that is all."""

import hashlib
from collections.abc import Callable

import structlog
from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from aurix.api.breaker import Breaker

logger = structlog.get_logger(__name__)

SECONDS = 300
_redis = Breaker(rest_seconds=2.0)


def page(*, of: list[object], make: Callable[[], bytes]) -> bytes:
    """The page that ``of`` names in full, from Redis or from ``make``.

    ``of`` begins with the tenant's generation, which the ETL moves on with its commit: a page of before is not found
    again, even by a reader who was about to store it.
    """
    key = "insights:" + hashlib.sha256(repr(of).encode()).hexdigest()
    found = _ask(lambda: cache.get(key))
    if isinstance(found, bytes):
        return found
    made = make()
    _ask(lambda: cache.set(key, made, SECONDS))
    return made


def _ask(question: Callable[[], object]) -> object:
    """Redis's answer; None without one."""
    if not _redis.allows():
        return None
    try:
        answer = question()
    except (ConnectionInterrupted, RedisError, OSError):
        if _redis.failed():
            logger.warning("insights_without_redis", exc_info=True)
        return None
    _redis.succeeded()
    return answer
