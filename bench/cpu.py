"""Where the processors' time goes. It shows, too, when something else on the machine disturbs a measurement."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

WEB, POSTGRES, VALKEY, GENERATOR = "web", "PostgreSQL", "Valkey", "load generator"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of processor time by whom, and how much of the machine's time went to others (a share of all cores)."""

    by: Mapping[str, float]
    others: float


class Meter:
    """Reads the time that process trees have used. Programs that this process has run and awaited count as one more."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = {name: psutil.Process(pid) for name, pid in roots.items()}
        self._before = self._read()

    def lap(self) -> Spent:
        """What was spent since the last lap."""
        before, self._before = self._before, self._read()
        spent = {name: self._before[name] - before[name] for name in before}
        wall, busy = spent.pop("wall"), spent.pop("busy")
        return Spent(spent, max(0.0, busy - sum(spent.values())) / wall / (os.cpu_count() or 1))

    def _read(self) -> dict[str, float]:
        own, whole = os.times(), psutil.cpu_times()
        return {
            "wall": time.monotonic(),
            "busy": sum(whole) - whole.idle - getattr(whole, "iowait", 0) - getattr(whole, "guest", 0),
            GENERATOR: sum(own[:4]),
            **{name: _of_tree(root) for name, root in self._roots.items()},
        }


def _of_tree(root: psutil.Process) -> float:
    """Of a process, those of its descendants that live, and those that it has buried."""
    total = float(sum(root.cpu_times()[:4]))
    for process in root.children(recursive=True):
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue  # it has just ended
    return total
