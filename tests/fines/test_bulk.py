"""Bulk designations: what is ready and what is not, declared once, only as agreed, for those who may (C4.3-c)."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from eprunes.accounts.models import User
from eprunes.accounts.permissions import Actor
from eprunes.core import work
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.work import WorkState
from eprunes.fines import catalogue, events, transmission
from eprunes.fines.answering import FilingReason, NoticeState
from eprunes.fines.asking.driver_requests import denied_by
from eprunes.fines.bulk import lines, readiness, selection, steps, tasks
from eprunes.fines.bulk.checking import GONE, MOVED
from eprunes.fines.bulk.selection import Selection
from eprunes.fines.models import Answer, DriverRequest, Notice, NoticeEvent, Reply
from eprunes.fines.notice_details import open_snapshot
from eprunes.fines.queries import is_ready as is_in_ready_view
from eprunes.fines.services import designating, filing
from eprunes.fleet.driver_details import to_json
from eprunes.fleet.models import Driver, DriverKind
from eprunes.fleet.services import drivers
from eprunes.long_work import run_long_work
from eprunes.privacy import sweeping
from tests.support import fleet
from tests.support.worlds import AS_OF, World, actor

MARIN = replace(fleet.NOEL, last_name="Marin", first_name="Inès", licence_number="120692106991")
TEN_DAYS = timedelta(days=10)


@dataclass
class Desk:
    """Three vehicles held since 2025 (Quatremare, Marin, somebody without a licence), a notice each; who answers."""

    world: World
    actor: Actor
    notices: list[UUID]
    drivers: list[UUID]

    def ask(self, ids=None, *, by: Actor | None = None) -> UUID:
        ids = tuple(self.notices if ids is None else ids)
        chosen = Selection(ids, None, len(ids))
        return tasks.start_bulk(actor=by or self.actor, selection=chosen, as_of=AS_OF)

    def checked(self, ids=None, *, by: Actor | None = None, as_of=AS_OF) -> tasks.Bulk:
        bulk_id = self.ask(ids, by=by)
        run_long_work(as_of)
        return self.found(bulk_id, by)

    def agreed(self, task: tasks.Bulk, *, by: Actor | None = None, as_of=AS_OF) -> tasks.Bulk:
        tasks.confirm_bulk(actor=by or self.actor, bulk_id=task.id, as_of=as_of)
        run_long_work(as_of)
        return self.found(task.id, by)

    def found(self, bulk_id: UUID, by: Actor | None = None) -> tasks.Bulk | None:
        with tenant_session(self.world.organisation_id) as session:
            return tasks.find_bulk(session, by or self.actor, bulk_id, AS_OF)

    def rows(self, model: type, *conditions) -> list:
        own = model.organisation_id == self.world.organisation_id
        with tenant_session(self.world.organisation_id) as session:
            return list(session.scalars(select(model).where(own, *conditions)))

    def change(self, model: type, row_id: UUID, **values) -> None:
        mine = model.organisation_id == self.world.organisation_id, model.id == row_id
        with tenant_session(self.world.organisation_id, write=True) as session:
            session.execute(update(model).where(*mine).values(**values))


@pytest.fixture
def desk(world) -> Desk:
    catalogue.load()
    own, notices, people = world.organisation_id, [], []
    for details in (fleet.NOEL, MARIN, replace(MARIN, last_name="Perrin", licence_number="")):
        plate = fleet.new_plate()
        vehicle = fleet.add_vehicle(own, plate)
        people.append(fleet.add_driver(own, details))
        fleet.assign(own, vehicle, people[-1])
        when = {"posted_at": AS_OF - TEN_DAYS, "dateHeureInfraction": "2026-02-19T10:12:00"}
        notices.append(fleet.receive_notice(own, vehicle_id=vehicle, plate=plate, **when))
    made = Desk(world, actor(world.fines), notices, people)
    made.change(Driver, people[-1], is_designable=False)
    return made


def ids(rows) -> list[UUID]:
    return [one.id for one in rows]


def reasons(rows) -> dict[UUID, str]:
    return {one.id: one.reason for one in rows}


def designate(desk: Desk, rank: int, by: Actor) -> None:
    told = {"driver_id": desk.drivers[rank], "kind": DriverKind.EMPLOYEE, "details": MARIN, "keep_in_fleet": False}
    designating.designate(by, desk.notices[rank], **told, because="Il conduisait.", as_of=AS_OF)


def write_file(desk: Desk, rank: int, **changes) -> None:
    """Another detail in a driver's file, as the fleet's page writes it."""
    boss, details = actor(desk.world.admin), replace((fleet.NOEL, MARIN)[rank], **changes)
    told = {"details": details, "staff_number": "", "kind": DriverKind.EMPLOYEE, "left_on": None}
    drivers.change_driver(actor=boss, driver_id=desk.drivers[rank], **told, as_of=AS_OF)


def test_the_ready_ones_are_declared_as_one_by_one_and_the_others_told(desk):
    """C4.3-c, C9-b: same answer, same thread, same journal as the single act; nothing before somebody agreed."""
    task = desk.checked()
    assert (ids(task.ready), ids(task.unready)) == (desk.notices[:2], desk.notices[2:])
    assert task.unready[0].reason == "La fiche du conducteur est incomplète\u00a0: il manque numéro de permis."
    assert desk.rows(Answer) == []
    result = desk.agreed(task)
    assert (result.state, ids(result.done)) == (WorkState.DONE, desk.notices[:2])
    assert reasons(result.not_done) == reasons(task.unready)
    [first, second] = sorted(desk.rows(Answer), key=lambda one: desk.notices.index(one.notice_id))
    key = key_store().keys(desk.world.organisation_id, [first.key_id])[first.key_id]
    declared = open_snapshot(key, first)
    assert (declared["conducteur"], declared["qualite"]) == (to_json(replace(fleet.NOEL, civility="M")), "prepose")
    assert (first.driver_id, second.driver_id, first.author_id) == (*desk.drivers[:2], desk.actor.user_id)
    journal = Counter((one.action, one.subject_id) for one in desk.rows(AuditEntry))
    assert [journal["avis.designation", one] for one in desk.notices] == [1, 1, 0]
    assert journal["avis.groupe_confirme", None] == 1
    thread = Counter(one.notice_id for one in desk.rows(NoticeEvent, NoticeEvent.kind == events.ANSWERED))
    assert [thread[one] for one in desk.notices] == [1, 1, 0]
    assert [one.is_answered for one in sorted(desk.rows(Notice), key=lambda one: desk.notices.index(one.id))] == [
        True, True, False,
    ]  # fmt: skip


def test_what_was_agreed_to_on_the_last_day_is_declared_though_the_machine_ran_two_days_later(desk):
    """C4.3-c, C4.3-e: an answer is given when a person confirms it, within the windows of that instant."""
    last = (AS_OF - timedelta(days=45)).date()
    for notice_id in desk.notices[:2]:
        desk.change(Notice, notice_id, posted_on=last, posted_at=AS_OF - timedelta(days=45), deadline_on=AS_OF.date())
    task = desk.checked()
    tasks.confirm_bulk(actor=desk.actor, bulk_id=task.id, as_of=AS_OF)
    sweeping.sweep(desk.world.organisation_id, AS_OF + timedelta(days=2))
    assert {one.state for one in desk.rows(Notice, Notice.id.in_(desk.notices[:2]))} == {NoticeState.EXPIRED}
    run_long_work(AS_OF + timedelta(days=2))
    result = desk.found(task.id)
    assert (result.state, ids(result.done)) == (WorkState.DONE, desk.notices[:2])
    assert {one.confirmed_at for one in desk.rows(Answer)} == {AS_OF}


def test_what_is_no_longer_what_was_agreed_to_is_left_and_told(desk):
    """Nothing is declared that nobody confirmed: each of the three grounds of a designation may move."""
    own = desk.world.organisation_id
    for told, move in (
        (MOVED.details, lambda: write_file(desk, 0, address_line="1 rue Neuve")),
        (MOVED.driver, lambda: desk.change(Driver, desk.drivers[0], kind=DriverKind.RENTER)),
        (MOVED.notice, lambda: desk.change(Notice, desk.notices[0], natinf="12345")),
    ):
        task = desk.checked()
        move()
        with tenant_session(own) as session:
            shown = lines.lines_to_agree_to(session, desk.actor, task.ready, AS_OF)
        assert [one.reason for one in shown] == [told, ""]
        result = desk.agreed(task)
        assert reasons(result.not_done)[desk.notices[0]] == told
        assert desk.notices[0] not in [one.notice_id for one in desk.rows(Answer)]
        refuse_all(desk)


def refuse_all(desk: Desk) -> None:
    """The second notice is to answer again, as if nobody had."""
    desk.change(Notice, desk.notices[1], state="a_traiter", is_answered=False)
    for one in desk.rows(Answer):
        desk.change(Answer, one.id, state="remplacee")


def test_a_notice_answered_by_somebody_else_meanwhile_keeps_that_answer(desk):
    """Two users at once: one wins, the other is told."""
    task, boss = desk.checked(), actor(desk.world.admin)
    designate(desk, 0, boss)
    with tenant_session(desk.world.organisation_id) as session:  # told whatever page of the list is shown
        assert lines.no_longer_ready(session, desk.actor, task.ready, [], AS_OF) == 1
    result = desk.agreed(task)
    assert (ids(result.done), reasons(result.not_done)[desk.notices[0]]) == ([desk.notices[1]], GONE)
    assert [one.author_id for one in desk.rows(Answer, Answer.notice_id == desk.notices[0])] == [boss.user_id]
    again = desk.checked(by=boss)
    assert reasons(again.unready)[desk.notices[0]] == readiness.ANSWERED


def test_who_gives_up_second_is_told_that_it_was_given_up(desk, monkeypatch):
    task, real = desk.checked(), work.cancel
    monkeypatch.setattr(work, "cancel", lambda *about: real(*about) and real(*about))  # somebody else comes first
    with pytest.raises(Refused, match="abandonnées entre-temps"):
        tasks.cancel_bulk(actor=desk.actor, bulk_id=task.id, as_of=AS_OF)


def test_a_window_that_closes_between_check_and_agreement_leaves_the_notice(desk):
    """C4.3-e: the last instant of the 45th day, and the next one."""
    closes = (AS_OF - TEN_DAYS + timedelta(days=45)).replace(hour=22, minute=0)  # 24:00 in Paris, in summer
    last, day_before = closes - timedelta(seconds=1), closes - timedelta(hours=20)
    for at, done in ((last, 1), (closes, 0)):
        bulk_id = tasks.start_bulk(
            actor=desk.actor, selection=Selection((desk.notices[done],), None, 1), as_of=day_before
        )  # fmt: skip
        run_long_work(day_before)
        tasks.confirm_bulk(actor=desk.actor, bulk_id=bulk_id, as_of=at)
        run_long_work(at)
        with tenant_session(desk.world.organisation_id) as session:
            result = tasks.find_bulk(session, desk.actor, bulk_id, at)
        assert (len(result.done), [one.reason for one in result.not_done]) == (done, [GONE] * (1 - done))


def test_a_notice_whose_answer_was_refused_is_left_to_its_page(desk):
    """Decision 2: open again, but not without a look, filed and reopened or not."""
    boss = actor(desk.world.admin)
    designate(desk, 0, boss)
    outgoing = transmission.claim_next(desk.world.organisation_id, AS_OF)
    transmission.refused(desk.world.organisation_id, outgoing.answer_id, reason="Illisible.", as_of=AS_OF)
    filing.file_notice(boss, desk.notices[0], reason=FilingReason.PAID, as_of=AS_OF)
    assert reasons(desk.checked().unready)[desk.notices[0]] == readiness.FILED
    filing.reopen_notice(boss, desk.notices[0], as_of=AS_OF)
    assert reasons(desk.checked().unready)[desk.notices[0]] == readiness.REFUSED


@pytest.mark.parametrize(("reply", "is_ready"), [(Reply.MINE, True), (Reply.NOT_MINE, False)])
def test_a_driver_who_says_that_it_was_not_them_is_not_designated_among_others(desk, reply, is_ready):
    """C4.3-c: neither counted among the ready ones nor taken in a bulk; another driver's word changes nothing."""
    first, second, _ = desk.notices
    [asked] = desk.rows(Notice, Notice.id == first)
    for notice_id, word in ((first, reply), (second, Reply.NOT_MINE)):
        link = {"driver_id": desk.drivers[0], "notice_id": notice_id, "token_hash": notice_id.bytes * 2}
        times = dict.fromkeys(("created_at", "expires_at", "answered_at"), AS_OF)
        own = {"organisation_id": desk.world.organisation_id, "key_id": asked.key_id}
        with tenant_session(desk.world.organisation_id, write=True) as session:
            session.add(DriverRequest(**own, **link, **times, reply=word))
    ready = {one.id for one in desk.rows(Notice, is_in_ready_view(AS_OF))}
    assert ready == ({first, second} if is_ready else {second})
    assert {one.id for one in desk.checked().ready} == ready
    assert is_ready or reasons(desk.checked().unready)[first] == readiness.DENIED
    with tenant_session(desk.world.organisation_id) as session:
        assert (denied_by(session, asked) == {desk.drivers[0]}) is not is_ready


