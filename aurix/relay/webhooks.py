"""Webhooks as a target: an event is safe when it is written down for every endpoint that wants it."""

import threading
from collections.abc import Sequence

from aurix.relay.envelope import Event
from aurix.webhooks import deliveries


class Webhooks:
    """Posts nothing itself, so that no endpoint can hold up another: that is the dispatcher's, at each one's pace."""

    name = "webhooks"

    def send(self, events: Sequence[Event], *, stop: threading.Event) -> dict[int, str]:
        """See ``Target``. Nothing is refused."""
        deliveries.spread([event.data for event in events])
        return {}

    def close(self) -> None:
        """See ``Target``."""
