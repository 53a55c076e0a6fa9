"""The ledger of jobs: which day is due, who may start, what a crash or a long absence leaves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from eprunes.core import jobs
from eprunes.core.database import new_id, platform_session
from eprunes.core.jobs import FAILED, LATE_AFTER, LEASE, Job, JobDay, JobState

DAY = date(2026, 3, 3)
DUE = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)  # 02:30 in Paris
MOMENT = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Recorder:
    """A job's work: remembers the instants it ran at, and does what it is told."""

    def __init__(self, **result) -> None:
        self.result = result or {"done": 1}
        self.ran_at = []

    def __call__(self, as_of):
        self.ran_at.append(as_of)
        if isinstance(self.result.get("raises"), Exception):
            raise self.result["raises"]
        return self.result


def daily(work, name="essai", at=time(2, 30), **options) -> Job:
    return Job(name, work, daily_at=at, **options)


def job_day(name="essai", day=DAY) -> JobDay | None:
    with platform_session("tests") as session:
        return session.scalar(select(JobDay).where(JobDay.name == name, JobDay.day == day))


def job_state(name="essai") -> JobState | None:
    with platform_session("tests") as session:
        return session.scalar(select(JobState).where(JobState.name == name))


@pytest.mark.parametrize(
    ("at", "instant", "day"),
    [
        (time(2, 30), "2026-03-03T01:29:59.999999", date(2026, 3, 2)),
        (time(2, 30), "2026-03-03T01:30", date(2026, 3, 3)),
        (time(2, 30), "2026-03-03T22:59:59", date(2026, 3, 3)),
        (time(2, 30), "2026-03-03T23:00", date(2026, 3, 3)),  # the day is over, the next is not yet due
        (time(2, 30), "2026-03-04T01:30", date(2026, 3, 4)),
        (time(0, 0), "2026-03-03T22:59:59", date(2026, 3, 3)),
        (time(0, 0), "2026-03-03T23:00", date(2026, 3, 4)),
        # 29 March: 02:30 does not exist, 03:00 summer time follows 01:59:59.
        (time(2, 30), "2026-03-29T00:59:59", date(2026, 3, 28)),
        (time(2, 30), "2026-03-29T01:00", date(2026, 3, 29)),
        # 25 October: 02:30 comes twice.
        (time(2, 30), "2026-10-25T00:29:59", date(2026, 10, 24)),
        (time(2, 30), "2026-10-25T00:30", date(2026, 10, 25)),
        (time(2, 30), "2026-10-25T01:30", date(2026, 10, 25)),
    ],
)
def test_a_day_is_due_once_its_hour_has_passed_in_paris(at, instant, day):
    assert jobs.due_day(daily(Recorder(), at=at), utc(instant)) == day


@pytest.mark.parametrize("night", ["2026-03-03", "2026-03-29", "2026-10-25"])
def test_a_daily_job_runs_once_a_night_even_when_clocks_change(app, night):
    work = Recorder()
    start = utc(f"{night}T00:00") - timedelta(hours=3)
    jobs.run_if_due(daily(work), start - timedelta(hours=12))
    work.ran_at.clear()
    for minutes in range(0, 8 * 60, 10):
        jobs.run_if_due(daily(work), start + timedelta(minutes=minutes))
    assert len(work.ran_at) == 1


def test_a_daily_job_runs_once_a_day(app):
    work = Recorder()
    assert jobs.run_if_due(daily(work), DUE)["done"] == 1
    assert jobs.run_if_due(daily(work), DUE + timedelta(hours=20)) is None
    assert jobs.run_if_due(daily(work), DUE + timedelta(days=1)) is not None
    assert work.ran_at == [DUE, DUE + timedelta(days=1)]


def test_four_schedulers_at_once_run_a_daily_job_once(app):
    work, together = Recorder(), Barrier(4)

    def tick():
        with app.app_context():
            together.wait()
            return jobs.run_if_due(daily(work), DUE)

    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(tick) for _ in range(4)]]
    assert len(work.ran_at) == 1
    assert sum(result is not None for result in results) == 1


def test_clocks_an_hour_apart_run_a_daily_job_once(app):
    work = Recorder()
    jobs.run_if_due(daily(work), DUE + timedelta(hours=1))
    jobs.run_if_due(daily(work), DUE)
    assert len(work.ran_at) == 1


def test_a_job_killed_in_the_middle_is_taken_up_when_its_lease_is_over(app):
    killed, work = Recorder(raises=SystemError("killed")), Recorder()
    with pytest.raises(SystemError):
        jobs.run_if_due(daily(killed), DUE)
    assert jobs.run_if_due(daily(work), DUE + LEASE) is None
    assert jobs.run_if_due(daily(work), DUE + LEASE + MOMENT) is not None
    day = job_day()
    assert (day.attempts, day.finished_at) == (2, DUE + LEASE + MOMENT)
    assert jobs.run_if_due(daily(work), DUE + 3 * LEASE) is None


