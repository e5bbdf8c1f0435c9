"""Posting what is due: every endpoint in rounds of its own, all of them at once, so that none waits for another.

A round takes some of what is due, posts each subject's events one after the other and different subjects' side by side,
and writes down what became of them. An endpoint at which nothing arrived gets a pause, and then one event to try.

Of several relays one dispatches, by an advisory lock of its session. Should one wrongly taken for dead go on, it only
repeats: the next event of a subject is posted by nobody until the one before is written down as arrived.
"""

import asyncio
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpcore2
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from aurix import seals
from aurix.webhooks import deliveries, post, signatures
from aurix.webhooks.deliveries import Letter, Ready
from aurix.webhooks.post import Answer

logger = structlog.get_logger(__name__)

T = TypeVar("T")

LOCK = (7_235_112, 1)
_POLL_SECONDS = 0.25
"""Between looks for endpoints that are due: a short query, whatever waits."""
_STANDBY_SECONDS = 1.0
_LOOKUPS = 100
"""Threads in which names are looked up: a dead name server takes long to say nothing."""
_ROUND = 64
_ROUND_SECONDS = 5.0
"""After which a round begins nothing new, so that what it knows is written down."""
_ENOUGH = 3
"""Failures without an arrival after which a round begins nothing new."""
_FINISH_SECONDS = 10.0
_AFTER_A_PROBLEM = 2.0


class Dispatcher:
    """Call ``run`` in a thread of its own. Its database connection is that of one more thread."""

    def __init__(self, *, stop: threading.Event) -> None:
        self._stop = stop
        self._database = ThreadPoolExecutor(1, thread_name_prefix="relay-webhooks-database")
        self._running: dict[object, asyncio.Task[None]] = {}

    def run(self) -> None:
        """Serve until stopped."""
        while not self._stop.is_set():
            try:
                asyncio.run(self._serve())
            except (DatabaseError, InterfaceError) as problem:
                logger.warning("webhooks_interrupted", problem=str(problem))
            except Exception:  # a bug must not end it silently, nor at all
                logger.exception("webhooks_failed")
            self._database.submit(_leave).result()
            self._stop.wait(_AFTER_A_PROBLEM * random.uniform(0.5, 1))  # noqa: S311  jitter
        self._database.shutdown()

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup"))
        while not self._stop.is_set() and not await self._ask(_take):
            await asyncio.sleep(_STANDBY_SECONDS)
        async with post.pool() as connections:
            try:
                while not self._stop.is_set():
                    await self._look(connections)
            finally:
                await self._finish()

    async def _finish(self) -> None:
        """Let rounds under way write down what they know; what still hangs then is cut off, and comes again."""
        tasks = list(self._running.values())
        self._running.clear()
        if tasks:
            _, hanging = await asyncio.wait(tasks, timeout=_FINISH_SECONDS)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, connections: httpcore2.AsyncConnectionPool) -> None:
        """Begin a round for every endpoint that is due and has none; rest until there may be another one."""
        for endpoint in await self._ask(deliveries.ready):
            if endpoint.id not in self._running:
                self._running[endpoint.id] = asyncio.create_task(self._round(endpoint, connections))
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(_POLL_SECONDS)
        for identity, task in list(self._running.items()):
            if task.done():
                del self._running[identity]
                task.result()  # what the database had to say

    async def _round(self, endpoint: Ready, connections: httpcore2.AsyncConnectionPool) -> None:
        letters = await self._ask(lambda: deliveries.due(endpoint, size=_ROUND))
        if endpoint.failures:
            letters = letters[:1]  # a new one, if there is one: what has failed before proves less
        outcomes = await _Round(endpoint, connections, self._stop).post(letters)
        if outcomes:
            await self._ask(lambda: deliveries.settle(endpoint, outcomes))

    async def _ask(self, question: Callable[[], T]) -> T:
        """In the thread whose session holds the lock."""
        return await asyncio.get_running_loop().run_in_executor(self._database, question)


class _Round:
    """One endpoint's: see the module."""

    def __init__(self, endpoint: Ready, connections: httpcore2.AsyncConnectionPool, stop: threading.Event) -> None:
        self._endpoint, self._connections, self._stop = endpoint, connections, stop
        self._gate = asyncio.Semaphore(settings.WEBHOOK_CONCURRENCY)
        self._until = time.monotonic() + _ROUND_SECONDS
        self._arrived = self._failed = 0
        self._outcomes: list[tuple[Letter, Answer]] = []

    async def post(self, letters: list[Letter]) -> list[tuple[Letter, Answer]]:
        """What became of those that were tried."""
        try:
            keys = [signatures.opened(secret) for secret in self._endpoint.secrets]
        except seals.BrokenSealError:
            return [(letter, Answer(None, "its secret cannot be read: rotate it")) for letter in letters[:1]]
        lines: dict[object, list[Letter]] = defaultdict(list)
        for letter in letters:
            lines[letter.subject_id].append(letter)
        await asyncio.gather(*(self._line(line, keys) for line in lines.values()))
        return self._outcomes

    async def _line(self, letters: list[Letter], keys: list[bytes]) -> None:
        """A subject's, one after the other until one fails."""
        for letter in letters:
            async with self._gate:
                if self._over():
                    return
                answer = await post.send(
                    self._connections,
                    url=self._endpoint.url,
                    event_id=letter.event_id,
                    body=letter.envelope.encode(),
                    keys=keys,
                )
            self._outcomes.append((letter, answer))
            if not answer.taken:
                self._failed += 1
                return
            self._arrived += 1

    def _over(self) -> bool:
        broken = self._failed >= _ENOUGH and not self._arrived
        return broken or time.monotonic() > self._until or self._stop.is_set()


def _take() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK)
        return bool(cursor.fetchone()[0])


def _leave() -> None:
    """End the session, and with it the lock."""
    connection.close()
