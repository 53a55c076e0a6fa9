"""Answers sent to the agency's process: each registered once and for all, whatever breaks on the way (C4.3-c)."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from threading import Barrier
from time import monotonic, sleep

import orjson
import pytest
from sqlalchemy import select, update

from eprunes.accounts.services import clients
from eprunes.antai import jobs, sending
from eprunes.antai.client import AgencyClient
from eprunes.antai.models import Transmission
from eprunes.core.crypto import key_store, open_box
from eprunes.core.database import tenant_session
from eprunes.fines import events, transmission
from eprunes.fines.answering import AnswerState, ImpossibilityReason, NoticeState
from eprunes.fines.models import Answer
from eprunes.fines.services import designating
from eprunes.fines.services.designating import Proof
from eprunes.fines.transmission import FIRST_DELAY, LEASE
from tests.antai.simulator.running import designation, signed_in
from tests.support import fleet, worlds
from tests.support.answers import answered_notice, posted_notice, standing
from tests.support.stub_agency import running_stub

SEND = "/flotteconventionnee/designation"
LOOK = "/flotteconventionnee/infraction"
SECOND = timedelta(seconds=1)
SOON = timedelta(seconds=10)
LATER_THERE = timedelta(days=4)
LICENCE_OF_TOMORROW = "La date de délivrance du permis n’est pas une date passée."
MUCH_LATER = timedelta(hours=1)


@pytest.fixture
def world(app, now):
    """A client of the present: its people answer notices that the agency posts now."""
    return worlds.make_world(0, as_of=now)


@pytest.fixture
def other_world(app, now):
    return worlds.make_world(1, as_of=now)


def prepared(answered) -> bytes:
    """The bytes kept of an answer as they went out."""
    organisation_id, answer = answered.world.organisation_id, answered.answer
    with tenant_session(organisation_id) as session:
        query = select(Transmission).where(
            Transmission.organisation_id == organisation_id, Transmission.answer_id == answer.id
        )
        [sent] = session.scalars(query)
    key = key_store().keys(organisation_id, [sent.key_id])[sent.key_id]
    return open_box(key, organisation_id, "transmissions", sent.id, sent.box)["corps"].encode()


def refusable(world, agency, now):
    """A notice answered four days ahead of the agency's clock; offence and licence are of the day after tomorrow."""
    licence_day = now.date() + timedelta(days=2)
    answered = posted_notice(world, agency, now, dateHeureInfraction=f"{licence_day}T10:12:00")
    answered.designate(now + LATER_THERE, replace(fleet.NOEL, licence_issued_on=licence_day))
    return answered


def wait_for(condition, seconds: float = 5) -> None:
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "nothing happened"
        sleep(0.02)


def test_a_designation_comes_back_with_its_receipt(world, agency, now):
    """C4.3-c."""
    answered = answered_notice(world, agency, now)

    counts = jobs.send_answers(now)

    [held] = agency.answers()
    answer = answered.answer
    assert (counts["registered"], counts["failed"]) == (1, 0)
    assert (answer.state, answer.receipt_number) == (AnswerState.REGISTERED, held["numeroEnregistrement"])
    assert answer.receipt_at.isoformat() == held["dateEnregistrement"]
    assert held["numeroAco"] == answered.number
    assert held["corps"] == orjson.loads(prepared(answered))
    assert answered.facts() == [events.RECEIVED, events.ANSWERED, events.SENT, events.REGISTERED]


def test_sending_again_sends_nothing(world, agency, now):
    answered_notice(world, agency, now)
    jobs.send_answers(now)
    calls = agency.running.state()["requests"]

    assert jobs.send_answers(now + MUCH_LATER)["registered"] == 0
    assert agency.running.state()["requests"] == calls


@pytest.mark.parametrize("reason", list(ImpossibilityReason))
def test_every_reason_of_impossibility_is_one_that_the_agency_registers(world, agency, now, reason):
    """C4.3-c."""
    notice = posted_notice(world, agency, now)
    designating.report_impossibility(
        worlds.actor(world.admin, now),
        notice.notice_id,
        reason=reason,
        comment="Le véhicule n’était pas à nous.",
        proofs=[Proof(nature, "2026-17", date(2026, 1, 5)) for nature in reason.requirements.proofs],
        as_of=now,
    )

    jobs.send_answers(now)

    [held] = agency.answers()
    assert (held["etat"], held["statut"]) == ("ENREGISTREE", "NON_DESIGNATION")
    assert notice.answer.state == AnswerState.REGISTERED