def test_a_denial_stands_whatever_the_same_driver_says_besides(desk):
    """The page, the bulk and the count say the same."""
    first, *_ = desk.notices
    [asked] = desk.rows(Notice, Notice.id == first)
    own = {"organisation_id": desk.world.organisation_id, "key_id": asked.key_id, "notice_id": first}
    for rank, reply in enumerate((Reply.NOT_MINE, Reply.MINE)):
        times = dict.fromkeys(("created_at", "expires_at", "answered_at"), AS_OF + rank * timedelta(hours=1))
        link = {"driver_id": desk.drivers[0], "token_hash": bytes([rank]) * 32}
        with tenant_session(desk.world.organisation_id, write=True) as session:
            session.add(DriverRequest(**own, **link, **times, reply=reply))
    with tenant_session(desk.world.organisation_id) as session:
        assert denied_by(session, asked) == {desk.drivers[0]}
    assert reasons(desk.checked([first]).unready)[first] == readiness.DENIED
    assert first not in {one.id for one in desk.rows(Notice, is_in_ready_view(AS_OF))}


def test_whoever_lost_the_right_in_between_declares_nothing(desk):
    """C3.2-c: looked at again at the check and before each part."""
    task, waiting = desk.checked(), desk.ask()
    tasks.confirm_bulk(actor=desk.actor, bulk_id=task.id, as_of=AS_OF)
    desk.change(User, desk.actor.user_id, fines_right=False)
    run_long_work(AS_OF)
    boss = actor(desk.world.admin)
    assert {desk.found(one, boss).refusal for one in (task.id, waiting)} == {steps.NOT_ALLOWED}
    assert desk.rows(Answer) == []


