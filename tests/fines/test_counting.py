"""The counters: what came in and what became of it, in step with the notices, and there after them (C4.3-f, C9-b)."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from eprunes.core.calendar import paris_day
from eprunes.core.database import tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import counting, events, transmission
from eprunes.fines.answering import AnswerState, FilingReason, ImpossibilityReason
from eprunes.fines.models import Notice, NoticeCount, NoticeKind
from eprunes.fines.queries import answers_of, thread_of
from eprunes.fines.receiving import receive
from eprunes.fines.services import designating, filing
from eprunes.fleet.models import DriverKind
from eprunes.privacy import jobs, sweeping
from tests.fines.test_receiving import incoming, kinds_of
from tests.support import fleet
from tests.support.desk import DUMAS
from tests.support.worlds import AS_OF, actor

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLOSED = datetime(2026, 4, 17, 22, 0, tzinfo=UTC)
"""The instant at which the window of a notice posted at AS_OF closes."""
MARCH = counting.Cell(date(2026, 3, 1), "", "25387")


def counted(world) -> dict[counting.Cell, dict[str, int]]:
    """What the table holds, without the numbers that are zero."""
    with tenant_session(world.organisation_id) as session:
        rows = session.scalars(select(NoticeCount).where(NoticeCount.organisation_id == world.organisation_id)).all()
    numbers = {counting.Cell(one.month, one.site, one.natinf): one for one in rows}
    found = {cell: {name: getattr(one, name) for name in counting.NUMBERS} for cell, one in numbers.items()}
    return {cell: _not_zero(numbers) for cell, numbers in found.items() if any(numbers.values())}


def recounted(world) -> dict[counting.Cell, dict[str, int]]:
    """What the notices that are there say, counted anew, each from its answers and its thread."""
    found: dict[counting.Cell, Counter] = {}
    with tenant_session(world.organisation_id) as session:
        for notice in session.scalars(select(Notice).where(Notice.organisation_id == world.organisation_id)):
            cell = counting.Cell(notice.posted_on.replace(day=1), notice.counted_site, notice.natinf)
            found.setdefault(cell, Counter()).update(received=1, **outcome(session, notice))
    return {cell: _not_zero(numbers) for cell, numbers in found.items()}


def outcome(session, notice: Notice) -> dict[str, int]:
    given_ones = session.scalars(answers_of(notice.organisation_id, notice.id)).all()
    for answer in given_ones:
        if answer.state == AnswerState.TO_POST:
            return {}
        if answer.state != AnswerState.REFUSED:
            day = paris_day(answer.confirmed_at)
            what = "designated" if answer.kind == "designation" else "impossible"
            return {what: 1, "in_time": int(day <= notice.deadline_on), "answer_days": (day - notice.posted_on).days}
    thread = [one.kind for one in session.scalars(thread_of(notice.organisation_id, notice.id))]
    ends = [kind for kind in thread if kind in (events.REFUSED, events.EXPIRED)]
    is_missed = notice.state in ("expiree", "refusee") and ends[-1:] == [events.EXPIRED]
    return {"filed": int(notice.state == "classee"), "missed": int(is_missed)}


def _not_zero(numbers) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number}


def designate(boss, notice_id, as_of=AS_OF) -> None:
    declared = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": DUMAS, "keep_in_fleet": False}
    designating.designate(boss, notice_id, **declared, as_of=as_of)


def report(boss, notice_id, as_of=AS_OF) -> None:
    stated = {"reason": ImpossibilityReason.FORCE_MAJEURE, "comment": "Réquisition.", "proofs": []}
    designating.report_impossibility(boss, notice_id, **stated, as_of=as_of)


def settle(world, as_of, *, refused: bool) -> None:
    """The agency answers to the next answer that waits."""
    outgoing = transmission.claim_next(world.organisation_id, as_of)
    if outgoing is None:
        return
    if refused:
        transmission.refused(world.organisation_id, outgoing.answer_id, reason="Non.", as_of=as_of)
    else:
        receipt = {"receipt_number": "ENR-1", "receipt_at": as_of}
        transmission.registered(world.organisation_id, outgoing.answer_id, **receipt, as_of=as_of)


def test_a_notice_is_counted_once_however_often_it_is_fetched(world, other_world):
    """C4.3-a: by month of posting in Paris, and offence."""
    records = [fleet.offence_record("AB123CD", codeNatinf=natinf) for natinf in ("25387", "25387", "210")]
    batch = [incoming(one) for one in (*records, records[0])]
    posted = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)

    receive(world.organisation_id, batch, posted)
    receive(world.organisation_id, batch, posted + DAY)

    april = date(2026, 4, 1)
    cells = {natinf: counting.Cell(april, "", natinf) for natinf in ("25387", "210")}
    assert counted(world) == {cells["25387"]: {"received": 2}, cells["210"]: {"received": 1}}
    assert counted(other_world) == {}


def test_an_answer_counts_with_its_days_and_in_time_up_to_the_last_day(world):
    """C4.3-c, C4.3-d: posted on 3 March, so that 17 April is the last day."""
    for answer, at in ((designate, CLOSED - HOUR), (report, CLOSED)):
        answer(actor(world.admin), fleet.receive_notice(world.organisation_id), at)

    assert counted(world) == {
        MARCH: {"received": 2, "designated": 1, "impossible": 1, "in_time": 1, "answer_days": 45 + 46}
    }


def test_a_refused_answer_counts_no_more_and_the_next_one_does_not_count_twice(world):
    notice_id = fleet.receive_notice(world.organisation_id)
    designate(actor(world.admin), notice_id)
    settle(world, AS_OF + HOUR, refused=True)
    after_refusal = counted(world)

    report(actor(world.admin), notice_id, AS_OF + 3 * DAY)

    assert after_refusal == {MARCH: {"received": 1}}
    assert counted(world) == {MARCH: {"received": 1, "impossible": 1, "in_time": 1, "answer_days": 3}}


def test_a_notice_filed_and_taken_back_counts_as_what_it_is(world):
    notice_id, boss = fleet.receive_notice(world.organisation_id), actor(world.fines)
    filing.file_notice(boss, notice_id, reason=FilingReason.PAID, as_of=AS_OF)
    filed = counted(world)
    filing.reopen_notice(boss, notice_id, as_of=AS_OF + HOUR)

    assert (filed, counted(world)) == ({MARCH: {"received": 1, "filed": 1}}, {MARCH: {"received": 1}})


@pytest.mark.parametrize("was_refused", [False, True])
def test_a_notice_without_an_answer_that_stands_is_missed_once_its_window_closed_until_it_is_answered(
    world, was_refused
):
    """C4.3-d: one whose answer was refused stays among the refused, and its thread says once that the delay is over."""
    notice_id = fleet.receive_notice(world.organisation_id)
    if was_refused:
        designate(actor(world.admin), notice_id)
        settle(world, AS_OF + HOUR, refused=True)
    seen = []
    for instant in (CLOSED - HOUR, CLOSED, CLOSED + DAY):
        jobs.retention_sweep(instant)
        seen.append(counted(world)[MARCH].get("missed", 0))
    notice = fleet.notice(world.organisation_id, notice_id)

    designate(actor(world.admin), notice_id, CLOSED + 2 * DAY)

    assert (seen, notice.state) == ([0, 1, 1], "refusee" if was_refused else "expiree")
    assert kinds_of(notice).count(events.EXPIRED) == 1
    assert counted(world) == {MARCH: {"received": 1, "designated": 1, "answer_days": 48}}


def test_a_parking_fee_is_received_and_never_missed(world):
    notice_id = fleet.receive_notice(world.organisation_id)
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        notice = session.scalars(select(Notice).where(*mine)).one()
        with counting.follow(session, [notice]):
            notice.kind = NoticeKind.PARKING_FEE

    jobs.retention_sweep(CLOSED)

    assert counted(world) == {MARCH._replace(natinf=counting.PARKING_FEE): {"received": 1}}


def test_the_counters_outlive_the_notices(world):
    """C4.3-f: destroyed, they are counted as before."""
    designate(actor(world.admin), fleet.receive_notice(world.organisation_id))
    fleet.receive_notice(world.organisation_id)
    settle(world, AS_OF + HOUR, refused=False)
    jobs.retention_sweep(CLOSED)
    before = counted(world)

    jobs.retention_sweep(datetime(2027, 2, 27, 23, 0, tzinfo=UTC))

    assert fleet.notice_ids(world.organisation_id) == []
    assert counted(world) == before == {MARCH: {"received": 2, "designated": 1, "in_time": 1, "missed": 1}}


@pytest.mark.parametrize(
    ("drivers", "site"), [(counting.FEWEST_DRIVERS - 1, ""), (counting.FEWEST_DRIVERS, "Rungis")], ids=["four", "five"]
)
def test_a_site_is_named_from_five_drivers_on(world, drivers, site):
    """C9-b: those who hold one of its vehicles, or have held one in the last twelve months, each once."""
    own = world.organisation_id
    cars = [fleet.add_vehicle(own, plate) for plate in ("AB123CD", "AB124CD", "AB125CD")]
    for car in cars[:2]:
        fleet.change_vehicle(own, car, site="Rungis")
    people = [fleet.add_driver(own) for _ in range(drivers)]
    for place, driver in enumerate(people):
        fleet.assign(own, cars[0], driver, AS_OF - (place + 2) * DAY, AS_OF - (place + 1) * DAY)
    fleet.assign(own, cars[1], people[0], AS_OF - 9 * DAY)
    year_ago = datetime(2025, 3, 2, 23, 0, tzinfo=UTC)
    fleet.assign(own, cars[0], fleet.add_driver(own), year_ago - DAY, year_ago)
    fleet.assign(own, cars[0], fleet.add_driver(own), AS_OF + DAY)
    fleet.assign(own, cars[2], fleet.add_driver(own))

    notice_id = fleet.receive_notice(own, vehicle_id=cars[0])

    assert fleet.notice(own, notice_id).counted_site == site
    assert counted(world) == {MARCH._replace(site=site): {"received": 1}}


ACTS = ("receive", "receive", "change", "designate", "report", "refuse", "register", "file", "reopen", "sweep")
HOURS = (1, 1, 20 * 24, 46 * 24)


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.sampled_from(HOURS)), min_size=3, max_size=14))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_counters_are_what_a_recount_gives(world, acts):
    """C4.3-c to C4.3-f: in any order and at any hour; what was refused to the person changes nothing."""
    boss, as_of, notices = actor(world.admin), AS_OF, []
    for act, place, hours in acts:
        as_of = min(as_of + timedelta(hours=hours), AS_OF + 330 * DAY)
        with suppress(Refused, NotVisible):
            happen(world, boss, act, place, notices, as_of)
    assert counted(world) == recounted(world)


def happen(world, boss, act: str, place: int, notices: list, as_of: datetime) -> None:
    if act == "receive":
        record = fleet.offence_record("AB123CD", codeNatinf=("25387", "210")[place % 2])
        before = set(fleet.notice_ids(world.organisation_id))
        receive(world.organisation_id, [incoming(record)], as_of)
        notices += [(record, one) for one in set(fleet.notice_ids(world.organisation_id)) - before]
    elif act == "sweep":
        sweeping.sweep(world.organisation_id, as_of)
    elif act in ("refuse", "register"):
        settle(world, as_of, refused=act == "refuse")
    elif notices:
        happen_to(world, boss, act, *notices[place % len(notices)], as_of)


def happen_to(world, boss, act: str, record: dict, notice_id, as_of: datetime) -> None:
    if act == "change":
        record["codeNatinf"] = {"25387": "210", "210": "203", "203": "25387"}[record["codeNatinf"]]
        receive(world.organisation_id, [incoming(dict(record))], as_of)
    elif act == "designate":
        designate(boss, notice_id, as_of)
    elif act == "report":
        report(boss, notice_id, as_of)
    elif act == "file":
        filing.file_notice(boss, notice_id, reason=FilingReason.PAID, as_of=as_of)
    else:
        filing.reopen_notice(boss, notice_id, as_of=as_of)
