"""Jobs: commands that may run at any moment, any number of times, and the ledger that says which are due.

*Daily* jobs have one ledger row per (job, local day), claimed by compare-and-set. *Continuous* jobs have no
day; they claim their own due rows. A job's effects are computed from the data, never from "yesterday".
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Date, String, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.calendar import PARIS
from eprunes.core.database import Base, PlatformWide, platform_session

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
LATE_AFTER = timedelta(hours=26)
FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """A command `run(as_of)` returning counts. Daily when `daily_at` (Europe/Paris) is set, else continuous.

    `legal` jobs keep a promise of the contract: being late is an alarm. `after` names a daily job that must
    have finished on the same day first. In a demo, a daily job that is `quick_in_demo` does not wait for its hour.
    """

    name: str
    run: Callable[[datetime], Mapping[str, Any]]
    daily_at: time | None = None
    every: timedelta = timedelta(minutes=1)
    every_in_demo: timedelta = timedelta(seconds=5)
    after: str | None = None
    legal: bool = False
    quick_in_demo: bool = False


class JobState(PlatformWide, Base):
    """Dernier passage d'une tâche : for the operator and the health page."""

    __tablename__ = "job_states"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    first_due_at: Mapped[datetime]
    last_finished_at: Mapped[datetime | None]
    last_result: Mapped[dict] = mapped_column(JSON, default=dict)


class JobDay(PlatformWide, Base):
    """Registre des tâches quotidiennes : one row per job and local day."""

    __tablename__ = "job_days"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    leased_until: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=1)
    finished_at: Mapped[datetime | None]


def run_job(job: Job, as_of: datetime) -> dict:
    """Run a job now, whatever the ledger says, and record its counts. Returns counts and duration."""
    started = monotonic()
    result = dict(job.run(as_of))
    result["duration_ms"] = round((monotonic() - started) * 1000)
    _record_state(job, as_of, result)
    return result


def run_if_due(job: Job, as_of: datetime) -> dict | None:
    """What the schedule calls: run a continuous job, or a daily one whose day is due and unclaimed."""
    if job.daily_at is None:
        return run_job(job, as_of)
    day = due_day(job, as_of)
    if not _may_start(job, day) or not _claim(job, day, as_of):
        return None
    result = run_job(job, as_of)
    if not result.get(FAILED):
        _finish(job, day, as_of)
    return result


def due_day(job: Job, as_of: datetime) -> date:
    """The latest Paris day whose hour for this job has passed; a day that is over counts whatever its hour."""
    local = as_of.astimezone(PARIS)
    return local.date() if local.time() >= job.daily_at else local.date() - timedelta(days=1)


def per_organisation(organisation_ids: Iterable[UUID], run: Callable[[UUID], Mapping[str, int]]) -> Counter:
    """Run a step for each organisation and add up its counts; one that fails is logged and counted apart."""
    counts: Counter = Counter()
    for organisation_id in organisation_ids:
        try:
            counts.update(run(organisation_id))
        except Exception:
            log.exception("organisation %s: step failed", organisation_id)
            counts[FAILED] += 1
    return counts


def late_jobs(jobs: Iterable[Job], as_of: datetime) -> list[str]:
    """Alarms: legal daily jobs that did not finish for more than 26 hours, as `name 31 h`."""
    with platform_session("santé des tâches") as session:
        states = {state.name: state for state in session.scalars(select(JobState))}
    alarms = []
    for job in jobs:
        state = states.get(job.name)
        if not job.legal or state is None:
            continue
        age = as_of - (state.last_finished_at or state.first_due_at)
        if age > LATE_AFTER:
            alarms.append(f"{job.name} {int(age.total_seconds() // 3600)} h")
    return alarms


def expect(jobs: Iterable[Job], as_of: datetime) -> None:
    """Note that these jobs are expected to run from now on, so that one that never runs is seen as late."""
    for job in jobs:
        with suppress(IntegrityError), platform_session("tâches attendues", write=True) as session:
            session.execute(insert(JobState).values(name=job.name, first_due_at=as_of, last_result={}))


def _record_state(job: Job, as_of: datetime, result: dict) -> None:
    values = {"last_result": result}
    if not result.get(FAILED):
        values["last_finished_at"] = as_of
    with platform_session(f"tâche {job.name}", write=True) as session:
        statement = update(JobState).where(JobState.name == job.name).values(**values)
        if session.execute(statement).rowcount:
            return
    with suppress(IntegrityError), platform_session(f"tâche {job.name}", write=True) as session:
        session.add(JobState(name=job.name, first_due_at=as_of, **values))


def _may_start(job: Job, day: date) -> bool:
    if job.after is None:
        return True
    with platform_session(f"tâche {job.name}") as session:
        query = select(JobDay.finished_at).where(JobDay.name == job.after, JobDay.day >= day)
        return any(session.scalars(query))


def _claim(job: Job, day: date, as_of: datetime) -> bool:
    lease = as_of + LEASE
    try:
        with platform_session(f"tâche {job.name}", write=True) as session:
            session.execute(insert(JobDay).values(name=job.name, day=day, leased_until=lease, attempts=1))
        return True
    except IntegrityError:
        pass
    retake = (
        update(JobDay)
        .where(
            JobDay.name == job.name,
            JobDay.day == day,
            JobDay.finished_at.is_(None),
            # Beyond twice the lease it is from a clock that ran ahead; below, from one a moment ahead of ours.
            or_(JobDay.leased_until < as_of, JobDay.leased_until > as_of + 2 * LEASE),
        )
        .values(leased_until=lease, attempts=JobDay.attempts + 1)
    )
    with platform_session(f"tâche {job.name}", write=True) as session:
        return session.execute(retake).rowcount == 1


def _finish(job: Job, day: date, as_of: datetime) -> None:
    done = update(JobDay).where(JobDay.name == job.name, JobDay.day == day).values(finished_at=as_of)
    with platform_session(f"tâche {job.name}", write=True) as session:
        session.execute(done)
