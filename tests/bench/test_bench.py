"""The bench measures what it says, and says plainly what it found."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.measures import Figure, median_ms
from bench.report import conclusion, line
from bench.requests import page, without_session_check
from eprunes.accounts.sessions import actor_for, end_session
from tests.support import worlds

ROOT = Path(__file__).parents[2]
FIGURE = re.compile(r"^  (?P<name>\S.*?) {2,}(?P<measured>[\d,]+) m?s", re.MULTILINE)
KEPT, MISSED = Figure("liste", 15.0, 15.0), Figure("export", 500.1, 500.0)


def test_a_small_run_prints_every_figure_on_both_databases():
    command = [sys.executable, "-m", "bench", "--size", "tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.index("SQLite") < done.stdout.index("PostgreSQL")
    assert done.stdout.count("Charge de la machine") == 3
    found = FIGURE.findall(done.stdout)
    assert len(found) == 38
    assert found[:19] != found[19:]
    assert [name for name, _ in found[:19]] == [name for name, _ in found[19:]]
    assert all(float(measured.replace(",", ".")) > 0 for _, measured in found)
    assert len(re.findall(r"(tenue|MANQUÉE)$", done.stdout, re.MULTILINE)) == 22
    is_reliable = "pas fiables" not in done.stdout
    assert done.returncode == int(is_reliable and "MANQUÉE" in done.stdout)


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
