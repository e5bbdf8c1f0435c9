"""``manage.py up``: it starts, refuses, reports and stops, and whatever ends it, nothing stays behind.

Most tests run a small system: the real servers, with a few lines of Python in the place of Aurix. The last ones run
Aurix itself.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

import psutil
import pytest

from aurix.embedded.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
SMALL_SYSTEM = """
import os, sys
from collections.abc import Mapping
from pathlib import Path
from aurix.embedded.plan import Plan
from aurix.embedded.processes import Program
from aurix.embedded.supervisor import serve

WEB = '''
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            print("these are my last words", flush=True)
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(" ".join(sorted(os.environ)).encode())
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''

class SmallPlan(Plan):
    def preparation(self, *, urls: Mapping[str, str], admin_url: str) -> Program:
        return self.python("preparation", os.environ.get("PREPARATION", "pass"), self.environment(urls=urls))

    def web(self, *, urls: Mapping[str, str]) -> Program:
        return self.python("web", WEB, self.environment(urls=urls))

    def background(self, *, urls: Mapping[str, str]) -> list[Program]:
        sleep = "import time; time.sleep(600)"
        return [self.python("sleeper", sleep, self.environment(urls=urls))]

    def python(self, name: str, code: str, env: Mapping[str, str]) -> Program:
        return Program(name=name, argv=[sys.executable, "-c", code], env=env, cwd=Path("/"))

data_dir, port = Path(os.environ["AURIX_DATA_DIR"]), int(os.environ["PORT"])
sys.exit(serve(stream=sys.stdout, plan=SmallPlan(
    repository=Path("/"), data_dir=data_dir, host="127.0.0.1", port=port, workers=1, threads=1, environ=os.environ
)))
"""
MAKEFILE = 'run:\n\t@exec $(PYTHON) -c "$$SMALL_SYSTEM"\n'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class System:
    """A running ``up``, started with ``argv``, with what it prints and every process that it ever had."""

    def __init__(self, *argv: str, folder: Path, port: int = 0, environ: Mapping[str, str] | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        self.family: set[psutil.Process] = set()
        self._log = folder.with_suffix(".log")
        ours = ("DATABASE_", "REDIS_", "MAKE", "DEMO_", "AURIX_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env={**clean, "AURIX_DATA_DIR": str(folder), "PORT": str(self.port), **(environ or {})},
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        self.process.kill()
        self.process.wait()
        for process in self.family:
            with contextlib.suppress(psutil.Error):
                process.kill()

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def look(self) -> Self:
        """Remember the processes that there are now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self.process.pid)
            self.family |= {leader, *leader.children(recursive=True)}
        return self

    def ready(self) -> Self:
        assert eventually(lambda: "Ready." in self.output or self.process.poll() is not None), self.output
        assert self.process.poll() is None, self.output
        return self.look()

    def child(self, words: str) -> psutil.Process:
        everyone = psutil.Process(self.process.pid).children(recursive=True)
        return next(process for process in everyone if words in " ".join(process.cmdline()))

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def leaves_nothing(self) -> bool:
        return eventually(lambda: not any(map(_alive, self.family)))


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all tests, which run one after the other: making a cluster takes a second."""
    return tmp_path_factory.mktemp("up") / "data"


def small(folder: Path, **environ: str) -> System:
    return System(sys.executable, "-c", SMALL_SYSTEM, folder=folder, environ=environ)


class TestUp:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_stops_everything_on_a_signal(self, folder: Path, number: signal.Signals) -> None:
        with small(folder).ready() as system:
            assert (folder / "services.json").exists()
            system.process.send_signal(number)
            assert system.process.wait(120) == 0
            assert system.leaves_nothing()
            assert not (folder / "services.json").exists()

    def test_stops_at_once_when_asked_twice(self, folder: Path) -> None:
        with small(folder).ready() as system:
            system.child("http.server").suspend()  # too deaf for an orderly end
            system.process.terminate()
            assert eventually(lambda: "Stopping" in system.output)
            system.process.terminate()
            assert system.process.wait(120) == 0
            assert system.leaves_nothing()

    def test_stops_in_the_middle_of_its_start(self, folder: Path) -> None:
        with small(folder, PREPARATION="import time; time.sleep(600)") as system:
            assert eventually(lambda: "Database:" in system.output)
            system.look().process.terminate()
            assert system.process.wait(120) == 0
            assert system.leaves_nothing()

    def test_leaves_nothing_when_it_is_killed(self, folder: Path) -> None:
        with small(folder).ready() as system:
            system.process.kill()
            assert system.leaves_nothing()
        with small(folder).ready() as again:
            assert again.get("/health")

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_ends_with_the_make_that_started_it(self, folder: Path, tmp_path: Path, number: signal.Signals) -> None:
        (tmp_path / "Makefile").write_text(MAKEFILE)
        environ = {"PYTHON": sys.executable, "SMALL_SYSTEM": SMALL_SYSTEM, "PYTHONPATH": str(ROOT)}
        with System("make", "-C", str(tmp_path), "run", folder=folder, environ=environ).ready() as system:
            system.process.send_signal(number)
            system.process.wait(120)
            assert system.leaves_nothing()

    def test_refuses_to_run_twice_and_names_the_first(self, folder: Path) -> None:
        with small(folder).ready() as first, small(folder) as second:
            assert second.process.wait(120) == 1
            assert f"already running from {folder} (pid {first.process.pid}, port {first.port})" in second.output
            assert first.get("/health")

    def test_refuses_a_port_that_is_taken_before_it_starts_anything(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
            with System(sys.executable, "-c", SMALL_SYSTEM, folder=tmp_path / "data", port=port) as system:
                assert system.process.wait(120) == 1
                assert f"Port {port} on 127.0.0.1 is taken" in system.output
        assert not (tmp_path / "data" / "postgres").exists()

    def test_names_a_child_that_crashed_with_its_last_lines(self, folder: Path) -> None:
        with small(folder).ready() as system:
            with pytest.raises(http.client.RemoteDisconnected):
                system.get("/crash")
            assert system.process.wait(120) == 1
            assert "web ended by itself (exit code 3)" in system.output
            assert "    these are my last words" in system.output
            assert system.leaves_nothing()

    @pytest.mark.parametrize(("words", "name"), [("bin/postgres -D", "postgres"), ("valkey-server", "valkey")])
    def test_names_a_server_that_was_killed(self, folder: Path, words: str, name: str) -> None:
        with small(folder).ready() as system:
            system.child(words).kill()
            assert system.process.wait(120) == 1
            assert f"{name} ended by itself (killed by SIGKILL)" in system.output
            assert system.leaves_nothing()

    def test_tells_why_the_preparation_failed(self, folder: Path) -> None:
        with small(folder, PREPARATION="raise SystemExit('the migration is wrong')") as system:
            assert system.process.wait(120) == 1
            assert "preparation failed (exit code 1)" in system.output
            assert "the migration is wrong" in system.output
            assert system.look().leaves_nothing()

    def test_announces_its_servers_to_its_own_user_only(self, folder: Path) -> None:
        with small(folder).ready() as system:
            path = folder / "services.json"
            services = json.loads(path.read_text(encoding="utf-8"))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "pid", "port"} == services.keys()
            assert (services["pid"], services["port"]) == (system.process.pid, system.port)

    def test_keeps_the_superuser_from_what_serves(self, folder: Path) -> None:
        with small(folder, DATABASE_ADMIN_URL="postgresql://postgres@elsewhere/postgres").ready() as system:
            names = system.get("/health").split()
            assert b"DATABASE_URL" in names
            assert b"DATABASE_ADMIN_URL" not in names

    def test_starts_no_server_of_which_it_is_given_the_address(self, tmp_path: Path) -> None:
        urls = {"DATABASE_URL": "postgresql://aurix@elsewhere/aurix", "REDIS_URL": "redis://elsewhere/0"}
        with small(tmp_path / "data", **urls).ready():
            assert not (tmp_path / "data" / "postgres").exists()
            assert not (tmp_path / "data" / "valkey").exists()
            assert "elsewhere" not in (tmp_path / "data" / "services.json").read_text(encoding="utf-8")


class TestPlan:
    def plan(self, **environ: str) -> Plan:
        folder = Path("/nowhere")
        return Plan(repository=ROOT, data_dir=folder, host="::", port=80, workers=1, threads=1, environ=environ)

    def test_has_a_demo_that_the_environment_overrides(self) -> None:
        assert self.plan().environment(urls={})["DEMO_USER_EMAIL"] == "user@Aurix.com"
        assert self.plan(DEMO_USER_EMAIL="").environment(urls={})["DEMO_USER_EMAIL"] == ""

    def test_has_no_demo_in_production(self) -> None:
        plan = self.plan(AURIX_ENV="production")
        assert not [name for name in plan.environment(urls={}) if name.startswith("DEMO_")]
        assert "--demo" not in plan.preparation(urls={}, admin_url="").argv
        assert "--demo" in self.plan().preparation(urls={}, admin_url="").argv

    def test_gives_the_superuser_to_the_preparation_alone(self) -> None:
        given = self.plan(DATABASE_ADMIN_URL="postgresql://given")
        assert given.preparation(urls={}, admin_url="").env["DATABASE_ADMIN_URL"] == "postgresql://given"
        assert given.preparation(urls={}, admin_url="postgresql://own").env["DATABASE_ADMIN_URL"] == "postgresql://own"
        assert "DATABASE_ADMIN_URL" not in given.environment(urls={})

    def test_takes_the_name_of_a_file_for_a_server_that_is_given(self) -> None:
        assert self.plan(REDIS_URL_FILE="/run/secrets/redis").has("REDIS_URL")
        assert not self.plan(REDIS_URL="").has("REDIS_URL")

    def test_names_an_address_that_a_browser_can_open(self) -> None:
        assert self.plan().origin == "http://[::1]:80"


@pytest.fixture(scope="module")
def aurix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The real thing; stopped at the end, which has to leave nothing either."""
    folder = tmp_path_factory.mktemp("aurix") / "data"
    with System(sys.executable, "manage.py", "up", folder=folder).ready() as system:
        yield system
        system.look().process.terminate()
        assert system.process.wait(120) == 0
        assert system.leaves_nothing()


@pytest.mark.slow
class TestAurix:
    def test_is_healthy_when_it_says_so(self, aurix: System) -> None:
        assert json.loads(aurix.get("/health"))["status"] == "healthy"

    def test_survives_the_kill_of_its_web_workers(self, aurix: System) -> None:
        server = aurix.child("aurix.embedded.web")
        web = min(
            (process for process in aurix.look().family if process.cmdline() == server.cmdline()),
            key=lambda process: process.create_time(),
        )
        for _ in range(3):
            killed = web.children()[0]
            killed.kill()
            assert eventually(lambda: len(web.children()) == 2 and killed not in web.children())  # noqa: B023
        assert json.loads(aurix.get("/health"))["status"] == "healthy"

    def test_shows_the_addresses_and_the_demo_accounts(self, aurix: System) -> None:
        for words in (f"http://127.0.0.1:{aurix.port}/swagger", "/backoffice/", "user@Aurix.com", "P@ssw0rd"):
            assert words in aurix.output
