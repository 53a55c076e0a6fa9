"""The retention sweep: destroys what nobody may see any more, and nothing else (C4.3-f, C9-f, decision 5)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from eprunes.antai.client import AgencyClient
from eprunes.antai.sending import send_due
from eprunes.clock_process import JOBS
from eprunes.core import files
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import KeyStore, key_store
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.jobs import FAILED, JobDay, run_if_due
from eprunes.fines import transmission
from eprunes.fines.answering import AnswerState, ImpossibilityReason, NoticeState
from eprunes.fines.models import Answer
from eprunes.fines.notice_details import KEY_PURPOSE, open_notices
from eprunes.fines.services import designating
from eprunes.fleet import driver_details
from eprunes.privacy import jobs
from tests.fines.test_windows import ARCHIVES, at, set_state, who_sees
from tests.support import fleet, tables, worlds
from tests.support.beside import keep_beside
from tests.support.worlds import AS_OF

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
# An offence of 27 February 2026: destroyed from this instant on.
END = datetime(2027, 2, 27, 23, 0, tzinfo=UTC)


def answer(world, notice_id, as_of: datetime = AS_OF) -> None:
    designating.report_impossibility(
        worlds.actor(world.admin),
        notice_id,
        reason=ImpossibilityReason.THEFT,
        comment="Volé la veille.",
        proofs=[designating.Proof("Récépissé", "2026-17", date(2026, 3, 1))],
        as_of=as_of,
    )


def register(world, as_of: datetime = AS_OF) -> None:
    """The agency registers the next answer."""
    outgoing = transmission.claim_next(world.organisation_id, as_of)
    transmission.registered(
        world.organisation_id, outgoing.answer_id, receipt_number="ENR-1", receipt_at=as_of, as_of=as_of
    )


def cut_off(*_) -> None:
    raise ConnectionError("the key store is out of reach")


def notice_keys(world) -> set:
    return key_store().keys_created_before(world.organisation_id, KEY_PURPOSE, END + 400 * DAY)


@pytest.mark.parametrize("state", [NoticeState.TO_ANSWER, NoticeState.ANSWERED, NoticeState.REFUSED, NoticeState.FILED])
@pytest.mark.parametrize(("offence", "postcode", "posted", "end"), ARCHIVES)
def test_a_notice_is_destroyed_when_its_archive_ends_and_not_before(world, offence, postcode, posted, end, state):
    """C4.3-f, decision 4."""
    notice_id = fleet.receive_notice(
        world.organisation_id, posted_at=at(posted), dateHeureInfraction=offence, codePostal=postcode
    )
    set_state(world.organisation_id, notice_id, state)

    before = jobs.retention_sweep(at(end) - SECOND)
    kept = fleet.notice_ids(world.organisation_id)
    after = jobs.retention_sweep(at(end))

    assert (before["destroyed"], kept) == (0, [notice_id])
    assert (after["destroyed"], fleet.notice_ids(world.organisation_id)) == (1, [])
    assert notice_keys(world) == set()


@pytest.mark.parametrize(
    ("state", "end"),
    [(NoticeState.TO_ANSWER, "2026-02-19T23:00"), (NoticeState.ANSWERED, "2026-01-10T23:00")],
)
def test_without_an_answer_a_notice_stays_for_the_later_of_its_two_windows(world, state, end):
    """Decision 5: offence of 10 January 2025, posted on 5 January 2026."""
    notice_id = fleet.receive_notice(
        world.organisation_id, posted_at=at("2026-01-05T09:00"), dateHeureInfraction="2025-01-10T10:00:00"
    )
    set_state(world.organisation_id, notice_id, state)

    assert jobs.retention_sweep(at(end) - SECOND)["destroyed"] == 0
    assert jobs.retention_sweep(at(end))["destroyed"] == 1


@pytest.mark.parametrize("state", [AnswerState.CONFIRMED, AnswerState.SENDING, AnswerState.UNKNOWN])
def test_an_answer_on_its_way_holds_up_the_destruction_and_raises_an_alarm(world, state, caplog):
    """Decision 5: never while an answer is queued, sending or of unknown outcome."""
    notice_id = fleet.receive_notice(world.organisation_id)
    answer(world, notice_id)
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Answer.organisation_id == world.organisation_id
        session.execute(update(Answer).where(mine).values(state=state, leased_until=END + DAY))

    early, late = jobs.retention_sweep(END - SECOND), jobs.retention_sweep(END)

    assert (early["blocked"], late["blocked"], late["destroyed"]) == (0, 1, 0)
    assert "answer on its way" in caplog.text
    assert fleet.notice_ids(world.organisation_id) == [notice_id]
    assert len(notice_keys(world)) == 1
    assert who_sees(world, notice_id, END) == set()


@pytest.mark.parametrize("outcome", ["registered", "refused"])
def test_once_its_answer_is_settled_the_notice_is_destroyed(world, outcome):
    """Decision 5."""
    answer(world, fleet.receive_notice(world.organisation_id))
    assert jobs.retention_sweep(END)["destroyed"] == 0
    outgoing = transmission.claim_next(world.organisation_id, END)

    if outcome == "registered":
        register_it = {"receipt_number": "ENR-1", "receipt_at": END}
        transmission.registered(world.organisation_id, outgoing.answer_id, **register_it, as_of=END)
    else:
        transmission.refused(world.organisation_id, outgoing.answer_id, reason="Trop tard.", as_of=END)

    counts = jobs.retention_sweep(END)
    assert (counts["destroyed"], counts["blocked"]) == (1, 0)


def test_with_a_notice_go_its_answers_its_thread_and_what_was_sent_and_nothing_else(world, other_world):
    """C4.3-f, C9-f: rows in every table, then the key that would open a copy of them."""
    due = fleet.receive_notice(world.organisation_id)
    kept = fleet.receive_notice(world.organisation_id, dateHeureInfraction="2026-02-28T10:12:00")
    theirs = fleet.receive_notice(other_world.organisation_id, dateHeureInfraction="2026-02-28T10:12:00")
    for one, notice_id in ((world, due), (world, kept), (other_world, theirs)):
        answer(one, notice_id)
        send_due(one.organisation_id, AgencyClient("http://127.0.0.1:9", "", ""), AS_OF)
        register(one, AS_OF + DAY)
    before = tables.tenant_counts(world.organisation_id)
    others_before = tables.tenant_values(other_world.organisation_id)

    counts = jobs.retention_sweep(END)

    after = tables.tenant_counts(world.organisation_id)
    names = ("notices", "answers", "transmissions", "notice_events", "destroyed_notices")
    assert (counts["destroyed"], counts["orphan_keys"]) == (1, 0)
    assert {name: before[name] for name in names} == dict(zip(names, (2, 2, 2, 8, 0), strict=True))
    assert {name: after[name] for name in names} == dict(zip(names, (1, 1, 1, 4, 1), strict=True))
    assert fleet.notice_ids(world.organisation_id) == [kept]
    assert notice_keys(world) == {fleet.notice(world.organisation_id, kept).key_id}
    assert open_notices(key_store(), fleet.notices(world.organisation_id))[kept].plate == "AB123CD"
    assert tables.tenant_values(other_world.organisation_id) == others_before


def test_with_a_notice_go_its_notes_files_and_requests_and_no_count(world):
    """C4.3-f, C9-f: counts name nobody and stay; the file's own key goes with it."""
    own = world.organisation_id
    due, kept = fleet.receive_notice(own), fleet.receive_notice(own, dateHeureInfraction="2026-02-28T10:12:00")
    keep_beside(own, due)
    file_keys = key_store().keys_created_before(own, files.KEY_PURPOSE, END)
    keep_beside(own, kept, "Autre")

    jobs.retention_sweep(END)

    after = tables.tenant_counts(own)
    names = ("notices", "notice_notes", "notice_files", "stored_files", "driver_requests", "notice_counts")
    assert {name: after[name] for name in names} == dict(zip(names, (1, 1, 1, 1, 1, 3), strict=True))
    left = key_store().keys_created_before(own, files.KEY_PURPOSE, END)
    assert (len(file_keys), len(left), file_keys & left) == (1, 1, set())


