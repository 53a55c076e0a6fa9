"""What is measured, and how: the median of several runs, against the target that was promised."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import monotonic, perf_counter

PATIENCE_SECONDS = 4.0
FEWEST_RUNS = 3
MOST_RATIO = 1.5


@dataclass(frozen=True)
class Figure:
    """One measured duration in milliseconds; `target_ms` is None where nothing was promised."""

    name: str
    ms: float
    target_ms: float | None = None

    @property
    def ratio(self) -> float | None:
        """The measure over its target: 1 is just on time."""
        return None if self.target_ms is None else self.ms / self.target_ms

    @property
    def is_missed(self) -> bool:
        return self.target_ms is not None and self.ms > self.target_ms


@dataclass(frozen=True)
class Comparison:
    """One thing measured twice: on a fleet alone, and on the same among those of other clients."""

    name: str
    alone_ms: float
    ms: float

    @property
    def target_ms(self) -> float:
        return self.alone_ms * MOST_RATIO

    @property
    def ratio(self) -> float:
        """What the others cost: 1 is nothing."""
        return self.ms / self.alone_ms

    @property
    def is_missed(self) -> bool:
        return self.ms > self.target_ms


def median_ms(work: Callable[[], object], *, runs: int) -> float:
    """The median duration of one run, after a first one that does not count.

    Long work is run less often than asked for: not beyond some seconds, but three times at least.
    """
    work()
    gc.collect()
    started, durations = monotonic(), []
    while len(durations) < runs and (len(durations) < FEWEST_RUNS or monotonic() - started < PATIENCE_SECONDS):
        durations.append(duration_ms(work))
    return median(durations)


def yardstick_ms() -> float:
    """The duration of a piece of work that never changes: twice as long on a machine that goes at half its speed.

    A virtual machine slows down without showing any load; figures compare only where this one is the same.
    """
    return min(duration_ms(_count) for _ in range(3))


def _count() -> None:
    texts = {}
    for number in range(300_000):
        texts[number % 97] = str(number)


def duration_ms(work: Callable[[], object]) -> float:
    """The duration of a single run."""
    started = perf_counter()
    work()
    return (perf_counter() - started) * 1000
