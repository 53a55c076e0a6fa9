"""Print every figure, on both databases, with the machine's load: `python -m bench`."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator

from bench import accounts, designations, fines, fleet, foundations, imports, report
from bench.installations import KINDS, installation
from bench.measures import Figure, yardstick_ms
from bench.setting import Setting, fill_installation
from bench.sizes import SIZES, Size
from eprunes.core.wording import number

SUITES: tuple[Callable[[Setting], Iterator[Figure]], ...] = (
    fleet.measure,
    imports.measure,
    fines.measure,
    designations.measure,
    accounts.measure,
    foundations.measure,
)


def main(arguments: list[str]) -> int:
    """Measure everything on each database; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Mesurer les temps de réponse.")
    parser.add_argument("--size", choices=SIZES, default="full", help="taille du parc (tiny\u00a0: essai du banc)")
    size = SIZES[parser.parse_args(arguments).size]
    cores = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {cores} cœurs. {_fleet(size)}.")
    loads, figures = [_print_load(cores)], {}
    for kind, conditions in KINDS.items():
        print(f"\n{kind} ({conditions})\n{report.heading()}", flush=True)
        figures[kind] = [_printed(figure) for figure in _measured(kind, size)]
        print()
        loads.append(_print_load(cores))
    sentence, code = report.conclusion(figures, max(loads), cores)
    print(sentence)
    return code


def _measured(kind: str, size: Size) -> Iterator[Figure]:
    with installation(kind) as app:
        setting = fill_installation(app, size)
        for suite in SUITES:
            yield from suite(setting)


def _printed(figure: Figure) -> Figure:
    print(report.line(figure), flush=True)
    return figure


def _fleet(size: Size) -> str:
    return f"{number(size.vehicles)} véhicules, {number(size.drivers)} conducteurs, {number(size.notices)} avis"


def _print_load(cores: int) -> float:
    load = os.getloadavg()[0]
    print(report.load_line(load, cores, yardstick_ms()), flush=True)
    return load


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
