"""The answers' way out, without the agency: who may take an answer, when, and what may be said of it then."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from eprunes.core.database import tenant_session
from eprunes.fines import transmission
from eprunes.fines.answering import AnswerState, ImpossibilityReason
from eprunes.fines.models import Answer
from eprunes.fines.services import designating
from eprunes.fines.transmission import DEMO_LEASE, LEASE, LONGEST_DELAY
from tests.support import fleet, worlds
from tests.support.worlds import AS_OF

SECOND = timedelta(seconds=1)


def confirm(world, as_of=AS_OF) -> None:
    """A notice, and an answer to it confirmed at an instant."""
    designating.report_impossibility(
        worlds.actor(world.admin),
        fleet.receive_notice(world.organisation_id),
        reason=ImpossibilityReason.THEFT,
        comment="",
        proofs=[designating.Proof("Récépissé", "2026-17", date(2026, 3, 1))],
        as_of=as_of,
    )


def answers(world) -> list[Answer]:
    with tenant_session(world.organisation_id) as session:
        query = select(Answer).where(Answer.organisation_id == world.organisation_id)
        return list(session.scalars(query.order_by(Answer.confirmed_at, Answer.id)))


def key_of(outgoing) -> dict:
    return {"organisation_id": outgoing.organisation_id, "answer_id": outgoing.answer_id}


def test_a_claim_is_committed_as_being_sent_before_anything_is_sent(world):
    confirm(world)

    outgoing = transmission.claim_next(world.organisation_id, AS_OF)

    [answer] = answers(world)
    assert (answer.id, answer.state) == (outgoing.answer_id, AnswerState.SENDING)
    assert (answer.attempts, answer.leased_until) == (1, AS_OF + LEASE)
    assert transmission.claim_next(world.organisation_id, AS_OF) is None


def test_the_oldest_answer_goes_first(world):
    for minutes in (5, 1, 3):
        confirm(world, AS_OF + timedelta(minutes=minutes))

    later = AS_OF + timedelta(minutes=10)
    claimed = [transmission.claim_next(world.organisation_id, later).answer_id for _ in range(3)]

    assert claimed == [one.id for one in answers(world)]


def test_an_answer_is_not_claimed_before_its_turn(world):
    confirm(world)

    assert transmission.claim_next(world.organisation_id, AS_OF - SECOND) is None
    assert not transmission.has_work(world.organisation_id, AS_OF - SECOND)
    assert transmission.has_work(world.organisation_id, AS_OF)
    assert transmission.claim_next(world.organisation_id, AS_OF) is not None


def test_an_answer_of_another_client_is_never_claimed(world, other_world):
    confirm(world)

    assert not transmission.has_work(other_world.organisation_id, AS_OF)
    assert transmission.claim_next(other_world.organisation_id, AS_OF) is None
    assert transmission.lose_abandoned(other_world.organisation_id, AS_OF + LEASE) == 0


@pytest.mark.parametrize(("later", "lost"), [(LEASE - SECOND, 0), (LEASE, 1)])
def test_an_abandoned_answer_is_of_unknown_outcome_once_its_lease_is_over(world, later, lost):
    confirm(world)
    transmission.claim_next(world.organisation_id, AS_OF)

    assert transmission.lose_abandoned(world.organisation_id, AS_OF + later) == lost
    assert answers(world)[0].state == (AnswerState.UNKNOWN if lost else AnswerState.SENDING)


@pytest.mark.parametrize(("later", "lost"), [(DEMO_LEASE - SECOND, 0), (DEMO_LEASE, 1)])
def test_a_demo_sees_sooner_that_a_sender_was_killed(world, app, monkeypatch, later, lost):
    monkeypatch.setitem(app.extensions, "eprunes_settings", replace(app.extensions["eprunes_settings"], demo=True))
    confirm(world)
    transmission.claim_next(world.organisation_id, AS_OF)

    assert transmission.lose_abandoned(world.organisation_id, AS_OF + later) == lost
    assert DEMO_LEASE < LEASE


def test_an_unknown_outcome_is_looked_up_by_one_at_a_time_and_never_claimed(world):
    confirm(world)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    transmission.outcome_unknown(**key_of(outgoing), as_of=AS_OF)

    taken = transmission.take_unknown(world.organisation_id, AS_OF)

    assert taken.answer_id == outgoing.answer_id
    assert transmission.take_unknown(world.organisation_id, AS_OF + LEASE - SECOND) is None
    assert transmission.take_unknown(world.organisation_id, AS_OF + LEASE).answer_id == outgoing.answer_id
    assert transmission.claim_next(world.organisation_id, AS_OF + LEASE) is None


def test_what_the_agency_never_received_may_go_out_again_at_once(world):
    confirm(world)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    transmission.outcome_unknown(**key_of(outgoing), as_of=AS_OF)
    transmission.take_unknown(world.organisation_id, AS_OF)

    transmission.never_received(**key_of(outgoing), as_of=AS_OF)

    again = transmission.claim_next(world.organisation_id, AS_OF)
    assert (again.answer_id, again.agency_reference) == (outgoing.answer_id, outgoing.agency_reference)


def test_what_was_not_delivered_waits_before_it_is_claimed_again(world):
    confirm(world)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)

    transmission.not_delivered(**key_of(outgoing), as_of=AS_OF)

    assert answers(world)[0].state == AnswerState.CONFIRMED
    assert transmission.claim_next(world.organisation_id, AS_OF) is None
    assert transmission.claim_next(world.organisation_id, AS_OF + LONGEST_DELAY) is not None


@pytest.mark.parametrize("lost_before", [False, True])
@pytest.mark.parametrize("outcome", ["registered", "refused"])
def test_an_outcome_settles_an_answer_for_good(world, outcome, lost_before):
    confirm(world)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    if lost_before:
        transmission.outcome_unknown(**key_of(outgoing), as_of=AS_OF)

    if outcome == "registered":
        transmission.registered(**key_of(outgoing), receipt_number="ENR-1", receipt_at=AS_OF, as_of=AS_OF + SECOND)
    else:
        transmission.refused(**key_of(outgoing), reason="Illisible.", as_of=AS_OF + SECOND)

    [answer] = answers(world)
    expected = AnswerState.REGISTERED if outcome == "registered" else AnswerState.REFUSED
    assert (answer.state, answer.settled_at, answer.leased_until) == (expected, AS_OF + SECOND, None)
    assert not transmission.has_work(world.organisation_id, AS_OF + timedelta(days=1))
