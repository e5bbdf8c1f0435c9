"""What is measured in which order: every cell once in a round, so that the machine's drift falls on all alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.cpu import Meter, Spent
from bench.load import Sample

SETTLE_SECONDS = 1.0
"""Of load before the first round, for each cell: connections, caches and plans are made then."""


@dataclass(slots=True)
class Cell:
    """One figure of a table. ``measure(seconds=...)`` runs it once; ``variant`` is what it was measured on."""

    name: str
    clients: int
    measure: Callable[..., Sample] = field(repr=False)
    variant: str = ""
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
    cells: Sequence[Cell], *, count: int, seconds: float, meter: Meter, say: Callable[[str], None]
) -> Iterator[Sample]:
    """Measure all cells ``count`` times, every other round backwards; yields each run, those that settle included."""
    for cell in cells:
        say(f"settling   {_title(cell)}")
        yield cell.measure(seconds=SETTLE_SECONDS)
    for number in range(count):
        for cell in cells if number % 2 == 0 else reversed(cells):
            meter.lap()
            sample = cell.measure(seconds=seconds)
            cell.spent.append(meter.lap())
            cell.samples.append(sample)
            say(f"round {number + 1}/{count}  {_title(cell)}  {_figures(sample, cell.spent[-1])}")
            yield sample


def _title(cell: Cell) -> str:
    return f"{cell.name:<10} {cell.clients:>3} {cell.variant}".rstrip()


def _figures(sample: Sample, spent: Spent) -> str:
    text = f"{sample.rate:>9,.0f}/s"
    if sample.p50_ms:
        text += f"  p50 {sample.p50_ms:.2f} ms  p99 {sample.p99_ms:.2f} ms"
    if wrong := sample.refused + sample.broken:
        text += f"  {wrong} ERRORS"
    return f"{text}  others {spent.others:.0%}" if spent.others > 0.1 else text
