"""The web server: ``python -m aurix.embedded.web``, configured by HOST, PORT, WEB_WORKERS and WEB_THREADS."""

import functools
import multiprocessing
import os
import signal
import sys

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from aurix import env
from aurix.embedded.launch import die_with_parent

_PATIENCE_SECONDS = 60
_PATIENCE_RESPAWNS = 20


class _Respawns(dict[int, float]):
    """When each worker was last replaced, as Granian asks it, except that single deaths are forgotten.

    Granian ends the whole server when one worker dies twice within 5.5 seconds. Two kills in a row are not a
    reason to stop trading; a worker that dies each time it starts is, and shows by the number of respawns.
    """

    def __init__(self) -> None:
        super().__init__()
        self._times: list[float] = []

    def __setitem__(self, worker: int, moment: float) -> None:
        self._times = [*(at for at in self._times if moment - at < _PATIENCE_SECONDS), moment]
        super().__setitem__(worker, moment)

    def get(self, worker: int, default: float = 0) -> float:  # type: ignore[override]  # asked in this one way
        return super().get(worker, default) if len(self._times) > _PATIENCE_RESPAWNS else default


def main() -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first."""
    if sys.platform == "linux":
        # Workers must not outlive a server that is killed with -9.
        multiprocessing.set_start_method("fork")
        die = functools.partial(die_with_parent, parent=os.getpid(), by=signal.SIGKILL)
        os.register_at_fork(after_in_child=die)
    server = Server(
        "aurix.wsgi:application",
        address=env.text("HOST", default="127.0.0.1"),
        port=env.integer("PORT", default=8080, low=1, high=65535),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=env.integer("WEB_WORKERS", default=2, low=1, high=256),
        blocking_threads=env.integer("WEB_THREADS", default=4, low=1, high=256),
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
        log_access=False,  # the application writes its own, with request id and tenant
    )
    server.respawned_wrks = _Respawns()
    server.serve()


if __name__ == "__main__":
    main()
