"""The relay's process: a courier for each target, in threads, the webhooks' dispatcher, and the broom."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connection

from aurix import clock
from aurix.relay import positions, pruning
from aurix.relay.bell import Bell
from aurix.relay.courier import Courier
from aurix.relay.kafka import Kafka
from aurix.relay.streams import RedisStreams
from aurix.relay.targets import Target
from aurix.relay.webhooks import Webhooks
from aurix.webhooks import deliveries, replays
from aurix.webhooks.dispatcher import Dispatcher

logger = structlog.get_logger(__name__)

TARGETS: dict[str, Callable[[], Target]] = {"redis": RedisStreams, "kafka": Kafka, "webhooks": Webhooks}
_PRUNE_SECONDS = 60.0
_REPLAY_SECONDS = 1.0
_PRUNE_BATCHES = 100
_STOP_SECONDS = 20.0


def targets() -> list[Target]:
    """Those of ``EVENT_TARGETS``. Raises: ImproperlyConfigured."""
    unknown = set(settings.EVENT_TARGETS) - TARGETS.keys()
    if unknown or not settings.EVENT_TARGETS:
        raise ImproperlyConfigured(f"EVENT_TARGETS must be one or more of {', '.join(TARGETS)}.")
    return [TARGETS[name]() for name in dict.fromkeys(settings.EVENT_TARGETS)]


def run(*, stop: threading.Event) -> None:
    """Relay until ``stop`` is set; the batches under way are finished first. Raises: ImproperlyConfigured."""
    bell = Bell(stop=stop)
    couriers = [(target.name, Courier(target=target, stop=stop, sleeper=bell.sleeper())) for target in targets()]
    # Daemons: a target that hangs does not keep the process from ending, and what it had not confirmed is sent again.
    threads = [threading.Thread(target=courier.run, name=f"relay-{name}", daemon=True) for name, courier in couriers]
    threads.append(threading.Thread(target=bell.run, name="relay-bell", daemon=True))
    if Webhooks.name in settings.EVENT_TARGETS:
        threads.append(threading.Thread(target=Dispatcher(stop=stop).run, name="relay-dispatcher", daemon=True))
    for thread in threads:
        thread.start()
    logger.info("relay_started", targets=[name for name, _ in couriers])
    swept = time.monotonic()
    while not stop.wait(_REPLAY_SECONDS):
        replay(stop=stop)
        if time.monotonic() - swept > _PRUNE_SECONDS:
            sweep()
            swept = time.monotonic()
    for thread in threads:
        thread.join(_STOP_SECONDS)
    logger.info("relay_stopped")


def replay(*, stop: threading.Event) -> None:
    """Queue what staff have asked to be sent again to a webhook."""
    if Webhooks.name not in settings.EVENT_TARGETS:
        return
    try:
        while not stop.is_set() and replays.step():
            pass
    except (DatabaseError, InterfaceError):
        logger.exception("replay_failed")
        connection.close()


def sweep() -> int:
    """Prune what is older than ``EVENT_RETENTION_HOURS``, at most 100,000 events. Returns how many."""
    try:
        for name in settings.EVENT_TARGETS:
            positions.prepare(target=name)  # or a target that has not started yet would miss what is pruned
        before = clock.now() - timedelta(hours=settings.EVENT_RETENTION_HOURS)
        removed = pruning.prune(before=before, batches=_PRUNE_BATCHES)
        deliveries.prune(before=before)
    except (DatabaseError, InterfaceError):
        logger.exception("prune_failed")
        connection.close()
        return 0
    if removed:
        logger.info("outbox_pruned", events=removed)
    return removed