def test_a_refusal_comes_back_with_its_reason_and_the_next_answer_is_registered(world, agency, now):
    """Decision 2."""
    answered = refusable(world, agency, now)

    first = jobs.send_answers(now + LATER_THERE)
    reason, state = answered.refusal, fleet.notice(world.organisation_id, answered.notice_id).state
    answered.designate(now + LATER_THERE)
    second = jobs.send_answers(now + LATER_THERE)

    assert (first["refused"], second["registered"]) == (1, 1)
    assert (reason, state) == (LICENCE_OF_TOMORROW, NoticeState.REFUSED)
    assert [one.state for one in answered.answers()] == [AnswerState.REGISTERED, AnswerState.REFUSED]
    assert [one["etat"] for one in agency.answers()] == ["REFUSEE", "ENREGISTREE"]


def test_an_answer_lost_after_it_was_accepted_is_looked_up_and_not_sent_again(world, agency, now):
    answered = answered_notice(world, agency, now)
    agency.fault("lost_answer")

    first = jobs.send_answers(now)
    between = answered.answer.state
    second = jobs.send_answers(now)

    [held] = agency.answers()
    assert (first["unknown"], between, second["registered"]) == (1, AnswerState.UNKNOWN, 1)
    assert answered.answer.receipt_number == held["numeroEnregistrement"]
    assert agency.registered() == 1
    assert answered.facts() == [events.RECEIVED, events.ANSWERED, events.UNKNOWN, events.REGISTERED]


def test_a_refusal_lost_on_the_way_is_looked_up_too(world, agency, now):
    """Decision 2."""
    answered = refusable(world, agency, now)
    with running_stub() as broken:
        broken.answers(f"POST {SEND}", 504, b"<html>")
        sending.send_due(world.organisation_id, AgencyClient(broken.url, "", ""), now + LATER_THERE)
        [body] = broken.bodies(f"POST {SEND}")
    with signed_in(agency.url) as caller:
        assert caller.post(SEND, json=orjson.loads(body)).status_code == 422

    counts = jobs.send_answers(now + LATER_THERE)

    assert counts["refused"] == 1
    assert answered.refusal == LICENCE_OF_TOMORROW
    assert len(agency.answers()) == 1


def test_a_connection_reset_before_acceptance_is_looked_up_then_sent_again(world, agency, now):
    answered = answered_notice(world, agency, now)
    agency.fault("reset", path=SEND)

    first, second = jobs.send_answers(now), jobs.send_answers(now)

    assert (first["unknown"], second["never_received"], second["registered"]) == (1, 1, 1)
    assert answered.answer.state == AnswerState.REGISTERED
    assert agency.registered() == 1


def test_what_is_sent_again_is_the_same_to_the_byte(world, agency, now):
    """Even when the driver's file or the program's way of writing changed in between."""
    answered_notice(world, agency, now)
    call = f"POST {SEND}"

    with running_stub() as stub:
        client = AgencyClient(stub.url, "", "")
        stub.answers(call, 504, b"")
        sending.send_due(world.organisation_id, client, now)
        [first] = stub.bodies(call)
        number = orjson.loads(first)["numeroAco"]
        stub.answers(f"GET {LOOK}/{number}", 404, b"{}")
        stub.answers(call, 503, b"")
        again = sending.send_due(world.organisation_id, client, now)
        sending.send_due(world.organisation_id, client, now + MUCH_LATER)
        bodies = stub.bodies(call)

    assert (again["never_received"], again["put_off"]) == (1, 1)
    assert bodies == [first] * 3


def test_an_agency_that_can_t_say_leaves_the_answer_unknown_and_nothing_is_sent(world, agency, now):
    answered = answered_notice(world, agency, now)
    agency.fault("lost_answer")
    jobs.send_answers(now)
    agency.fault("503", path=LOOK)

    first = jobs.send_answers(now)
    too_soon = jobs.send_answers(now + FIRST_DELAY)
    later = jobs.send_answers(now + MUCH_LATER)

    assert (first["still_unknown"], first["registered"]) == (1, 0)
    assert too_soon == Counter()
    assert later["registered"] == 1
    assert answered.answer.state == AnswerState.REGISTERED
    assert agency.registered() == 1


