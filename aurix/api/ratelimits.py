"""Rate limits: how often a user, or an address at a tenant, may call.

Counted in Redis, in fixed windows that every web server shares. While Redis is down calls go on
uncounted, which is logged; where guessing passwords is at stake each process counts for itself instead.
"""

import functools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, UnreadablePostError
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from aurix.actor import Actor
from aurix.api import counters
from aurix.api.addresses import client_address, network
from aurix.api.breaker import Breaker
from aurix.errors import Refusal

logger = structlog.get_logger(__name__)

_RATE = re.compile(r"([0-9]+)/([0-9]*)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_redis = Breaker(rest_seconds=2.0)


class RateLimited(Refusal):
    status = 429
    code = "rate_limited"
    message = "Too many requests. Please wait."


@dataclass(frozen=True, slots=True)
class Limit:
    """How a route is limited: ``name`` is its key in ``settings.RATE_LIMITS``.

    Without ``tenant_of`` it counts each user's calls. With it, each address's calls at each tenant: ``tenant_of``
    finds the tenant of the body's ``tenant_code``, or None. All codes that name no tenant count together, as if no
    code were sent, or else a guesser would get a fresh allowance with each code made up.
    """

    name: str
    tenant_of: Callable[[str], UUID | None] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a caller stands: ``count`` of ``limit`` calls, until ``reset`` (unix seconds)."""

    count: int
    limit: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The contract's ``X-RateLimit-*``."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.count)),
            "X-RateLimit-Reset": str(self.reset),
        }


uncounted = 0
"""Calls of this process that went on without being counted, for whoever watches."""


def enforce(*, request: Request, limit: Limit) -> None:
    """Count this request. ``headers_of`` then has the headers for whatever answer follows.

    Raises: RateLimited; and where the body says which tenant to count for, what is wrong with the body, but after
    counting.
    """
    if not settings.RATE_LIMITS[limit.name]:
        return
    if limit.tenant_of is None:
        _enforce(request._request, limit, str(cast("Actor", request.user).user_id))  # noqa: SLF001  DRF documents it
        return
    body, problem = _body(request)
    code = body.get("tenant_code") if isinstance(body, dict) else None
    tenant_id = limit.tenant_of(code) if isinstance(code, str) and code else None
    _enforce(request._request, limit, _address(request._request, tenant_id))  # noqa: SLF001
    if problem is not None:
        raise problem


def enforce_without_tenant(*, request: HttpRequest, limit: Limit) -> None:
    """The same for a view that is not DRF's, together with calls that name no tenant. Raises: RateLimited."""
    _enforce(request, limit, _address(request, None))


def _address(request: HttpRequest, tenant_id: UUID | None) -> str:
    return f"{network(client_address(request))}/{tenant_id or ''}"


def _enforce(request: HttpRequest, limit: Limit, counted_by: str) -> None:
    rate: str = settings.RATE_LIMITS[limit.name]
    usage = _count(limit, rate, counted_by) if rate else None
    if usage is None:
        return
    request.rate_limit_usage = usage  # type: ignore[attr-defined]
    if usage.count > usage.limit:
        seconds = max(1, usage.reset - int(time.time()))
        refusal = RateLimited(details={"retry_after_seconds": seconds})
        refusal.headers["Retry-After"] = str(seconds)
        raise refusal


def _body(request: Request) -> tuple[Any, Exception | None]:
    try:
        return request.data, None
    except (Refusal, APIException, UnreadablePostError) as problem:
        return {}, problem


def headers_of(request: HttpRequest) -> dict[str, str]:
    """The rate limit headers for the answer to ``request``; none when it was not counted."""
    usage: Usage | None = getattr(request, "rate_limit_usage", None)
    return usage.headers() if usage else {}


def _count(limit: Limit, rate: str, counted_by: str) -> Usage | None:
    allowed, period = _parsed(rate)
    window = int(time.time()) // period
    if _redis.allows():
        key = f"{settings.CACHES['default']['KEY_PREFIX']}:limit:{limit.name}:{rate}:{counted_by}:{window}"
        try:
            counted = counters.count(key, seconds=period)
        except (RedisError, OSError):
            if _redis.failed():
                logger.warning("rate_limits_without_redis", exc_info=True)
        else:
            _redis.succeeded()
            return Usage(counted, allowed, (window + 1) * period)
    if limit.tenant_of is not None:
        return _count_in_process(limit, rate, counted_by)
    _note_uncounted(limit)
    return None


@functools.cache
def _parsed(rate: str) -> tuple[int, int]:
    """How many calls in how many seconds; settings have checked the notation."""
    allowed, multiple, unit = _RATE.fullmatch(rate).groups()  # type: ignore[union-attr]
    return int(allowed), int(multiple or 1) * _SECONDS[unit]


def _note_uncounted(limit: Limit) -> None:
    global uncounted
    uncounted += 1
    logger.info("rate_limit_not_counted", limit=limit.name, uncounted=uncounted)


def _count_in_process(limit: Limit, rate: str, counted_by: str) -> Usage:
    """The same fixed window, in this process's memory."""
    allowed, period = _parsed(rate)
    window = int(time.time()) // period
    key = f"{limit.name}/{rate}/{counted_by}/{window}"
    counts = caches["process"]
    counts.add(key, 0, period)
    return Usage(counts.incr(key), allowed, (window + 1) * period)
