"""``manage.py up``: start the servers and the children, watch over them, stop everything in reverse order."""

import contextlib
import errno
import http.client
import json
import os
import socket
import time
from collections.abc import Callable
from typing import NoReturn, TextIO

import psutil

from aurix.embedded import folders, health
from aurix.embedded.console import Console
from aurix.embedded.interrupts import Interrupts
from aurix.embedded.plan import DATABASE, DEMO_DEFAULTS, Plan
from aurix.embedded.postgres import EmbeddedPostgres
from aurix.embedded.processes import Child, Program, report, run
from aurix.embedded.progress import Progress, StartError, StoppedError, wait_until
from aurix.embedded.valkey import EmbeddedValkey

_HEALTHY_SECONDS = 60
_PREPARATION_SECONDS = 1800
"""A migration of a large database may take long; one that hangs must still end."""


def serve(*, plan: Plan, stream: TextIO) -> int:
    """Run the whole system until it is told to stop. The answer is the exit code: 1 when something failed."""
    with Interrupts(environ=plan.environ) as interrupts:
        return Supervisor(plan=plan, interrupts=interrupts, stream=stream).run()


class Supervisor:
    """One run of ``manage.py up``."""

    def __init__(self, *, plan: Plan, interrupts: Interrupts, stream: TextIO) -> None:
        self._plan = plan
        self._interrupts = interrupts
        self._console = Console(stream=stream, check=interrupts.check)
        self._urls: dict[str, str] = {}
        self._admin_url = ""
        self._children: list[Child] = []
        self._stops: list[tuple[str, Callable[[Progress], None]]] = []

    def run(self) -> int:
        """Raises nothing that an operator would have to decipher: failures are sentences and exit code 1."""
        lock = folders.Lock(self._plan.data_dir / "up.lock")
        try:
            self._claim(lock)
            self._start()
            self._announce()
            self._watch()
        except StoppedError:
            return self._stop(0)
        except (StartError, OSError) as problem:  # of the system: a full disk, a folder that is not ours
            self._console.fail(str(problem))
            return self._stop(1)
        except BaseException:
            self._stop(1)
            raise
        finally:
            lock.release()

    def _claim(self, lock: folders.Lock) -> None:
        """The data folder and the port, before anything starts. Raises: StartError."""
        try:
            lock.take(port=self._plan.port)
        except folders.LockedError as problem:
            pid, port = (problem.holder.get(key, "unknown") for key in ("pid", "port"))
            raise StartError(
                f"Aurix is already running from {self._plan.data_dir} (pid {pid}, port {port}): stop it first, "
                "or give this one another AURIX_DATA_DIR and PORT."
            ) from problem
        _check_port(self._plan)

    def _start(self) -> None:
        self._console.line(f"Aurix, data in {self._plan.data_dir}")
        self._start_postgres()
        self._start_valkey()
        self._write_services()
        self._console.say("Database: roles, migrations" + ("" if self._plan.production else ", demo data"))
        preparation = self._plan.preparation(urls=self._urls, admin_url=self._admin_url)
        run(preparation, seconds=_PREPARATION_SECONDS, progress=self._console)
        self._console.say("Web server: starting")
        self._start_child(self._plan.web(urls=self._urls))
        self._wait_for_health()
        self._console.done(f"{self._plan.workers} workers")
        # Only now, so that their start does not slow down that of the web server.
        for program in self._plan.background(urls=self._urls):
            self._start_child(program)
            self._console.line(f"  Background: {program.name} started")

    def _start_postgres(self) -> None:
        if self._plan.has("DATABASE_URL"):
            self._console.line("  PostgreSQL: the server in DATABASE_URL")
            return
        server = EmbeddedPostgres(self._plan.data_dir, progress=self._console)
        self._stops.append(("PostgreSQL", lambda progress: server.stop(progress=progress)))
        server.start()
        self._console.done(server.durability)
        self._admin_url = server.superuser_url("postgres")
        self._urls["DATABASE_URL"] = server.url(user="aurix_app", database=DATABASE)
        self._urls["DATABASE_OWNER_URL"] = server.url(user="aurix_owner", database=DATABASE)
        self._watch_over(server.child)

    def _start_valkey(self) -> None:
        if self._plan.has("REDIS_URL"):
            self._console.line("  Valkey: the server in REDIS_URL")
            return
        server = EmbeddedValkey(self._plan.data_dir, progress=self._console)
        self._stops.append(("Valkey", lambda progress: server.stop(progress=progress)))
        server.start()
        self._console.done()
        self._urls["REDIS_URL"] = server.url
        self._watch_over(server.child)

    def _start_child(self, program: Program) -> None:
        prefix = f"{program.name:>8} | "
        child = Child(program=program, on_line=lambda line: self._console.line(prefix + line))
        self._stops.append((program.name, lambda progress: child.stop(progress=progress)))
        child.start()
        self._watch_over(child)

    def _watch_over(self, child: Child | None) -> None:
        if child:
            self._children.append(child)

    def _write_services(self) -> None:
        """Where ``manage.py`` in another terminal finds the servers that we started; those of others stay secret."""
        path = self._plan.data_dir / "services.json"
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        content = {**self._urls, "pid": os.getpid(), "port": self._plan.port}
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        draft.replace(path)
        self._stops.append(("", lambda _: path.unlink(missing_ok=True)))

    def _wait_for_health(self) -> None:
        answer = ""

        def healthy() -> bool:
            nonlocal answer
            self._check_children()
            status, answer = health.ask(address=self._plan.address, environ=self._plan.environ)
            return status == http.client.OK

        if not wait_until(healthy, seconds=_HEALTHY_SECONDS, progress=self._console):
            raise StartError(
                f"GET {self._plan.origin}/health did not answer 200 within {_HEALTHY_SECONDS} seconds. "
                f"The last answer: {answer}"
            )

    def _announce(self) -> None:
        origin = self._plan.origin
        line = self._console.line
        line()
        line(f"  Application  {origin}/")
        line(f"  API          {origin}/swagger")
        line(f"  Back-office  {origin}/backoffice/")
        line(f"  Health       {origin}/health")
        demo = self._plan.environment(urls={})
        if all(demo.get(name) for name in DEMO_DEFAULTS):
            line(f"  Demo accounts of tenant {demo['DEMO_TENANT']}:")
            for role in ("ADMIN", "USER"):
                line(f"    {role.lower():<6} {demo.get(f'DEMO_{role}_EMAIL')}  {demo.get(f'DEMO_{role}_PASSWORD')}")
        line()
        line("Ready. Ctrl-C stops everything.")

    def _watch(self) -> NoReturn:
        while True:
            self._interrupts.check()
            self._check_children()
            time.sleep(0.1)

    def _check_children(self) -> None:
        for child in self._children:
            if not child.running:
                raise StartError(report(f"{child.name} ended by itself ({child.ending()}).", child.tail()))

    def _stop(self, code: int) -> int:
        """Reverse order; a second request to stop makes an end at once."""
        stopping = Console(stream=self._console.stream, check=self._interrupts.check_again)
        names = [name for name, _ in reversed(self._stops) if name]
        if names:
            self._console.fail("")
            stopping.say(f"Stopping {', '.join(names)}")
        while self._stops:
            _, stop = self._stops.pop()
            stop(stopping)
        stopping.done()
        return code


def _check_port(plan: Plan) -> None:
    """Raises: StartError when somebody listens there already, or the address is not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            plan.host, plan.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {plan.port} on {plan.host} is taken{_listener(plan.port)}: stop that program, "
                "or choose another port, for example PORT=8081 make run."
            ) from problem
        raise StartError(f"Nothing can listen on {plan.host} port {plan.port}: {problem.strerror}.") from problem


def _listener(port: int) -> str:
    """`` by NAME (pid N)`` where the machine lets us see that."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
