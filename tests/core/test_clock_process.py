"""What the clock process does at each tick."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from eprunes.clock_process import JOBS, tick
from eprunes.core.database import platform_session
from eprunes.core.jobs import Job, JobDay

DUE = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(("demo", "quick", "times"), [(True, True, 3), (True, False, 1), (False, True, 1)])
def test_a_daily_job_that_is_quick_in_a_demo_runs_there_at_every_tick(app, frozen, monkeypatch, demo, quick, times):
    monkeypatch.setitem(app.extensions, "eprunes_settings", replace(app.extensions["eprunes_settings"], demo=demo))
    ran = []
    job = Job("essai", lambda as_of: ran.append(as_of) or {}, daily_at=time(2, 30), quick_in_demo=quick)
    for minutes in range(3):
        frozen.move_to(DUE + timedelta(minutes=minutes))
        tick(app, job)
    assert len(ran) == times
    with platform_session("tests") as session:
        assert bool(session.scalars(select(JobDay)).all()) is (times == 1), "the ledger of days is left alone"


def test_a_newcomers_vehicles_are_declared_and_have_their_due_dates_within_a_minute_in_a_demo_and_no_more():
    """What keeps a promise of the contract by its day (sweep, purge) keeps its hour in a demo too."""
    assert {job.name for job in JOBS.values() if job.quick_in_demo} == {"antai-declare-vehicles", "due-dates"}
    assert JOBS["antai-declare-vehicles"].every_in_demo <= timedelta(minutes=1)
    assert JOBS["antai-declare-vehicles"].daily_at == time(0, 30)


def test_an_instant_of_another_age_is_refused_in_one_sentence(app):
    args = ["jobs", "run", "fleet-departures", "--as-of", "9999-12-31T23:59:59+00:00"]
    done = app.test_cli_runner().invoke(args=args)
    assert done.exit_code == 1
    assert "hors des années 2000 à 2100" in done.output
    assert "Traceback" not in done.output
