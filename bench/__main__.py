"""Print every figure, on both databases, with the machine's load: `python -m bench`."""

import os
import platform

from bench import foundations
from bench.installations import KINDS, installation
from bench.measures import Suite

SUITES: tuple[Suite, ...] = (foundations.measure,)


def main() -> None:
    """Measure each suite on an installation of its own."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {_load()}")
    for kind in KINDS:
        print(f"\n{kind}")
        for suite in SUITES:
            with installation(kind) as app:
                for figure in suite(app):
                    print(f"  {figure.line}", flush=True)
    print(f"\n{_load()}")


def _load() -> str:
    one, five, fifteen = os.getloadavg()
    return f"charge de la machine : {one:.2f} {five:.2f} {fifteen:.2f} (1, 5 et 15 minutes)"


if __name__ == "__main__":
    main()
