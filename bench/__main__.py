"""Print every figure, on both databases, with the machine's load: `python -m bench`."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator

from bench import fines, fleet, foundations, imports, report
from bench.installations import KINDS, installation
from bench.measures import Figure
from bench.setting import Setting, fill_installation
from bench.sizes import SIZES, Size

SUITES: tuple[Callable[[Setting], Iterator[Figure]], ...] = (
    fleet.measure,
    imports.measure,
    fines.measure,
    foundations.measure,
)


def main(arguments: list[str]) -> int:
    """Measure everything on each database; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Mesurer les temps de réponse.")
    parser.add_argument("--size", choices=SIZES, default="full", help="taille du parc (tiny : un essai du banc)")
    size = SIZES[parser.parse_args(arguments).size]
    cores = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {cores} cœurs, {_fleet(size)}")
    figures, loads = [], []
    for kind, conditions in KINDS.items():
        loads.append(_print_load())
        print(f"\n{kind} ({conditions})\n{report.heading()}", flush=True)
        for figure in _measured(kind, size):
            figures.append(figure)
            print(report.line(figure), flush=True)
    loads.append(_print_load())
    sentence, code = report.conclusion(figures, max(loads), cores)
    print(sentence)
    return code


def _measured(kind: str, size: Size) -> Iterator[Figure]:
    with installation(kind) as app:
        setting = fill_installation(app, size)
        for suite in SUITES:
            yield from suite(setting)


def _fleet(size: Size) -> str:
    return f"{size.vehicles} véhicules, {size.drivers} conducteurs, {size.notices} avis"


def _print_load() -> float:
    load = os.getloadavg()[0]
    print(f"\nCharge de la machine sur une minute : {load:.2f}".replace(".", ","), flush=True)
    return load


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
