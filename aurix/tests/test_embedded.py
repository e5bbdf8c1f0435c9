"""The embedded servers: their data, their privacy, and what they leave behind."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from aurix.embedded import accounts, leftovers, processes
from aurix.embedded.postgres import EmbeddedPostgres
from aurix.embedded.progress import StartError
from aurix.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path that other users may enter; pytest's own is neither."""
    path = Path(tempfile.mkdtemp(prefix="aurix-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def postgres(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, durable=False)


def ask(server: EmbeddedPostgres, statement: str) -> str:
    """The first field of the first row, as the superuser."""
    with psycopg.connect(server.superuser_url("postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return str(row[0]) if row else ""


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def gone(family: list[psutil.Process]) -> bool:
    return eventually(lambda: not any(_alive(process) for process in family))


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def leader(server: EmbeddedPostgres | EmbeddedValkey) -> int:
    assert server.child is not None
    return server.child.pid


class TestPostgres:
    def test_keeps_its_data_over_a_restart(self, folder: Path) -> None:
        with postgres(folder) as server:
            ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        with postgres(folder) as server:
            assert ask(server, "SELECT answer FROM kept") == "42"

    def test_keeps_what_was_committed_when_it_is_killed(self, folder: Path) -> None:
        with postgres(folder) as server:
            ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
            everyone = family(leader(server))
            os.kill(leader(server), signal.SIGKILL)
        assert gone(everyone)
        with postgres(folder) as server:
            assert ask(server, "SELECT answer FROM kept") == "42"

    def test_stops_with_every_process_it_has(self, folder: Path) -> None:
        with postgres(folder) as server, psycopg.connect(server.superuser_url("postgres")):
            everyone = family(leader(server))
            assert len(everyone) > 1
        assert gone(everyone)

    def test_is_durable_unless_told_otherwise(self, folder: Path) -> None:
        with EmbeddedPostgres(folder) as server:
            assert {ask(server, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")} == {
                "on"
            }
        with postgres(folder) as server:
            assert ask(server, "SHOW fsync") == "off"
            assert "off" in server.durability

    def test_speaks_utf8_and_listens_on_no_network(self, folder: Path) -> None:
        with postgres(folder) as server:
            assert ask(server, "SHOW server_encoding") == "UTF8"
            assert ask(server, "SELECT upper('ü')") == "Ü"
            assert ask(server, "SHOW listen_addresses") == ""
            assert "LISTEN" not in inet_states(leader(server))

    def test_has_a_socket_folder_that_is_closed_to_others(self, folder: Path) -> None:
        with postgres(folder) as server:
            (sockets,) = ask(server, "SHOW unix_socket_directories").strip('"').split(",")
            assert stat.S_IMODE(Path(sockets).stat().st_mode) == 0o700

    def test_is_refused_to_a_second_holder(self, folder: Path) -> None:
        with postgres(folder) as server:
            with pytest.raises(StartError, match=f"in use by process {os.getpid()}"):
                postgres(folder).start()
            assert ask(server, "SELECT 1") == "1"

    def test_begins_anew_where_that_is_wanted_and_nobody_uses_the_old(self, folder: Path) -> None:
        with postgres(folder) as server:
            ask(server, "CREATE TABLE old (x integer)")
            with pytest.raises(StartError, match="in use"):
                EmbeddedPostgres(folder, durable=False, fresh=True).start()
            assert ask(server, "SELECT to_regclass('old')") == "old"
        with EmbeddedPostgres(folder, durable=False, fresh=True) as server:
            assert ask(server, "SELECT to_regclass('old')") == "None"

    def test_starts_in_spite_of_a_stale_pid_that_now_is_another_program(self, folder: Path) -> None:
        with postgres(folder) as server:
            os.kill(leader(server), signal.SIGKILL)
        pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        with postgres(folder) as server:
            assert ask(server, "SELECT 1") == "1"

    def test_stops_the_server_of_a_supervisor_that_was_killed(self, folder: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from aurix.embedded.postgres import EmbeddedPostgres;"
            "server = EmbeddedPostgres(Path(sys.argv[1]), durable=False); server.start();"
            "print(server.child.pid, flush=True); time.sleep(600)"
        )
        with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, cwd=ROOT) as owner:
            assert owner.stdout is not None
            everyone = family(int(owner.stdout.readline()))
            owner.kill()
        with postgres(folder) as server:
            assert ask(server, "SELECT 1") == "1"
            assert gone(everyone)

    def test_names_the_reason_when_it_cannot_start(self, folder: Path) -> None:
        with postgres(folder):
            pass
        (folder / "postgres" / "cluster" / "postgresql.conf").write_text("nonsense = 1\n")
        with pytest.raises(StartError, match=r"(?s)did not start \(exit code 1\).*nonsense"):
            postgres(folder).start()

    def test_refuses_the_data_of_another_version(self, folder: Path) -> None:
        with postgres(folder):
            pass
        (folder / "postgres" / "cluster" / "PG_VERSION").write_text("13\n")
        with pytest.raises(StartError, match="is of PostgreSQL 13, this is 18"):
            postgres(folder).start()

    def test_begins_anew_after_a_start_that_was_cut_short(self, folder: Path) -> None:
        half = folder / "postgres" / "cluster.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        with postgres(folder) as server:
            assert ask(server, "SELECT 1") == "1"

    def test_runs_where_the_path_is_too_long_for_a_socket(self, folder: Path) -> None:
        deep = folder.joinpath(*["a folder with a long name"] * 8)
        with postgres(deep) as server, EmbeddedValkey(deep) as cache:
            assert ask(server, "SELECT 1") == "1"
            assert redis.Redis.from_url(cache.url).ping()

    @as_root
    def test_runs_as_nobody_without_privilege_where_it_can_be_reached(self, folder: Path) -> None:
        with postgres(folder) as server:
            assert psutil.Process(leader(server)).uids().real == pwd.getpwnam("nobody").pw_uid
            if not accounts.unprivileged(owning=folder / "postgres" / "cluster", reading=[Path(sys.prefix)]).bypass:
                assert capabilities(leader(server)) == 0

    @as_root
    def test_runs_under_a_folder_that_is_closed_to_all_but_root(self, folder: Path) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with postgres(closed) as server:
            assert ask(server, "SELECT 1") == "1"
            assert capabilities(leader(server)) == 1 << 1  # CAP_DAC_OVERRIDE and no other
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700

    @as_root
    def test_serves_nobody_but_the_user_who_started_it(self, folder: Path) -> None:
        with postgres(folder) as server:
            code = (
                "import os, psycopg, sys; os.setgroups([]); os.setuid(int(sys.argv[1])); psycopg.connect(sys.argv[2])"
            )
            argv = [sys.executable, "-c", code, str(pwd.getpwnam("nobody").pw_uid), server.superuser_url("postgres")]
            other = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert "Peer authentication failed" in other.stderr


class TestValkey:
    def test_keeps_its_data_over_a_restart_and_a_kill(self, folder: Path) -> None:
        with EmbeddedValkey(folder) as server:
            redis.Redis.from_url(server.url).set("kept", "42")
        with EmbeddedValkey(folder) as server:
            assert redis.Redis.from_url(server.url).get("kept") == b"42"
            os.kill(leader(server), signal.SIGKILL)
        with EmbeddedValkey(folder) as server:
            assert redis.Redis.from_url(server.url).get("kept") == b"42"

    def test_listens_on_no_network(self, folder: Path) -> None:
        with EmbeddedValkey(folder) as server:
            assert inet_states(leader(server)) == set()

    def test_stops_with_every_process_it_has(self, folder: Path) -> None:
        with EmbeddedValkey(folder) as server:
            everyone = family(leader(server))
        assert gone(everyone)
        assert leftovers.find(program="valkey-server", folder=folder / "valkey" / "data") == []


class TestChild:
    def test_is_killed_with_its_whole_group_when_it_will_not_stop(self) -> None:
        code = (
            "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
            "print('deaf', flush=True); signal.pause(); signal.pause()"
        )
        child = processes.Child(program=program(code))
        child.start()
        assert eventually(lambda: child.tail() == ["deaf"])
        everyone = family(child.pid)
        child.stop()
        assert len(everyone) == 2
        assert gone(everyone)
        assert child.ending() == "killed by SIGKILL"

    def test_tells_how_it_ended_and_its_last_lines(self) -> None:
        child = processes.Child(program=program("print(*range(30), sep='\\n'); raise SystemExit(3)"))
        child.start()
        assert eventually(lambda: not child.running)
        assert child.ending() == "exit code 3"
        assert child.tail() == [str(number) for number in range(10, 30)]
        child.stop()

    def test_explains_a_full_disk(self) -> None:
        code = "raise SystemExit('could not write: No space left on device')"
        with pytest.raises(StartError, match="The disk is full"):
            processes.run(program(code), seconds=30)


def program(code: str) -> processes.Program:
    return processes.Program(
        name="sample", argv=[sys.executable, "-c", code], env={"PATH": os.defpath}, stop_seconds=0.5
    )


def inet_states(pid: int) -> set[str]:
    """The states of the process's network connections, loopback included."""
    return {connection.status for connection in psutil.Process(pid).net_connections(kind="inet")}


def capabilities(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("CapEff:")[2].split()[0], 16)