def test_sweeping_again_changes_nothing(world):
    for offence in ("2026-02-27T10:12:00", "2026-02-28T10:12:00"):
        fleet.receive_notice(world.organisation_id, dateHeureInfraction=offence)
    jobs.retention_sweep(END)
    before, keys = tables.tenant_values(world.organisation_id), notice_keys(world)

    again = jobs.retention_sweep(END + SECOND)

    assert [again[name] for name in ("expired", "destroyed", "orphan_keys", "blocked")] == [0, 0, 0, 0]
    assert (tables.tenant_values(world.organisation_id), notice_keys(world)) == (before, keys)


def test_a_notice_without_an_answer_is_told_expired_once_its_45_days_are_over(world):
    """C4.3-d, C4.3-f: its thread says so, and its administrator may still answer."""
    notice_id = fleet.receive_notice(world.organisation_id)
    over = at("2026-04-17T22:00")

    before, after, again = (jobs.retention_sweep(instant) for instant in (over - SECOND, over, over + SECOND))

    assert [one["expired"] for one in (before, after, again)] == [0, 1, 0]
    assert fleet.notice(world.organisation_id, notice_id).state == NoticeState.EXPIRED
    designating.report_impossibility(
        worlds.actor(world.admin),
        notice_id,
        reason=ImpossibilityReason.FORCE_MAJEURE,
        comment="Le courrier vient d’arriver.",
        proofs=[],
        as_of=over,
    )
    assert fleet.notice(world.organisation_id, notice_id).is_answered