def test_a_lease_from_a_clock_that_ran_ahead_is_not_waited_for(app):
    with pytest.raises(SystemError):
        jobs.run_if_due(daily(Recorder(raises=SystemError("killed"))), DUE + timedelta(hours=1))
    assert jobs.run_if_due(daily(Recorder()), DUE) is not None


def test_after_three_days_down_a_daily_job_runs_once_for_the_last_day(app):
    work = Recorder()
    jobs.run_if_due(daily(work), DUE)
    back = DUE + timedelta(days=3, hours=5)
    for minutes in (0, 1, 2):
        jobs.run_if_due(daily(work), back + timedelta(minutes=minutes))
    assert work.ran_at == [DUE, back]
    assert job_day(day=DAY + timedelta(days=3)).finished_at == back
    assert job_day(day=DAY + timedelta(days=1)) is None


def test_a_job_with_a_failed_step_is_not_finished_and_comes_again(app):
    work = Recorder(**{"done": 1, FAILED: 1})
    jobs.run_if_due(daily(work), DUE)
    assert job_day().finished_at is None
    assert job_state().last_finished_at is None
    assert job_state().last_result[FAILED] == 1
    work.result = {"done": 2}
    assert jobs.run_if_due(daily(work), DUE + LEASE + MOMENT) is not None
    assert job_day().finished_at == job_state().last_finished_at == DUE + LEASE + MOMENT


def test_a_job_waits_for_the_one_it_must_follow(app):
    first, second = Recorder(), Recorder()
    follower = daily(second, "second", after="premier")
    jobs.run_if_due(follower, DUE)
    jobs.run_if_due(daily(Recorder(**{FAILED: 1}), "premier"), DUE)
    jobs.run_if_due(follower, DUE)
    assert second.ran_at == []
    jobs.run_if_due(daily(first, "premier"), DUE + LEASE + MOMENT)
    jobs.run_if_due(follower, DUE + LEASE + MOMENT)
    assert len(second.ran_at) == 1


def test_yesterday_s_run_does_not_free_the_follower_today(app):
    second = Recorder()
    jobs.run_if_due(daily(Recorder(), "premier"), DUE - timedelta(days=1))
    jobs.run_if_due(daily(second, "second", after="premier"), DUE)
    assert second.ran_at == []


def test_a_continuous_job_runs_at_every_tick(app):
    work = Recorder()
    for seconds in (0, 1, 2):
        jobs.run_if_due(Job("essai", work), DUE + timedelta(seconds=seconds))
    assert len(work.ran_at) == 3
    assert job_state().last_finished_at == DUE + timedelta(seconds=2)


def test_a_command_always_runs_and_leaves_the_day_to_the_schedule(app):
    work = Recorder()
    first = jobs.run_job(daily(work), DUE)
    assert set(first) == {"done", "duration_ms"}
    jobs.run_job(daily(work), DUE)
    assert len(work.ran_at) == 2
    assert job_day() is None
    assert jobs.run_if_due(daily(work), DUE) is not None


def test_one_organisation_that_fails_does_not_stop_the_others():
    good, bad, last = new_id(), new_id(), new_id()

    def step(organisation_id):
        if organisation_id == bad:
            raise ValueError("broken")
        return {"done": 2}

    assert jobs.per_organisation([good, bad, last], step) == {"done": 4, FAILED: 1}


def test_a_legal_job_is_late_beyond_26_hours_after_its_last_run(app):
    job = daily(Recorder(), legal=True)
    jobs.run_if_due(job, DUE)
    assert jobs.late_jobs([job], DUE + LATE_AFTER) == []
    assert jobs.late_jobs([job], DUE + LATE_AFTER + MOMENT) == ["essai 26 h"]
    assert jobs.late_jobs([job], DUE + timedelta(hours=31)) == ["essai 31 h"]
    assert jobs.late_jobs([daily(Recorder())], DUE + timedelta(days=9)) == []


def test_a_legal_job_that_keeps_failing_is_late_too(app):
    job = daily(Recorder(**{FAILED: 1}), legal=True)
    jobs.expect([job], DUE)
    jobs.run_if_due(job, DUE + timedelta(hours=25))
    assert jobs.late_jobs([job], DUE + timedelta(hours=27)) == ["essai 27 h"]


def test_a_legal_job_that_never_ran_is_late_since_it_was_first_expected(app):
    job = daily(Recorder(), legal=True)
    jobs.expect([job], DUE)
    jobs.expect([job], DUE + timedelta(hours=20))
    assert jobs.late_jobs([job], DUE + LATE_AFTER) == []
    assert jobs.late_jobs([job], DUE + timedelta(hours=40)) == ["essai 40 h"]
