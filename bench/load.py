"""Driving a web server with wrk, a load generator in C."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from typing import Any

from bench.customers import Crowd
from bench.servers import ROOT, MeasurementError
from bench.website import Website

SCENARIOS = {
    "wallet": "wallet reads",
    "pages": "pages of 20 transactions",
    "buys": "buys",
    "mix": "70/20/10 mix of wallet, page, buy",
}
SESSION = f"bench-{token_hex(4)}-"
"""Begins the idempotency keys of everything that this process has a generator send."""

_runs = count(1)


def new_run() -> str:
    """A name for one run: what its idempotency keys begin with, up to the first dot."""
    return f"{SESSION}{next(_runs):04d}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. Latencies are milliseconds; ``refused`` answers have a status of 400 or above.

    ``run`` begins the idempotency keys of the run; ``sent_buys`` counts those that were sent, answered or not.
    """

    name: str
    clients: int
    database: str
    run: str
    rate: float
    answers: int
    p50_ms: float = 0
    p99_ms: float = 0
    refused: int = 0
    broken: int = 0
    sent_buys: int = 0


def wrk_program() -> str:
    """Raises: MeasurementError where wrk is not installed."""
    program = shutil.which("wrk")
    if program is None:
        raise MeasurementError(
            "wrk is missing. It is the load generator: install it with `apt-get install wrk` on Debian and Ubuntu, "
            "`dnf install wrk` on Fedora, `brew install wrk` on macOS."
        )
    return program


def wrk(site: Website, crowd: Crowd, *, scenario: str, connections: int, seconds: float) -> Sample:
    """Keep ``connections`` requests under way for ``seconds``, each sent when the one before it is answered."""
    run = new_run()
    # One thread: it can send far more than two cores can answer, and takes less from them than two would.
    command = [wrk_program(), "-t1", f"-c{connections}", f"-d{_whole(seconds)}", "--timeout=30s"]
    command += ["-s", str(ROOT / "bench" / "drive.lua"), site.url, "--", scenario, str(crowd.file), run]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode != 0 or line is None:
        raise MeasurementError(f"wrk failed:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return Sample(
        name=scenario,
        clients=connections,
        database=crowd.database,
        run=run,
        rate=found["answers"] / found.pop("seconds"),
        **found,
    )


def _whole(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"
