"""What is measured, and how: the median of several runs, against the limit that was promised."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from flask import Flask


@dataclass(frozen=True)
class Figure:
    """One measured duration in milliseconds; `limit_ms` is None where nothing was promised."""

    name: str
    ms: float
    limit_ms: float | None = None

    @property
    def line(self) -> str:
        if self.limit_ms is None:
            return f"{self.name:<58} {self.ms:>10.3f} ms"
        verdict = "" if self.ms <= self.limit_ms else "   TROP LENT"
        share = self.ms / self.limit_ms
        return f"{self.name:<58} {self.ms:>10.3f} ms   {share:>5.0%} de {self.limit_ms:g} ms{verdict}"


Suite = Callable[[Flask], Iterator[Figure]]
"""Fills an empty installation with what it needs and yields its figures."""


def median_ms(work: Callable[[], object], *, runs: int = 21) -> float:
    """The median duration of one run, after a first one that does not count, without the garbage collector."""
    work()
    gc.collect()
    gc.disable()
    try:
        return median(_duration(work) for _ in range(runs)) * 1000
    finally:
        gc.enable()


def once_ms(work: Callable[[], object]) -> float:
    """The duration of a single run, for what can't be repeated (confirming an import)."""
    return _duration(work) * 1000


def _duration(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
