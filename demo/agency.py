"""The simulated agency as the demo starts it: on any day of the past, with the offences of that day."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

import requests

from demo import processes
from demo.places import DemoRefused, Place
from demo.processes import Child
from eprunes.core import clock

NAME = "le simulateur de l’ANTAI"
_TIMEOUT = 10
_STARTED_WITHIN = 15


def start(place: Place, environ: dict[str, str]) -> Child:
    """Start the agency on its port; it may take a moment before it listens."""
    arguments = ["eprunes.antai.simulator", "--port", str(place.agency_port)]
    arguments += ["--database", str(place.agency_database)]
    return processes.start(NAME, arguments, environ, place.log("agence"))


@contextmanager
def open_on(place: Place, instant: datetime) -> Iterator[None]:
    """Have the agency run in this block with a clock that shows `instant` and goes on from there."""
    offset = math.ceil((instant - clock.now()).total_seconds())
    child = start(place, {**place.environ, "EPRUNES_CLOCK_OFFSET": f"{offset}s"})
    try:
        _wait(place, child)
        yield
    finally:
        processes.stop([child])


def load(place: Place, records: list[dict]) -> None:
    """Give the running agency these offences: it posts each one once its vehicle is declared and its day has come."""
    answer = requests.post(f"{place.agency_url}/control/offences", json=records, timeout=_TIMEOUT)
    answer.raise_for_status()
    refused = answer.json()["refusees"]
    if refused:
        raise DemoRefused(f"Le simulateur de l’ANTAI refuse {len(refused)} infractions\u00a0: {refused[0]['motif']}")


def refuse_next_answer(place: Place) -> None:
    """Have the running agency refuse the next answer it gets."""
    fault = {"kind": "refuse", "path": "/flotteconventionnee/designation"}
    requests.post(f"{place.agency_url}/control/faults", json=fault, timeout=_TIMEOUT).raise_for_status()


def _wait(place: Place, child: Child) -> None:
    last_moment = monotonic() + _STARTED_WITHIN
    while child.is_running and monotonic() < last_moment:
        try:
            requests.get(f"{place.agency_url}/control/state", timeout=_TIMEOUT).raise_for_status()
            return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise DemoRefused(f"Le simulateur de l’ANTAI n’a pas démarré. Journal\u00a0: {child.log}")