@pytest.mark.parametrize("state", [NoticeState.ANSWERED, NoticeState.REFUSED, NoticeState.FILED])
def test_an_answered_refused_or_classified_notice_does_not_expire(world, state):
    notice_id = fleet.receive_notice(world.organisation_id)
    set_state(world.organisation_id, notice_id, state)

    assert jobs.retention_sweep(at("2026-04-17T22:00"))["expired"] == 0


def test_the_sweep_leaves_a_trace_that_names_nobody(world):
    """C9-i."""
    fleet.receive_notice(world.organisation_id)
    jobs.retention_sweep(END)

    with tenant_session(world.organisation_id) as session:
        query = select(AuditEntry).where(
            AuditEntry.organisation_id == world.organisation_id, AuditEntry.action == "avis.detruits"
        )
        [entry] = session.scalars(query)
    assert (entry.details, entry.at, entry.actor_kind) == ({"nombre": 1}, END, "systeme")


def test_many_due_notices_are_destroyed_batch_by_batch(world, monkeypatch):
    monkeypatch.setattr("eprunes.privacy.sweeping.BATCH", 2)
    for day in (*range(20, 25), 28):
        fleet.receive_notice(world.organisation_id, dateHeureInfraction=f"2026-02-{day}T10:12:00")

    assert jobs.retention_sweep(END)["destroyed"] == 5
    assert len(fleet.notices(world.organisation_id)) == len(notice_keys(world)) == 1


def test_cut_off_between_the_rows_and_their_keys_the_keys_are_destroyed_by_the_next_sweep(world, monkeypatch, caplog):
    """C9-f."""
    fleet.receive_notice(world.organisation_id)
    [key_id] = notice_keys(world)
    with monkeypatch.context() as cut:
        cut.setattr(KeyStore, "destroy_keys", cut_off)
        first = jobs.retention_sweep(END)
    left = notice_keys(world)

    second = jobs.retention_sweep(END)

    assert first[FAILED] == 1
    assert (fleet.notices(world.organisation_id), left) == ([], {key_id})
    assert (second["orphan_keys"], notice_keys(world)) == (1, set())


def test_a_key_made_a_moment_ago_waits_for_its_row(world):
    """Whoever is storing a notice right now makes its key first."""
    key_store().create_keys(world.organisation_id, KEY_PURPOSE, AS_OF)

    early = jobs.retention_sweep(AS_OF + DAY)
    late = jobs.retention_sweep(AS_OF + DAY + SECOND)

    assert (early["orphan_keys"], late["orphan_keys"]) == (0, 1)


def test_the_key_of_a_driver_of_the_fleet_is_never_an_orphan(world):
    """C9-f: the fleet's data stay for the whole contract."""
    fleet.add_driver(world.organisation_id)

    jobs.retention_sweep(END + 400 * DAY)

    assert len(key_store().all_keys(world.organisation_id, driver_details.KEY_PURPOSE)) == 1


def test_one_client_s_failure_does_not_hold_up_another_s_sweep(world, other_world, monkeypatch, caplog):
    for one in (world, other_world):
        fleet.receive_notice(one.organisation_id)
    destroy = KeyStore.destroy_keys
    monkeypatch.setattr(
        KeyStore,
        "destroy_keys",
        lambda store, owner, ids: (cut_off if owner == world.organisation_id else destroy)(store, owner, ids),
    )

    counts = jobs.retention_sweep(END)

    assert (counts[FAILED], counts["destroyed"]) == (1, 1)
    assert notice_keys(other_world) == set()


def test_after_three_days_down_the_nightly_sweep_catches_up_in_one_run(world):
    """Its effects come from the data: what three nights would have done is done at once, and only once."""
    job = JOBS["retention-sweep"]
    for day in (24, 25, 26, 27):
        fleet.receive_notice(world.organisation_id, dateHeureInfraction=f"2026-02-{day}T10:12:00")
    noon = datetime(2027, 2, 25, 11, 0, tzinfo=UTC)

    runs = [run_if_due(job, noon + after) for after in (timedelta(0), SECOND, 3 * DAY, 3 * DAY + SECOND)]

    assert [one and one["destroyed"] for one in runs] == [1, None, 3, None]
    with platform_session("tests") as session:
        ledger = session.execute(select(JobDay.day, JobDay.attempts).order_by(JobDay.day)).all()
    assert ledger == [(date(2027, 2, 25), 1), (date(2027, 2, 28), 1)]