def test_a_task_is_its_authors_and_the_administrators_and_shows_others_nothing(desk, other_world):
    """C4.3-e, decision 1: whoever answered keeps the numbers alone; the administrator reads what he may (C4.3-f)."""
    task = desk.agreed(desk.checked())
    colleague, boss = actor(desk.world.both), actor(desk.world.admin)
    assert desk.found(task.id, colleague) is None
    stranger = actor(other_world.admin)
    with tenant_session(other_world.organisation_id) as session:
        assert tasks.find_bulk(session, stranger, task.id, AS_OF) is None
    with tenant_session(desk.world.organisation_id) as session:
        assert tasks.recent_bulks(session, colleague, AS_OF) == []
        mine, theirs = (lines.lines_of(session, one, task.done, AS_OF) for one in (desk.actor, boss))
    assert [(one.row, len(one.named.number)) for one in mine] == [(None, 10)] * 2
    assert [one.row.driver.last_name for one in theirs] == ["Quatremare", "Marin"]
    with pytest.raises(Refused):
        tasks.cancel_bulk(actor=colleague, bulk_id=task.id, as_of=AS_OF)


def test_a_tasks_boxes_name_notices_by_number_alone(desk):
    """Retention: what a task keeps holds nothing of the offence, nor of a driver, that could outlive a window."""
    task = desk.checked()
    [row] = desk.rows(work.WorkTask)
    key = key_store().keys(row.organisation_id, [row.key_id])[row.key_id]
    boxes = [work.open_task(key, row.organisation_id, row.id, box) for box in (row.staged_box, row.result_box)]
    text = str(boxes)
    assert task.ready[0].number in text
    hidden = [fleet.NOEL.last_name, MARIN.licence_number, "Rungis", str(desk.drivers[0]), "2026"]
    assert [one for one in hidden if one in text] == []
    desk.agreed(task)
    [row] = desk.rows(work.WorkTask)
    assert row.staged_box is None


