"""The cache behind rate limits: each count is one round trip to Redis instead of two."""

import threading
from typing import Any

from django_redis.cache import RedisCache


class Counters(RedisCache):  # type: ignore[misc]  # django-redis has no types
    """Does what django-ratelimit asks a cache for, ``add`` and then ``incr``, in one transaction of two commands.

    ``add`` counts at once and remembers the result for the ``incr`` that follows in the same thread. It is of no use
    as a cache for anything else.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._last = threading.local()

    def add(self, key: str, value: int, timeout: int, version: int | None = None) -> bool:
        """Count one more under ``key``, which lives ``timeout`` seconds from its first count; whether it was that."""
        name = self.client.make_key(key, version=version)
        with self.client.get_client(write=True).pipeline(transaction=True) as pipe:
            pipe.set(name, 0, ex=timeout, nx=True)
            pipe.incr(name)
            count: int = pipe.execute()[1]
        self._last.count = count
        return count == value

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The count that ``add`` has just made."""
        count: int = self._last.count
        return count
