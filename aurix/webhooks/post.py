"""One event to one endpoint: a signed POST, and what became of it."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import httpcore2
from django.conf import settings

from aurix import clock
from aurix.relay.envelope import CONTENT_TYPE
from aurix.webhooks import signatures
from aurix.webhooks.addresses import AddressError, Dialler, check_url

_BODY = 65_536
"""More of an answer is not read: its status is all that counts, and its connection is then not used again."""
_GONE = 410
_KEPT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is HTTP's, None when there was no answer; ``problem`` is empty when the event was taken."""

    status: int | None
    problem: str

    @property
    def taken(self) -> bool:
        """Whether the event has arrived."""
        return not self.problem

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more events ever."""
        return self.status == _GONE


def pool() -> httpcore2.AsyncConnectionPool:
    """Connections for ``send``. It follows no redirect, and takes no proxy from the environment."""
    return httpcore2.AsyncConnectionPool(
        max_connections=None,
        max_keepalive_connections=100,
        keepalive_expiry=_KEPT_SECONDS,
        network_backend=Dialler(),
    )


async def send(
    connections: httpcore2.AsyncConnectionPool, *, url: str, event_id: UUID, body: bytes, keys: list[bytes]
) -> Answer:
    """POST ``body``: any 2xx within ``WEBHOOK_TIMEOUT_SECONDS`` is an arrival. What the network does raises nothing."""
    sent = {
        **signatures.headers(event_id=event_id, body=body, keys=keys, now=clock.now()),
        "content-type": CONTENT_TYPE,
        "user-agent": "Aurix-Webhooks/1",
        "accept": "*/*",
    }
    try:
        check_url(url)  # settings may have changed since it was given
        async with asyncio.timeout(settings.WEBHOOK_TIMEOUT_SECONDS):
            status = await _exchange(connections, url, sent, body)
    except TimeoutError:
        return Answer(None, f"no answer within {settings.WEBHOOK_TIMEOUT_SECONDS} seconds")
    except AddressError as problem:
        return Answer(None, f"the URL {problem}")
    except (
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.TimeoutException,
        OSError,
        ValueError,
    ) as problem:
        return Answer(None, f"{type(problem).__name__}: {problem}"[:200])
    return Answer(status, "" if 200 <= status < 300 else f"answered {status}")


async def _exchange(connections: httpcore2.AsyncConnectionPool, url: str, headers: dict[str, str], body: bytes) -> int:
    async with connections.stream("POST", url, headers=list(headers.items()), content=body) as response:
        read = 0
        async for chunk in response.aiter_stream():
            read += len(chunk)
            if read > _BODY:
                break
        return int(response.status)