def test_notices_of_others_are_as_if_nobody_had_them(desk, other_world):
    stranger = fleet.receive_notice(other_world.organisation_id, posted_at=AS_OF)
    designate(desk, 1, actor(desk.world.admin))  # answered: the administrator's alone
    ticked = [f"{stranger},{desk.notices[0]}", str(desk.notices[1]), "x"]
    with tenant_session(desk.world.organisation_id) as session:
        chosen = selection.selected(session, desk.actor, ticked, None, AS_OF)
    assert (chosen.ids, chosen.found) == ((desk.notices[0],), 1)
    task = desk.agreed(desk.checked([stranger, *desk.notices[:2]]))
    assert (ids(task.done), task.not_done) == ([desk.notices[0]], ())


def test_everything_found_is_what_the_inbox_finds_when_it_is_checked(desk):
    with tenant_session(desk.world.organisation_id) as session:
        chosen = selection.selected(session, desk.actor, [], {"vue": "pretes"}, AS_OF)
    assert chosen.found == 2
    bulk_id = tasks.start_bulk(actor=desk.actor, selection=chosen, as_of=AS_OF)
    designate(desk, 1, actor(desk.world.admin))
    run_long_work(AS_OF)
    task = desk.found(bulk_id)
    assert (ids(task.ready), task.unready) == ([desk.notices[0]], ())


