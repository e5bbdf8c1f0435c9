"""What is measured in which order: every cell once in a round, so that the machine's drift falls on all alike."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.cpu import Meter, Spent
from bench.load import Sample

SETTLE_SECONDS = 1.0
"""Of load before the first round, for each cell: connections, caches and plans are made then."""

DISTURBED = 0.1
"""Of the machine's processors, for other programs: what the kernel does for our own servers counts as theirs too."""

TRIES = 5
WAIT_SECONDS = 3


@dataclass(slots=True)
class Cell:
    """One figure of a table. ``measure(seconds=...)`` runs it once; ``variant`` is what it is measured on."""

    name: str
    clients: int
    measure: Callable[..., Sample] = field(repr=False)
    variant: str = ""
    settles: bool = True
    samples: list[Sample] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)

    def rate(self) -> float:
        """The median over rounds, a second."""
        return median(sample.rate for sample in self.samples)

    def latency(self) -> tuple[float, float]:
        """p50 and p99, medians over rounds, in milliseconds."""
        return median(sample.p50_ms for sample in self.samples), median(sample.p99_ms for sample in self.samples)

    def errors(self) -> int:
        """Refused and broken requests of all rounds."""
        return sum(sample.refused + sample.broken for sample in self.samples)

    def cpu_ms(self, whose: str) -> float:
        """Processor time a request, the median over rounds, in milliseconds."""
        return median(
            1000 * spent.by[whose] / sample.answers for sample, spent in zip(self.samples, self.spent, strict=True)
        )


def find(cells: Sequence[Cell], name: str, clients: int, variant: str = "") -> Cell | None:
    """The cell of that name, number of clients and variant."""
    wanted = (name, clients, variant)
    return next((cell for cell in cells if (cell.name, cell.clients, cell.variant) == wanted), None)


def ratio(cell: Cell, to: Cell, figure: Callable[[Sample], float] = lambda sample: sample.rate) -> float:
    """The median of the ratios within each round."""
    return median(figure(one) / figure(other) for one, other in zip(cell.samples, to.samples, strict=True))


def rounds(
    cells: Sequence[Cell],
    *,
    count: int,
    seconds: float,
    meter: Callable[[Cell], Meter],
    calm: bool,
    say: Callable[[str], None],
) -> Iterator[Sample]:
    """Measure all cells ``count`` times, every other round backwards; yields each run, those that do not count too.

    With ``calm`` a run that other programs disturbed is made again, a few times, and the least disturbed one counts.
    """
    for cell in cells:
        if cell.settles:
            say(f"settling   {_title(cell)}")
            yield cell.measure(seconds=SETTLE_SECONDS)
    for number in range(count):
        for cell in cells if number % 2 == 0 else reversed(cells):
            tries: list[tuple[Sample, Spent]] = []
            while not tries or (calm and tries[-1][1].others > DISTURBED and len(tries) < TRIES):
                time.sleep(WAIT_SECONDS * len(tries))
                clock = meter(cell)
                sample = cell.measure(seconds=seconds)
                tries.append((sample, clock.lap()))
                say(f"round {number + 1}/{count}  {_title(cell)}  {_figures(*tries[-1])}")
                yield sample
            best = min(tries, key=lambda tried: tried[1].others)
            cell.samples.append(best[0])
            cell.spent.append(best[1])


def _title(cell: Cell) -> str:
    return f"{cell.name:<10} {cell.clients:>3} {cell.variant}".rstrip()


def _figures(sample: Sample, spent: Spent) -> str:
    text = f"{sample.rate:>9,.0f}/s"
    if sample.p50_ms:
        text += f"  p50 {sample.p50_ms:.2f} ms  p99 {sample.p99_ms:.2f} ms"
    if wrong := sample.refused + sample.broken:
        text += f"  {wrong} ERRORS"
    return f"{text}  others {spent.others:.0%}" if spent.others > DISTURBED else text
