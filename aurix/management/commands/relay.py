"""``manage.py relay``: send events until stopped, or look after what could not be sent."""

import signal
import threading
from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from aurix.relay import held, positions, process
from aurix.relay.status import status


class Command(BaseCommand):
    help = "Send every committed event to the targets in EVENT_TARGETS, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verb = parser.add_mutually_exclusive_group()
        verb.add_argument("--status", action="store_true", help="show positions, lag and dead letters, and end")
        verb.add_argument("--requeue", metavar="EVENT", help="try a dead letter again: its id, or all")
        verb.add_argument("--discard", metavar="EVENT", help="give a dead letter up for good, by its id")
        verb.add_argument("--rewind", metavar="TIME", help="send again what was written since, as 2026-04-02T10:05:00Z")
        verb.add_argument("--forget", action="store_true", help="remove a target that is no longer served")
        parser.add_argument("--target", metavar="NAME", help="which one, for all but --status")

    def handle(self, *args: Any, **options: Any) -> None:
        verbs = (name for name in ("requeue", "discard", "rewind", "forget", "status") if options[name])
        verb = next(verbs, "run")
        if verb not in {"run", "status"} and not options["target"]:
            raise CommandError("Name the target: --target NAME.")
        getattr(self, f"_{verb}")(**options)

    def _run(self, **_: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            process.run(stop=stop)
        except ImproperlyConfigured as problem:
            raise CommandError(str(problem)) from problem

    def _status(self, **_: Any) -> None:
        for one in status():
            self.stdout.write(
                f"{one.target}: {one.published} published, {one.waiting} waiting since {one.lag_seconds:.1f} s, "
                f"{one.held} held, {one.dead} dead"
            )
        for letter in held.dead_letters():
            self.stdout.write(
                f"DEAD {letter.target} event {letter.event_id} subject {letter.subject_id} after {letter.attempts} "
                f"attempts, {letter.waiting} behind it: {letter.error}"
            )

    def _requeue(self, *, target: str, requeue: str, **_: Any) -> None:
        count = held.requeue(target=target, event_id=None if requeue == "all" else _uuid(requeue))
        self._done(count, "requeued")

    def _discard(self, *, target: str, discard: str, **_: Any) -> None:
        self._done(held.discard(target=target, event_id=_uuid(discard)), "discarded")

    def _rewind(self, *, target: str, rewind: str, **_: Any) -> None:
        if not positions.rewind(target=target, since=_moment(rewind)):
            raise CommandError(f"There is no target {target!r}.")
        self.stdout.write(f"{target} starts again at {rewind}")

    def _forget(self, *, target: str, **_: Any) -> None:
        if not positions.forget(target=target):
            raise CommandError(f"There is no target {target!r}.")
        self.stdout.write(f"{target} is forgotten")

    def _done(self, count: int, what: str) -> None:
        if not count:
            raise CommandError("There is no such dead letter.")
        self.stdout.write(f"{count} {what}")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as problem:
        raise CommandError(f"{text!r} is no event's id.") from problem


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"{text!r} is no time with an offset, such as 2026-04-02T10:05:00Z.")
    return moment
