"""What ``manage.py up`` is to run: where, with which environment, and which children."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aurix.embedded.processes import Program

DATABASE = "aurix"
DEMO_DEFAULTS = {
    "DEMO_TENANT": "aurix-demo",
    "DEMO_ADMIN_EMAIL": "admin@Aurix.com",
    "DEMO_ADMIN_PASSWORD": "P@ssw0rd",
    "DEMO_USER_EMAIL": "user@Aurix.com",
    "DEMO_USER_PASSWORD": "Password@",
}
"""The demo of a development machine; production refuses to start with any of them."""

_FOR_PREPARATION_ONLY = ("DATABASE_ADMIN_URL", "DATABASE_ADMIN_URL_FILE")
_OF_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKE_TERMOUT", "MAKE_TERMERR")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``environ`` is that of ``manage.py up`` itself, with ``.env`` already read into it."""

    repository: Path
    data_dir: Path
    host: str
    port: int
    workers: int
    threads: int
    environ: Mapping[str, str]

    @property
    def production(self) -> bool:
        return self.environ.get("AURIX_ENV") == "production"

    def has(self, variable: str) -> bool:
        """Whether it is set, by its value or as the name of a file that holds it."""
        return bool(self.environ.get(variable) or self.environ.get(f"{variable}_FILE"))

    @property
    def address(self) -> tuple[str, int]:
        """Where a client on this machine finds the web server."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  compared, not bound
        return everywhere.get(self.host, self.host), self.port

    @property
    def origin(self) -> str:
        """The same as the beginning of a URL."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def environment(self, *, urls: Mapping[str, str]) -> dict[str, str]:
        """For every child: what we were given, the ``urls`` of our servers, and the demo outside production."""
        given = {name: value for name, value in self.environ.items() if name not in {*_FOR_PREPARATION_ONLY, *_OF_MAKE}}
        demo = {} if self.production else DEMO_DEFAULTS
        own = {
            "HOST": self.host,
            "PORT": str(self.port),
            "WEB_WORKERS": str(self.workers),
            "WEB_THREADS": str(self.threads),
            "AURIX_DATA_DIR": str(self.data_dir),
            "PYTHONUNBUFFERED": "1",  # so that last words are heard
        }
        return {**demo, **given, **own, **urls}

    def preparation(self, *, urls: Mapping[str, str], admin_url: str) -> Program:
        """What has to succeed before anything serves: roles, migrations, and the demo outside production."""
        env = self.environment(urls=urls) | {"DJANGO_SETTINGS_MODULE": "aurix.settings"}
        if admin_url:
            env["DATABASE_ADMIN_URL"] = admin_url
        else:
            env |= {name: self.environ[name] for name in _FOR_PREPARATION_ONLY if name in self.environ}
        demo = [] if self.production else ["--demo"]
        return self._module("preparation", "aurix.embedded.prepare", *demo, env=env, stop_seconds=10)

    def web(self, *, urls: Mapping[str, str]) -> Program:
        """Answers GET /health with 200 when it is ready."""
        return self._module("web", "aurix.embedded.web", env=self.environment(urls=urls), stop_seconds=20)

    def background(self, *, urls: Mapping[str, str]) -> list[Program]:
        """What works beside the web server, in the order of starting."""
        if not (self.repository / "aurix" / "celery.py").exists():
            return []
        env = self.environment(urls=urls)
        celery = ["celery", "--quiet", "--app=aurix"]
        concurrency = self.environ.get("WORKER_CONCURRENCY") or str(min(2, os.cpu_count() or 1))
        worker = ["worker", "--loglevel=WARNING", f"--concurrency={concurrency}"]
        # Alone on its broker, a worker has nobody to gossip or mingle with at start.
        worker += ["--without-gossip", "--without-mingle"]
        beat = ["beat", "--loglevel=WARNING", "--pidfile="]
        beat += ["--scheduler=aurix.schedules:KeepingScheduler"]
        django = env | {"DJANGO_SETTINGS_MODULE": "aurix.settings"}
        return [
            self._module("relay", "django", "relay", env=django, stop_seconds=25),
            self._module("worker", *celery, *worker, env=env, stop_seconds=30),
            self._module("beat", *celery, *beat, env=env, stop_seconds=10),
        ]

    def _module(self, name: str, *words: str, env: Mapping[str, str], stop_seconds: float) -> Program:
        return Program(
            name=name,
            # The whole of `make run` may be root's, on a laptop or in a container; Celery warns of that at length.
            argv=[sys.executable, "-W", "ignore:You're running the worker with superuser", "-m", *words],
            env=env,
            cwd=self.repository,
            stop_signal=signal.SIGTERM,
            stop_seconds=stop_seconds,
        )