def test_a_503_puts_the_answer_off_and_it_goes_out_later(world, agency, now):
    answered = answered_notice(world, agency, now)
    agency.fault("503", path=SEND)

    first = jobs.send_answers(now)
    delayed = answered.answer
    too_soon = jobs.send_answers(now + SECOND)
    later = jobs.send_answers(delayed.next_attempt_at + SECOND)

    assert (first["put_off"], delayed.state) == (1, AnswerState.CONFIRMED)
    assert delayed.next_attempt_at >= now + FIRST_DELAY
    assert (too_soon["registered"], later["registered"]) == (0, 1)
    assert agency.registered() == 1
    assert answered.facts() == [events.RECEIVED, events.ANSWERED, events.SENT, events.REGISTERED]


def test_each_failure_waits_longer_up_to_half_an_hour(world, agency, agency_down, now):
    answered = answered_notice(world, agency, now)
    instant, waits = now, []

    for _ in range(10):
        assert jobs.send_answers(instant)["put_off"] == 1
        waits.append(answered.answer.next_attempt_at - instant)
        instant = answered.answer.next_attempt_at

    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=1)
    assert timedelta(minutes=30) <= waits[-1] < timedelta(minutes=31)


def test_an_outage_stops_the_batch_and_loses_nothing(world, agency, now):
    for _ in range(3):
        answered_notice(world, agency, now)
    agency.fault("503", path=SEND)

    first = jobs.send_answers(now)
    second = jobs.send_answers(now + MUCH_LATER)

    assert (first["put_off"], first["registered"], second["registered"]) == (1, 0, 3)
    assert standing(world.organisation_id) == [AnswerState.REGISTERED] * 3


def test_nobody_at_the_agency_s_address_puts_answers_off(world, agency, agency_down, now):
    answered_notice(world, agency, now)

    assert jobs.send_answers(now)["put_off"] == 1
    assert standing(world.organisation_id) == [AnswerState.CONFIRMED]


def test_a_silent_agency_leaves_the_outcome_unknown_and_never_registers_twice(world, agency, now, impatient):
    """The agency takes the answer in while it is being sent again: one receipt all the same."""
    answered = answered_notice(world, agency, now)
    agency.fault("hang", path=SEND, seconds=2)

    first, second = jobs.send_answers(now), jobs.send_answers(now + SOON)
    sleep(1.2)  # by now the agency has woken up and read the first sending

    assert (first["unknown"], second["registered"]) == (1, 1)
    assert answered.answer.state == AnswerState.REGISTERED
    assert [one["etat"] for one in agency.answers()] == ["ENREGISTREE"]


def test_a_silent_agency_that_took_the_answer_in_is_asked_and_not_told_again(world, agency, now, impatient):
    answered_notice(world, agency, now)
    agency.fault("hang", path=SEND, seconds=1.3)

    jobs.send_answers(now)
    wait_for(lambda: agency.registered() == 1)
    second = jobs.send_answers(now + SOON)

    assert (second["registered"], second["never_received"]) == (1, 0)
    assert agency.registered() == 1


def test_an_expired_token_does_not_stop_an_answer(world, agency, now):
    for _ in range(2):
        answered_notice(world, agency, now)
    agency.fault("expired_token", path=SEND)

    assert jobs.send_answers(now)["registered"] == 2
    assert agency.registered() == 2


def test_an_answer_that_the_agency_recognises_is_registered_under_its_first_receipt(world, agency, now):
    answered = answered_notice(world, agency, now)
    jobs.send_answers(now)
    receipt = answered.answer.receipt_number
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Answer.organisation_id == world.organisation_id
        session.execute(update(Answer).where(mine).values(state=AnswerState.CONFIRMED, receipt_number=None))

    assert jobs.send_answers(now)["registered"] == 1
    assert answered.answer.receipt_number == receipt
    assert agency.registered() == 1


@pytest.mark.parametrize("lost", [False, True])
def test_a_notice_answered_elsewhere_is_told_as_refused(world, agency, now, lost):
    """Decision 2: the notice is open again, with the reason; nothing of ours is taken for registered."""
    answered = answered_notice(world, agency, now)
    with signed_in(agency.url) as caller:
        assert caller.post(SEND, json=designation(answered.number, "autrui")).ok
    if lost:
        agency.fault("reset", path=SEND)
        jobs.send_answers(now)

    counts = jobs.send_answers(now)

    assert (counts["refused"], counts["registered"]) == (1, 0)
    assert answered.refusal == sending.ANSWERED_ELSEWHERE
    assert not fleet.notice(world.organisation_id, answered.notice_id).is_answered


