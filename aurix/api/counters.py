"""The cache behind rate limits: each count is one round trip to Redis instead of two."""

from typing import Any

from django_redis.cache import RedisCache

_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""


class Counters(RedisCache):  # type: ignore[misc]  # django-redis has no types
    """Does what django-ratelimit asks a cache for, ``add`` and then ``incr``, in one script on the server.

    ``add`` counts at once and remembers the result for the ``incr`` that follows in the same thread, of which each
    has its own cache objects. It is of no use as a cache for anything else.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._count = self.client.get_client(write=True).register_script(_COUNT)
        self._last = 0

    def add(self, key: str, value: int, timeout: int, version: int | None = None) -> bool:
        """Count one more under ``key``, which lives ``timeout`` seconds from its first count; whether it was that."""
        self._last = int(self._count(keys=[self.client.make_key(key, version=version)], args=[timeout]))
        return self._last == value

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The count that ``add`` has just made."""
        return self._last
