"""The web server: ``python -m aurix.embedded.web``, configured by HOST, PORT and WEB_WORKERS."""

import functools
import multiprocessing
import os
import signal
import socket
import sys
from typing import Any
from wsgiref.types import WSGIApplication

from granian._granian import ListenerSpec
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import mp
from granian.server.mp import MPServer

from aurix import env
from aurix.api.intake import Intake
from aurix.embedded.launch import die_with_parent

_READERS = 128
"""Threads a worker may have to read requests from clients of any slowness, made as they are needed. Those that answer
are the application's affair: WEB_THREADS (see ``aurix.api.intake``)."""
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


class _Server(MPServer):
    """With one listening socket for all workers, as Granian has it elsewhere than on Linux.

    On Linux each worker opens one of its own, and what waits in the queue of a worker that is killed is lost. From
    a common queue the others serve it, and while there is none it waits (measured: as fast, a third of the losses).
    """

    _shd: Any  # all of these are None at first, which mypy takes for their type
    _sfd: Any
    _sso: Any

    def _init_shared_socket(self) -> None:
        self._shd = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._sfd = self._shd.get_fd()
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)


def _begin_worker(*, server: int) -> None:
    """First thing in each worker: not to outlive a server that is killed with -9, nor to sit out a stop while loading.

    Until it has loaded the application it would handle SIGTERM as the server does, by a note to stop its workers.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent(parent=server, by=signal.SIGKILL)


def _take_in(application: WSGIApplication, scope_options: Any, access_log: Any = None) -> Intake:
    """What Granian calls for each request; it would call ``application`` itself, in the thread that reads."""
    return Intake(application, seats=env.integer("WEB_THREADS", default=2, low=1, high=256))


def main(application: str = "aurix.wsgi:application") -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first."""
    mp._wsgi_call_wrap = _take_in  # type: ignore[assignment, attr-defined]  # noqa: SLF001  Granian has no setting for it
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")
        os.register_at_fork(after_in_child=functools.partial(_begin_worker, server=os.getpid()))
    server = _Server(
        application,
        address=env.text("HOST", default="127.0.0.1"),
        port=env.integer("PORT", default=8080, low=1, high=65535),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=env.integer("WEB_WORKERS", default=2, low=1, high=256),
        blocking_threads=_READERS,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.error,  # it would warn of the many threads each time
        log_access=False,  # the application writes its own, with request id and tenant
    )
    server.respawned_wrks = _Respawns()
    server.serve()


if __name__ == "__main__":
    main()
