"""The bench measures what it says, and says plainly what it found."""

import re
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import and_, select

from bench.crowd import surround
from bench.measures import Comparison, Figure, median_ms
from bench.report import comparison_line, conclusion, line
from bench.requests import page, without_session_check
from eprunes.accounts.models import Organisation, User
from eprunes.accounts.quota import usage
from eprunes.accounts.sessions import actor_for, end_session
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.paging import count_of
from eprunes.fleet.models import Assignment, Driver, Vehicle
from tests.fleet.fleets import fill
from tests.support import worlds

ROOT = Path(__file__).parents[2]
FIGURE = re.compile(r"^  (?P<name>\S.*?) {2,}(?P<measured>[\d,]+) m?s", re.MULTILINE)
COMPARISON = re.compile(r"^  \S.*? {2,}([\d,]+ m?s) +([\d,]+ m?s) +([\d,]+) +1,50   (?:tenue|MANQUÉE)$", re.MULTILINE)
POSTGRESQL_ONLY = pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
KEPT, MISSED = Figure("liste", 15.0, 15.0), Figure("export", 500.1, 500.0)


def test_a_small_run_prints_every_figure_on_both_databases():
    command = [sys.executable, "-m", "bench", "--size", "tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stderr == ""
    assert done.stdout.index("SQLite") < done.stdout.index("PostgreSQL")
    assert done.stdout.count("Charge de la machine") == 3
    found = FIGURE.findall(done.stdout)
    assert len(found) == 50
    assert found[:25] != found[25:]
    assert [name for name, _ in found[:25]] == [name for name, _ in found[25:]]
    assert all(float(measured.replace(",", ".")) > 0 for _, measured in found)
    assert len(re.findall(r"(tenue|MANQUÉE)$", done.stdout, re.MULTILINE)) == 30
    is_reliable = "pas fiables" not in done.stdout
    assert done.returncode == int(is_reliable and "MANQUÉE" in done.stdout)


def test_a_small_crowd_prints_each_figure_twice_and_their_ratio():
    command = [sys.executable, "-m", "bench.million", "--size", "tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stderr == ""
    assert "un client de 100 véhicules, seul, puis parmi 5 autres, soit 150 véhicules en tout" in done.stdout
    found = COMPARISON.findall(done.stdout)
    assert len(found) == 9
    for alone, among, ratio in ([_read(figure) for figure in one] for one in found):
        assert alone > 0
        assert ratio == pytest.approx(among / alone, abs=0.02, rel=0.02)
    is_reliable = "pas fiables" not in done.stdout
    assert done.returncode == int(is_reliable and "MANQUÉE" in done.stdout)


def _read(figure: str) -> float:
    """A duration in milliseconds, or a plain number."""
    value, _, unit = figure.partition(" ")
    return float(value.replace(",", ".")) * (1000 if unit == "s" else 1)


@POSTGRESQL_ONLY
def test_the_others_are_whole_clients_of_their_own_and_the_client_stays_as_it_was(app, world):
    fill(world, vehicle_count=20, driver_count=8)
    own, before = world.organisation_id, _counts(world.organisation_id)
    surround(own, organisations=3, vehicles_each=10)
    with platform_session("tests") as session:
        everybody = session.scalars(select(Organisation.id)).all()
    assert _counts(own) == before == (20, 8, 36, 4, 20)
    assert [_counts(one) for one in everybody if one != own] == 3 * [(10, 8, 18, 4, 10)]


def _counts(own: UUID) -> tuple[int, ...]:
    """How many vehicles, drivers, assignments that lead to both, users, and vehicles counted."""
    whole = (
        select(Assignment.id)
        .join(Vehicle, and_(Vehicle.organisation_id == own, Vehicle.id == Assignment.vehicle_id))
        .join(Driver, and_(Driver.organisation_id == own, Driver.id == Assignment.driver_id))
        .where(Assignment.organisation_id == own)
    )
    with tenant_session(own) as session:
        vehicles, drivers, users = (
            count_of(session, select(model).where(model.organisation_id == own)) for model in (Vehicle, Driver, User)
        )
        return vehicles, drivers, count_of(session, whole), users, usage(session, worlds.AS_OF)[0]


def test_a_comparison_is_kept_to_one_and_a_half_and_missed_beyond():
    assert comparison_line(Comparison("liste", 10.0, 15.0)).endswith("10,0 ms   15,0 ms      1,50      1,50   tenue")
    assert comparison_line(Comparison("liste", 10.0, 15.1)).endswith("10,0 ms   15,1 ms      1,51      1,50   MANQUÉE")
    sentence, code = conclusion({"PostgreSQL": [Comparison("liste", 10.0, 15.1)]}, 2.0, 2)
    assert (sentence, code) == ("0 cibles tenues sur 1. Manquées\u00a0: liste (PostgreSQL).", 1)


def test_a_target_is_kept_to_the_millisecond_and_missed_beyond():
    assert line(KEPT).endswith("15,0 ms   15,0 ms      1,00   tenue")
    assert line(MISSED).endswith("500,1 ms  500,0 ms      1,00   MANQUÉE")
    assert line(Figure("boîte", 3.2)).endswith("3,200 ms")


def test_a_missed_target_is_named_and_fails_the_bench():
    sentence, code = conclusion({"SQLite": [KEPT, MISSED, Figure("boîte", 9_000)]}, 2.0, 2)
    assert sentence == "1 cibles tenues sur 2. Manquées\u00a0: export (SQLite)."
    assert code == 1


def test_targets_that_are_all_kept_pass():
    assert conclusion({"SQLite": [KEPT], "PostgreSQL": [KEPT]}, 1.2, 2) == ("2 cibles tenues sur 2.", 0)


def test_a_machine_busier_than_its_cores_proves_nothing():
    sentence, code = conclusion({"SQLite": [MISSED]}, 2.01, 2)
    assert "Manquées\u00a0: export (SQLite)." in sentence
    assert "ne sont pas fiables (charge de 2,01 pour 2 cœurs)" in sentence
    assert code == 0


def test_the_first_run_does_not_count():
    calls = []

    def slow_at_first() -> None:
        calls.append(None)
        time.sleep(0.001 if len(calls) > 1 else 0.2)

    assert 1 <= median_ms(slow_at_first, runs=5) < 100
    assert len(calls) == 6


def test_the_median_is_the_one_in_the_middle():
    pauses = iter([0, 0.001, 0.2, 0.05])
    assert 50 <= median_ms(lambda: time.sleep(next(pauses)), runs=3) < 200


def test_every_request_checks_the_session_anew(app, world, frozen):
    token = worlds.open_session(world.fleet)
    listed = page(app, token, "/vehicules")
    assert "Véhicules".encode() in listed()
    end_session(actor_for(token, worlds.AS_OF).session_hash, worlds.AS_OF)
    with pytest.raises(RuntimeError, match="/vehicules: 302"):
        listed()


def test_a_known_actor_is_not_looked_up(app, world, frozen):
    listed = page(app, "no-token-of-ours", "/vehicules")
    with without_session_check(worlds.actor(world.fleet)):
        assert "Véhicules".encode() in listed()
    with pytest.raises(RuntimeError, match="/vehicules: 302"):
        listed()