def test_two_senders_at_once_register_each_answer_once(app, world, agency, now):
    answered = [answered_notice(world, agency, now) for _ in range(8)]
    together = Barrier(3)

    def send() -> Counter:
        with app.app_context():
            together.wait(10)
            return sending.send_due(world.organisation_id, agency.client(), now)

    with ThreadPoolExecutor(3) as pool:
        counts = sum((one.result(30) for one in [pool.submit(send) for _ in range(3)]), Counter())

    assert counts["registered"] == 8
    assert standing(world.organisation_id) == [AnswerState.REGISTERED] * 8
    assert sorted(one["numeroAco"] for one in agency.answers()) == sorted(one.number for one in answered)
    assert all(one.facts().count(events.SENT) == 1 for one in answered)


def test_one_client_s_failure_does_not_hold_up_another(world, other_world, agency, now, caplog):
    broken, sound = answered_notice(world, agency, now), answered_notice(other_world, agency, now)
    key_store().destroy_organisation(world.organisation_id)

    counts = jobs.send_answers(now)

    assert (counts["failed"], counts["registered"]) == (1, 1)
    assert (broken.answer.state, sound.answer.state) == (AnswerState.CONFIRMED, AnswerState.REGISTERED)
    assert "step failed" in caplog.text


def test_an_answer_confirmed_before_the_contract_s_end_is_still_sent(world, agency, now):
    """C3.4, decision 9: its receipt is stored although nobody may see it any more."""
    answered = answered_notice(world, agency, now)
    clients.end_contract(organisation_id=world.organisation_id, on=now.date() + timedelta(days=1), as_of=now)
    after_the_end = now + timedelta(days=3)

    assert worlds.actor(world.admin, after_the_end) is None
    assert jobs.send_answers(after_the_end)["registered"] == 1
    assert answered.answer.receipt_number


def test_an_abandoned_claim_is_left_alone_until_its_lease_is_over(world, agency, now):
    answered = answered_notice(world, agency, now)
    transmission.claim_next(world.organisation_id, now)

    before = jobs.send_answers(now + LEASE - SECOND)
    after = jobs.send_answers(now + LEASE)

    assert before == Counter()
    assert (after["abandoned"], after["never_received"], after["registered"]) == (1, 1, 1)
    assert answered.answer.state == AnswerState.REGISTERED


def test_in_a_long_batch_each_lease_counts_from_its_own_sending(world, agency, now, monkeypatch):
    """Otherwise another sender would take over what is being sent at this very moment."""
    for _ in range(3):
        answered_notice(world, agency, now)
    ticks = count(step=60)
    monkeypatch.setattr(sending, "monotonic", lambda: next(ticks))
    leases = []
    claim_next = transmission.claim_next

    def watched(organisation_id, as_of):
        outgoing = claim_next(organisation_id, as_of)
        if outgoing is not None:
            with tenant_session(organisation_id) as session:
                query = select(Answer.leased_until).where(
                    Answer.organisation_id == organisation_id, Answer.id == outgoing.answer_id
                )
                leases.append(session.scalar(query))
        return outgoing

    monkeypatch.setattr(transmission, "claim_next", watched)
    jobs.send_answers(now)

    # A minute passes at each look at the clock: the third claim comes minutes after the first.
    assert [two - one >= timedelta(minutes=1) for one, two in zip(leases, leases[1:], strict=False)] == [True, True]


def test_a_sender_that_reports_too_late_changes_nothing(world, agency, now):
    """Its lease ran out, another sender settled the answer: whatever it says then is ignored."""
    answered = answered_notice(world, agency, now)
    late = transmission.claim_next(world.organisation_id, now)
    jobs.send_answers(now + LEASE)
    settled = answered.answer
    key = {"organisation_id": world.organisation_id, "answer_id": late.answer_id, "as_of": now + MUCH_LATER}

    transmission.registered(**key, receipt_number="AUTRE", receipt_at=now)
    transmission.refused(**key, reason="Trop tard.")
    for report in (transmission.not_delivered, transmission.outcome_unknown):
        report(**key)
    for report in (transmission.never_received, transmission.still_unknown):
        report(**key)

    after = answered.answer
    assert settled.state == AnswerState.REGISTERED
    assert (after.state, after.receipt_number, after.settled_at) == (
        settled.state,
        settled.receipt_number,
        settled.settled_at,
    )
    assert fleet.notice(world.organisation_id, answered.notice_id).is_answered