class Killed(BaseException):
    """As a kill: nothing of the program runs any more."""


def test_a_worker_killed_between_two_parts_is_replaced_and_nobody_is_designated_twice(desk, monkeypatch):
    monkeypatch.setattr(steps, "CHUNK", 1)
    task = desk.checked()
    tasks.confirm_bulk(actor=desk.actor, bulk_id=task.id, as_of=AS_OF)
    real, calls = work.advance, []

    def advance(*args, **keywords):
        calls.append(args)
        real(*args, **keywords)
        if len(calls) == 2:
            raise Killed

    monkeypatch.setattr(work, "advance", advance)
    with pytest.raises(Killed):
        run_long_work(AS_OF)
    assert [one.notice_id for one in desk.rows(Answer)] == desk.notices[:1]
    run_long_work(AS_OF + work.LEASE + timedelta(minutes=1))
    result = desk.found(task.id)
    assert (result.state, ids(result.done)) == (WorkState.DONE, desk.notices[:2])
    assert sorted(one.notice_id for one in desk.rows(Answer)) == sorted(desk.notices[:2])
    tasks.confirm_bulk(actor=desk.actor, bulk_id=task.id, as_of=AS_OF)  # a double click
    run_long_work(AS_OF)
    assert len(desk.rows(Answer)) == 2
