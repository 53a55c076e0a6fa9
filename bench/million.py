"""What a full platform costs one client: its fleet alone, then among thousands of clients, on PostgreSQL.

`python -m bench.million`, what `make bench-million` calls.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from flask import Flask
from sqlalchemy import insert

from bench import fleet, report
from bench.crowd import surround
from bench.installations import POSTGRESQL, installation, tidy
from bench.measures import Comparison, duration_ms, yardstick_ms
from bench.requests import page
from bench.setting import Setting
from bench.sizes import FULL, TINY, Size
from eprunes.core import clock
from eprunes.core.audit import AuditEntry
from eprunes.core.database import new_id, tenant_session
from eprunes.core.wording import number
from tests.fleet.fleets import fill
from tests.support.worlds import actor, make_world, open_session


@dataclass(frozen=True)
class Crowd:
    """The client that is measured; how many others there are, and the vehicles of each."""

    size: Size
    others: int
    vehicles_each: int

    @property
    def vehicles(self) -> int:
        return self.size.vehicles + self.others * self.vehicles_each


CROWDS = {"full": Crowd(FULL, 1_999, 500), "tiny": Crowd(TINY, 5, 10)}


def main(arguments: list[str]) -> int:
    """Measure the same client twice, in turns; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.million", description="Mesurer un client parmi d’autres.")
    parser.add_argument("--size", choices=CROWDS, default="full", help="taille (tiny\u00a0: essai du banc)")
    crowd = CROWDS[parser.parse_args(arguments).size]
    cores = len(os.sched_getaffinity(0))
    print(f"PostgreSQL\u00a0: un client de {number(crowd.size.vehicles)} véhicules, seul, puis parmi {_others(crowd)}.")
    with installation(POSTGRESQL) as app:
        alone = _client(app, crowd.size)
        with installation(POSTGRESQL) as full_app:
            among = _client(full_app, crowd.size)
            surround(among.organisation_id, organisations=crowd.others, vehicles_each=crowd.vehicles_each)
            return _compare(alone, among, cores)


def _others(crowd: Crowd) -> str:
    return f"{number(crowd.others)} autres, soit {number(crowd.vehicles)} véhicules en tout"


def _client(app: Flask, size: Size) -> Setting:
    """A client with a fleet, in an empty installation."""
    as_of = clock.now()
    world = make_world(0, as_of=as_of)
    fill(world, vehicle_count=size.vehicles, driver_count=size.searched_drivers, as_of=as_of)
    token = open_session(world.both, as_of)
    setting = Setting(app, size, world, actor(world.both, as_of), token, token, token, as_of)
    _write_journals(setting)
    tidy()
    return setting


def _write_journals(setting: Setting) -> None:
    """Two lines a vehicle, unchained: its page reads them, and nothing here verifies the chain."""
    common = {"organisation_id": setting.organisation_id, "actor_kind": "utilisateur", "subject_kind": "vehicule"}
    acts = ("vehicule.ajoute", "vehicule.modifie")
    rows = [
        common | {"at": setting.as_of, "id": new_id(), "action": action, "subject_id": vehicle_id, "details": {}}
        for vehicle_id, _ in setting.vehicles()
        for action in acts
    ]
    with tenant_session(setting.organisation_id, write=True) as session:
        session.execute(insert(AuditEntry), rows)


def _compare(alone: Setting, among: Setting, cores: int) -> int:
    load = os.getloadavg()[0]
    print(report.load_line(load, cores, yardstick_ms()))
    print(f"\n{report.comparison_heading()}", flush=True)
    found = []
    for name, work in WORKS.items():
        found.append(Comparison(name, *_in_turns(work, alone, among)))
        print(report.comparison_line(found[-1]), flush=True)
    load = max(load, os.getloadavg()[0])
    print(f"\n{report.load_line(load, cores, yardstick_ms())}")
    sentence, code = report.conclusion({POSTGRESQL: found}, load, cores)
    print(sentence)
    return code


def _in_turns(work: "Work", *settings: Setting) -> list[float]:
    """The median of each, in turns, so that both meet the same load and the same speed of the machine."""
    runs = []
    for setting in settings:
        with setting.app.app_context():
            runs.append(work(setting))
    durations: list[list[float]] = [[] for _ in settings]
    gc.collect()
    for turn in range(settings[0].size.runs + 1):
        order = range(len(settings)) if turn % 2 else reversed(range(len(settings)))
        for place in order:
            with settings[place].app.app_context():
                ms = duration_ms(runs[place])
            durations[place] += [ms] if turn else []  # the first one does not count
    return [median(found) for found in durations]


Work = Callable[[Setting], Callable[[], object]]


def _page(path: str) -> Work:
    return lambda setting: page(setting.app, setting.token, path)


WORKS: dict[str, Work] = {
    "liste de 80 véhicules": _page("/vehicules"),
    "liste, les 80 suivants par modèle": _page("/vehicules?tri=modele"),
    "chercher un morceau de plaque": _page("/vehicules?q=ab-12"),
    "chercher un nom parmi les véhicules": _page("/vehicules?q=caroline+dumas"),
    "chercher un nom parmi les conducteurs": _page("/conducteurs?q=caroline+dumas"),
    "page d’un véhicule, sa frise": fleet.pages_of_vehicles,
    "mois d’un véhicule": lambda setting: fleet.pages_of_vehicles(setting, "/mois/2025-04"),
    "échéances": _page("/echeances"),
    "conducteur à un instant": fleet.holder_lookup,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
