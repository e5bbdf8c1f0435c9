"""What a target is."""

import threading
from collections.abc import Sequence
from typing import Protocol

from aurix.relay.envelope import Event


class TargetDownError(Exception):
    """The target takes nothing at present; nothing is known of the events given to it last."""


class Target(Protocol):
    """Somewhere that events go. ``name`` is what positions and held events are kept under."""

    name: str

    def send(self, events: Sequence[Event], *, stop: threading.Event) -> dict[int, str]:
        """Deliver ``events`` in order, until all are safe with the target.

        Returns why single events were refused, by their index. Raises: TargetDownError, after which a prefix (for each
        subject) may have been delivered, or when ``stop`` is set before it is done.
        """

    def close(self) -> None:
        """Let go of connections. The target may be used again."""
