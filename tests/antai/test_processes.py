"""The clock process and its commands as real processes: killed in the middle, four at once, down for days."""

import json
from contextlib import ExitStack
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from eprunes.antai.models import RecordToReview
from eprunes.clock_process import SCHEDULE
from eprunes.core.database import platform_session
from eprunes.core.jobs import Job, JobDay, run_if_due
from eprunes.fines.answering import AnswerState
from eprunes.fines.transmission import LEASE
from tests.support import fleet, worlds
from tests.support.answers import answered_notice, posted_notice, standing
from tests.support.killed import run_job, started, wait_for
from tests.support.worlds import AS_OF

SEND = "/flotteconventionnee/designation"
CLOCK = ["-m", "eprunes.clock_process"]


@pytest.fixture
def world(app, now):
    return worlds.make_world(0, as_of=now)


@pytest.fixture
def settings(environ, agency) -> dict[str, str]:
    """The settings of a process that works on the test's databases and agency."""
    return {**environ, "EPRUNES_ANTAI_URL": agency.url}


def job_days() -> list[JobDay]:
    with platform_session("tests") as session:
        return list(session.scalars(select(JobDay).order_by(JobDay.name)))


def test_a_sender_killed_during_its_call_loses_nothing_and_sends_nothing_twice(world, agency, now, settings):
    """The agency takes the answer in after the sender's death: asked first, told again in the same bytes."""
    answered = [answered_notice(world, agency, now) for _ in range(3)]
    agency.fault("hang", path=SEND, seconds=3)

    with run_job("antai-send-answers", settings) as sender:
        wait_for(lambda: agency.faults_left() == [])
        sender.kill()
    midway = standing(world.organisation_id)
    too_soon = now + LEASE / 2
    with run_job("antai-send-answers", settings, "--as-of", too_soon.isoformat()) as second:
        told = json.loads(second.wait(60).splitlines()[-1])
    between = standing(world.organisation_id)
    later = now + timedelta(minutes=5)
    with run_job("antai-send-answers", settings, "--as-of", later.isoformat()) as third:
        third.wait(60)

    assert midway == [AnswerState.CONFIRMED, AnswerState.CONFIRMED, AnswerState.SENDING]
    assert (second.returncode, told["registered"]) == (0, 2)
    assert between == [AnswerState.SENDING, AnswerState.REGISTERED, AnswerState.REGISTERED]
    assert third.returncode == 0
    assert standing(world.organisation_id) == [AnswerState.REGISTERED] * 3
    assert sorted(one["numeroAco"] for one in agency.answers()) == sorted(one.number for one in answered)
    assert all(one.answer.receipt_number for one in answered)


def test_the_clock_process_killed_in_the_middle_of_sending_is_replaced_and_nothing_is_sent_twice(
    world, agency, now, settings
):
    answered = [answered_notice(world, agency, now) for _ in range(2)]
    agency.fault("hang", path=SEND, seconds=2)

    with started(CLOCK, settings, EPRUNES_DEMO="1") as first:
        wait_for(lambda: agency.faults_left() == [])
        first.kill()
    midway = standing(world.organisation_id)
    # Its clock is ahead, so that the dead one's claim is over.
    with started(CLOCK, settings, EPRUNES_DEMO="1", EPRUNES_CLOCK_OFFSET="5m"):
        wait_for(lambda: standing(world.organisation_id) == [AnswerState.REGISTERED] * 2)

    assert midway.count(AnswerState.SENDING) == 1
    assert sorted(one["numeroAco"] for one in agency.answers()) == sorted(one.number for one in answered)
    assert {one["etat"] for one in agency.answers()} == {"ENREGISTREE"}


def test_four_clock_processes_at_once_do_everything_once(world, agency, now, settings):
    """C4.3-a, C4.3-b: each daily job once for its day (in a demo vehicles are declared at a quick pace instead),
    each notice stored once, each answer registered once."""
    answered = [answered_notice(world, agency, now) for _ in range(4)]
    plates = [fleet.new_plate() for _ in range(5)]
    for plate in plates:
        fleet.add_vehicle(world.organisation_id, plate)
        agency.load(fleet.offence_record(plate, dateAco=str(now.date())))
    agency.post(fleet.offence_record(fleet.new_plate(), dateAco=str(now.date())))
    daily = sorted(job.name for job in SCHEDULE if job.daily_at and not job.quick_in_demo)

    def is_done() -> bool:
        days = job_days()
        return (
            [one.name for one in days if one.finished_at] == daily
            and len(fleet.notices(world.organisation_id)) == 9
            and standing(world.organisation_id) == [AnswerState.REGISTERED] * 4
        )

    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(started(CLOCK, settings, EPRUNES_DEMO="1"))
        wait_for(is_done, 60)

    with platform_session("tests") as session:
        to_review = session.scalars(select(RecordToReview)).all()
    assert [(one.name, one.attempts) for one in job_days()] == [(name, 1) for name in daily]
    assert agency.plates() >= set(plates)
    assert len(fleet.notices(world.organisation_id)) == 9
    assert len(to_review) == 1
    assert len(agency.answers()) == agency.registered() == 4
    assert all(one.answer.receipt_number for one in answered)


@pytest.mark.parametrize("behind", [timedelta(milliseconds=1), timedelta(seconds=5)])
def test_a_scheduler_that_read_its_clock_a_moment_earlier_does_not_take_a_running_job_over(app, behind):
    runs = []

    def run(as_of) -> dict:
        runs.append(as_of)
        if as_of == AS_OF:
            run_if_due(job, AS_OF - behind)
        return {}

    job = Job("essai", run, daily_at=time(0, 0))
    run_if_due(job, AS_OF)

    assert runs == [AS_OF]
    assert [one.attempts for one in job_days()] == [1]


def test_a_command_tells_in_one_line_what_it_did(world, agency, now, app):
    posted_notice(world, agency, now)

    done = app.test_cli_runner().invoke(args=["jobs", "run", "antai-fetch-notices"])

    [line] = done.output.splitlines()
    counts = json.loads(line)
    assert done.exit_code == 0
    assert (counts["job"], counts["read"]) == ("antai-fetch-notices", 1)
    assert counts["duration_ms"] >= 0


def test_a_command_fails_when_a_part_of_its_work_did(world, agency, agency_down, app):
    broken = app.test_cli_runner().invoke(args=["jobs", "run", "antai-fetch-notices"])

    assert broken.exit_code == 1
    assert '"agency_unavailable":1' in broken.output
