"""Redis Streams: one stream, an entry with the field ``event`` for each event."""

import threading
from collections.abc import Sequence

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from aurix.relay.envelope import Event
from aurix.relay.targets import TargetDownError

FIELD = "event"
_PATIENCE = 10.0


class RedisStreams:
    """A batch is one MULTI/EXEC: Redis takes all of it or, when it is full or failing, nothing."""

    name = "redis"

    def __init__(self) -> None:
        self._client = redis.Redis.from_url(
            settings.EVENT_REDIS_URL,
            socket_connect_timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 0),  # the courier has a pause of its own
        )

    def send(self, events: Sequence[Event], *, stop: threading.Event) -> dict[int, str]:
        """See ``Target``. Redis refuses no single event."""
        stream, most = settings.EVENT_STREAM, settings.EVENT_STREAM_MAX_LENGTH
        try:
            with self._client.pipeline(transaction=True) as pipeline:
                for event in events:
                    pipeline.xadd(stream, {FIELD: event.data}, maxlen=most, approximate=True)
                pipeline.execute()
        except redis.RedisError as problem:
            raise TargetDownError(str(problem)) from problem
        return {}

    def close(self) -> None:
        """See ``Target``."""
        self._client.close()
