"""Bulk operations: what is ready and what is not, done once, traced like single acts, in one's own fleet only."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.core import work
from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.work import WorkState
from eprunes.fleet import task_authors
from eprunes.fleet.bulk import selection, steps, tasks
from eprunes.fleet.bulk.acts import Act, Change, End, Reassign
from eprunes.fleet.bulk.selection import Selection
from eprunes.fleet.models import Assignment, ExitReason, Vehicle
from eprunes.fleet.services import assignments, drivers, vehicles
from eprunes.fleet.vehicle_search import VehicleSearch
from eprunes.long_work import run_long_work
from tests.fleet.fleets import add_driver, add_vehicle, fill
from tests.support.worlds import AS_OF, World, actor, take_fleet_right

FEBRUARY, JUNE = datetime(2026, 2, 2, 7, tzinfo=UTC), datetime(2026, 6, 1, 6, tzinfo=UTC)
PLATES = ("AB-101-CD", "AB-102-CD", "AB-103-CD")


@dataclass
class Room:
    """A fleet of three vehicles and two drivers; the first vehicle is Dumas's since February."""

    world: World
    actor: Actor
    vehicles: list[UUID]
    dumas: UUID
    marin: UUID

    def assign(self, vehicle_id: UUID, driver_id: UUID, starts_at=FEBRUARY, ends_at=None) -> UUID:
        period = {"starts_at": starts_at, "ends_at": ends_at}
        return assignments.assign(
            actor=self.actor, vehicle_id=vehicle_id, driver_id=driver_id, **period, as_of=AS_OF
        )  # fmt: skip

    def ask(self, act: Act, ids=None, search=None) -> UUID:
        """Ask for an act on some vehicles, by default all of them."""
        ids = tuple(self.vehicles if ids is None else ids)
        chosen = Selection(ids, search, len(ids) or 1)
        return tasks.start_bulk(actor=self.actor, selection=chosen, act=act, as_of=AS_OF)

    def checked(self, act: Act, ids=None, search=None) -> tasks.Bulk:
        """What the check of an act says."""
        bulk_id = self.ask(act, ids, search)
        run_long_work(AS_OF)
        return self.found(bulk_id)

    def agreed(self, task: tasks.Bulk, as_of: datetime = AS_OF) -> tasks.Bulk:
        """What became of a checked act once it was agreed to."""
        tasks.confirm_bulk(actor=self.actor, bulk_id=task.id, as_of=as_of)
        run_long_work(as_of)
        return self.found(task.id)

    def found(self, bulk_id: UUID) -> tasks.Bulk:
        with tenant_session(self.world.organisation_id) as session:
            return tasks.find_bulk(session, self.actor, bulk_id, AS_OF)

    def held(self, vehicle_id: UUID) -> list[tuple]:
        """(driver, start, end) of every assignment of a vehicle, by start."""
        own = Assignment.organisation_id == self.world.organisation_id
        query = select(Assignment).where(own, Assignment.vehicle_id == vehicle_id).order_by(Assignment.starts_at)
        with tenant_session(self.world.organisation_id) as session:
            return [(row.driver_id, row.starts_at, row.ends_at) for row in session.scalars(query)]

    def vehicle(self, vehicle_id: UUID) -> Vehicle:
        own = Vehicle.organisation_id == self.world.organisation_id
        with tenant_session(self.world.organisation_id) as session:
            return session.scalars(select(Vehicle).where(own, Vehicle.id == vehicle_id)).one()

    def trace(self, vehicle_id: UUID) -> list[tuple]:
        """(action, details) of what was done on a vehicle, oldest first; the act of adding it left out."""
        own = AuditEntry.organisation_id == self.world.organisation_id
        query = select(AuditEntry).where(own, AuditEntry.subject_id == vehicle_id).order_by(AuditEntry.id)
        with tenant_session(self.world.organisation_id) as session:
            return [(entry.action, entry.details) for entry in session.scalars(query)][1:]


@pytest.fixture
def room(world) -> Room:
    ids = [add_vehicle(world, plate) for plate in PLATES]
    made = Room(world, actor(world.fleet), ids, add_driver(world), add_driver(world, "Marin", first_name="Inès"))
    made.assign(ids[0], made.dumas)
    return made


def reasons(rows) -> dict[str, str]:
    return {one.plate: one.reason for one in rows}


def plates(rows) -> list[str]:
    return [one.plate for one in rows]


# Reassigning


def test_a_selection_is_handed_to_one_driver_and_whoever_held_stops_then(room):
    """C4.2"""
    task = room.checked(Reassign(room.marin, AS_OF))
    assert (plates(task.ready), task.unready) == (list(PLATES), ())
    assert room.held(room.vehicles[0]) == [(room.dumas, FEBRUARY, None)]  # nothing before the agreement
    result = room.agreed(task)
    assert (result.state, plates(result.done), result.not_done) == (WorkState.DONE, list(PLATES), ())
    assert room.held(room.vehicles[0]) == [(room.dumas, FEBRUARY, AS_OF), (room.marin, AS_OF, None)]
    assert [room.held(one) for one in room.vehicles[1:]] == [[(room.marin, AS_OF, None)]] * 2


def test_a_selection_of_one_leaves_the_others_alone(room):
    room.agreed(room.checked(Reassign(room.marin, AS_OF), [room.vehicles[1]]))
    assert room.held(room.vehicles[1]) == [(room.marin, AS_OF, None)]
    assert room.held(room.vehicles[0]) == [(room.dumas, FEBRUARY, None)]
    assert room.held(room.vehicles[2]) == []


def test_what_is_not_ready_is_told_with_the_words_of_the_single_act(room):
    first, second, third = room.vehicles
    room.assign(second, room.marin)
    room.assign(third, room.dumas, JUNE, JUNE + timedelta(days=2))
    task = room.checked(Reassign(room.marin, AS_OF))
    assert plates(task.ready) == [PLATES[0]]
    for vehicle_id, plate in ((second, PLATES[1]), (third, PLATES[2])):
        one = {"vehicle_id": vehicle_id, "driver_id": room.marin, "at": AS_OF, "as_of": AS_OF}
        with pytest.raises(Refused) as refusal:
            assignments.hand_over(actor=room.actor, **one)
        assert reasons(task.unready)[plate] == str(refusal.value)
    assert reasons(task.unready)[PLATES[1]] == "Ce conducteur tient déjà ce véhicule à cet instant."
    assert "DUMAS Caroline du lun. 1 juin 2026" in reasons(task.unready)[PLATES[2]]
    assert "Supprimez ou corrigez d’abord" in reasons(task.unready)[PLATES[2]]


def test_a_vehicle_that_left_or_leaves_is_not_ready(room):
    first, second, third = room.vehicles
    leave = {"actor": room.actor, "reason": ExitReason.SOLD, "as_of": AS_OF}
    vehicles.leave_fleet(vehicle_id=first, at=AS_OF - timedelta(days=1), **leave)
    vehicles.leave_fleet(vehicle_id=second, at=JUNE, **leave)
    task = room.checked(Reassign(room.marin, AS_OF))
    assert plates(task.ready) == [PLATES[2]]
    assert "quitte le parc le lun. 2 mars 2026" in reasons(task.unready)[PLATES[0]]
    assert "indiquez une fin à cet instant au plus tard" in reasons(task.unready)[PLATES[1]]


def test_a_vehicle_not_entered_yet_is_not_ready_before_its_entry(room):
    soon = add_vehicle(room.world, "AB-104-CD", entered_at=JUNE)
    for at, is_ready in ((JUNE - timedelta(minutes=1), False), (JUNE, True)):
        assert bool(room.checked(Reassign(room.marin, at), [soon]).ready) is is_ready


def test_a_driver_who_left_the_company_gets_nothing(room):
    drivers.driver_left(actor=room.actor, driver_id=room.marin, on=AS_OF.date() - timedelta(days=2), as_of=AS_OF)
    task = room.checked(Reassign(room.marin, AS_OF))
    assert task.ready == ()
    assert all("a quitté l’entreprise" in reason for reason in reasons(task.unready).values())


def test_the_driver_then_holds_several_vehicles_and_that_is_said_once(room):
    assert room.checked(Reassign(room.marin, AS_OF), [room.vehicles[1]]).warnings == ()
    [told] = room.checked(Reassign(room.dumas, AS_OF), room.vehicles[1:]).warnings
    assert told == "DUMAS Caroline tiendra 3 véhicules à la fois, avec 1 autre déjà à son nom."


def test_an_incomplete_file_is_said_before_the_agreement(room):
    nobody = add_driver(room.world, "Perrin", licence_number="")
    [told] = room.checked(Reassign(nobody, AS_OF), [room.vehicles[1]]).warnings
    assert told.startswith("La fiche de PERRIN Caroline est incomplète")


# Ending, changing


def test_running_assignments_are_ended_at_an_instant(room):
    room.assign(room.vehicles[1], room.marin, FEBRUARY, AS_OF)
    task = room.checked(End(AS_OF))
    assert plates(task.ready) == [PLATES[0]]
    assert "prend déjà fin le mar. 3 mars 2026, 10:00" in reasons(task.unready)[PLATES[1]]
    assert reasons(task.unready)[PLATES[2]] == "Personne ne tient ce véhicule à cet instant."
    room.agreed(task)
    assert room.held(room.vehicles[0]) == [(room.dumas, FEBRUARY, AS_OF)]


def test_an_assignment_cannot_end_when_it_starts(room):
    [refused] = room.checked(End(FEBRUARY), [room.vehicles[0]]).unready
    assert refused.reason == "Cette attribution commence le lun. 2 févr. 2026, 08:00."
    assert room.checked(End(FEBRUARY + timedelta(minutes=1)), [room.vehicles[0]]).ready != ()


def test_site_and_cost_centre_are_written_and_cleared(room):
    room.agreed(room.checked(Change({"site": "Nantes", "cost_centre": "C-12"})))
    assert {(room.vehicle(one).site, room.vehicle(one).cost_centre) for one in room.vehicles} == {("Nantes", "C-12")}
    task = room.agreed(room.checked(Change({"cost_centre": ""}), room.vehicles[:2]))
    assert len(task.done) == 2
    assert [room.vehicle(one).cost_centre for one in room.vehicles] == ["", "", "C-12"]
    again = room.checked(Change({"cost_centre": ""}))
    assert (plates(again.ready), plates(again.unready)) == ([PLATES[2]], list(PLATES[:2]))
    assert reasons(again.unready)[PLATES[0]] == "Ce véhicule est déjà ainsi."


# The trace


def test_each_vehicle_keeps_the_trace_of_single_acts(room):
    """C11: who, when, before, after; as the single acts leave it."""
    first, second, third = room.vehicles
    room.assign(second, room.dumas)
    room.agreed(room.checked(Reassign(room.marin, AS_OF), [first]))
    assignments.hand_over(actor=room.actor, vehicle_id=second, driver_id=room.marin, at=AS_OF, as_of=AS_OF)
    told = [[(action, without_ids(facts)) for action, facts in room.trace(one)] for one in (first, second)]
    assert told[0] == told[1]
    assert [action for action, _ in told[0]] == ["attribution.creee", "attribution.terminee", "attribution.creee"]
    room.agreed(room.checked(Change({"site": "Lyon"}), [third]))
    assert room.trace(third) == [("vehicule.modifie", {"champs": ["site"]})]


def without_ids(facts: dict) -> dict:
    return {name: value for name, value in facts.items() if name != "attribution"}


def test_the_act_bears_the_name_of_whoever_agreed(room):
    task = room.checked(Change({"site": "Lyon"}), room.vehicles[:1])
    other = actor(room.world.both)
    tasks.confirm_bulk(actor=other, bulk_id=task.id, as_of=AS_OF)
    run_long_work(AS_OF)
    own = AuditEntry.organisation_id == room.world.organisation_id, AuditEntry.action == "vehicule.modifie"
    with tenant_session(room.world.organisation_id) as session:
        assert [entry.actor_id for entry in session.scalars(select(AuditEntry).where(*own))] == [other.user_id]


# Everything found


def test_everything_found_is_what_the_search_finds_when_it_is_checked(room):
    room.agreed(room.checked(Change({"site": "Brest"}), room.vehicles[:2]))
    bulk_id = room.ask(Change({"cost_centre": "B"}), (), VehicleSearch(site="Brest"))
    late = add_vehicle(room.world, "AB-105-CD", site="Brest")
    run_long_work(AS_OF)
    task = room.found(bulk_id)
    assert plates(task.ready) == [*PLATES[:2], "AB-105-CD"]
    after = add_vehicle(room.world, "AB-106-CD", site="Brest")
    room.agreed(task)
    assert [room.vehicle(one).cost_centre for one in (*room.vehicles, late, after)] == ["B", "B", "", "B", ""]


# Changed in between


def test_what_no_longer_fits_is_left_whole_and_told(room):
    first, second, third = room.vehicles
    task = room.checked(Reassign(room.marin, AS_OF))
    room.assign(second, room.dumas, JUNE)
    vehicles.leave_fleet(
        actor=room.actor, vehicle_id=first, at=AS_OF, reason=ExitReason.SOLD, as_of=AS_OF
    )  # fmt: skip
    result = room.agreed(task)
    assert (result.state, plates(result.done)) == (WorkState.DONE, [PLATES[2]])
    assert "quitte le parc" in reasons(result.not_done)[PLATES[0]]
    assert "déjà attribué à DUMAS Caroline" in reasons(result.not_done)[PLATES[1]]
    assert room.held(first) == [(room.dumas, FEBRUARY, AS_OF)]
    assert room.held(second) == [(room.dumas, JUNE, None)]
    assert room.held(third) == [(room.marin, AS_OF, None)]


def test_what_was_not_ready_is_not_done_even_if_it_would_be_now(room):
    """Only what was shown as ready was agreed to."""
    blocking = room.assign(room.vehicles[1], room.dumas, JUNE)
    task = room.checked(Reassign(room.marin, AS_OF))
    assignments.end_assignment(
        actor=room.actor, assignment_id=blocking, at=JUNE + timedelta(days=1), as_of=AS_OF
    )  # fmt: skip
    assert plates(room.agreed(task).done) == [PLATES[0], PLATES[2]]


def test_whoever_lost_the_right_in_between_changes_nothing(room):
    """C3.2-c: the right is looked at again when the work is done."""
    task = room.checked(Change({"site": "Nice"}))
    waiting = room.ask(Change({"site": "Metz"}))
    tasks.confirm_bulk(actor=room.actor, bulk_id=task.id, as_of=AS_OF)
    take_fleet_right(room.world)
    run_long_work(AS_OF)
    boss = actor(room.world.admin)
    with tenant_session(room.world.organisation_id) as session:
        found = [tasks.find_bulk(session, boss, one, AS_OF) for one in (task.id, waiting)]
    assert [one.state for one in found] == [WorkState.FAILED] * 2
    assert {one.refusal for one in found} == {task_authors.NOT_ALLOWED}
    assert {room.vehicle(one).site for one in room.vehicles} == {""}


# Other clients


def test_vehicles_and_drivers_of_others_are_as_if_nobody_had_them(room, other_world):
    theirs, stranger = add_vehicle(other_world, "ZZ-999-ZZ"), add_driver(other_world)
    with tenant_session(room.world.organisation_id) as session:
        chosen = selection.selected(session, room.actor, [f"{theirs},{room.vehicles[0]}", "x"], None, AS_OF)
    assert (chosen.ids, chosen.found) == ((room.vehicles[0],), 1)
    task = room.agreed(room.checked(Change({"site": "Brest"}), [theirs, room.vehicles[0]]))
    assert (plates(task.done), task.not_done) == ([PLATES[0]], ())
    with pytest.raises(Refused, match="Choisissez un conducteur"):
        room.ask(Reassign(stranger, AS_OF))
    with tenant_session(other_world.organisation_id) as session:
        assert tasks.find_bulk(session, actor(other_world.fleet), task.id, AS_OF) is None
        own = Vehicle.organisation_id == other_world.organisation_id
        assert session.scalars(select(Vehicle.site).where(own)).all() == [""]


# Killed in the middle


def test_a_worker_killed_between_two_parts_is_replaced_and_nothing_is_done_twice(world, monkeypatch):
    fill(world, vehicle_count=7, driver_count=3)
    boss, asked = actor(world.fleet), datetime(2026, 2, 1, tzinfo=UTC)
    monkeypatch.setattr(steps, "CHUNK", 3)
    [driver, *_] = {row.driver_id for row in rows(world, Assignment)}
    act = Reassign(driver, asked)
    chosen = Selection(tuple(row.id for row in rows(world, Vehicle)), None, 7)
    bulk_id = tasks.start_bulk(actor=boss, selection=chosen, act=act, as_of=AS_OF)
    run_long_work(AS_OF)
    tasks.confirm_bulk(actor=boss, bulk_id=bulk_id, as_of=AS_OF)
    killed_in_second_part(monkeypatch)
    with pytest.raises(Killed):
        run_long_work(AS_OF)
    monkeypatch.undo()
    with tenant_session(world.organisation_id) as session:
        half = tasks.find_bulk(session, boss, bulk_id, AS_OF)
    assert (half.state, half.done_steps) == (WorkState.APPLYING, 3)
    run_long_work(AS_OF + work.LEASE - timedelta(seconds=1))
    with tenant_session(world.organisation_id) as session:
        assert tasks.find_bulk(session, boss, bulk_id, AS_OF).done_steps == 3
    run_long_work(AS_OF + work.LEASE + timedelta(minutes=1))  # each part has renewed the lease
    with tenant_session(world.organisation_id) as session:
        result = tasks.find_bulk(session, boss, bulk_id, AS_OF)
    begun = [row.vehicle_id for row in rows(world, Assignment) if row.starts_at == asked]
    assert (result.state, len(result.done)) == (WorkState.DONE, len(half.ready))
    assert result.not_done == half.unready
    assert len(begun) == len(set(begun)) == len(half.ready) > 3
    made = [entry for entry in rows(world, AuditEntry) if entry.action == "attribution.creee"]
    assert len(made) == len(begun)


class Killed(BaseException):
    """As a kill: nothing of the program runs any more."""


def killed_in_second_part(monkeypatch) -> None:
    """The process dies when the second part is done and not yet committed."""
    real, calls = work.advance, []

    def advance(*args, **keywords):
        calls.append(args)
        real(*args, **keywords)
        if len(calls) == 2:
            raise Killed

    monkeypatch.setattr(work, "advance", advance)


def test_a_worker_that_wakes_up_after_its_successor_writes_nothing(room):
    task = room.checked(Reassign(room.marin, AS_OF))
    tasks.confirm_bulk(actor=room.actor, bulk_id=task.id, as_of=AS_OF)
    asleep = work.claim_next(room.world.organisation_id, (steps.KIND,), AS_OF)
    assert work.claim_next(room.world.organisation_id, (steps.KIND,), AS_OF + work.LEASE) is not None
    with pytest.raises(work.LeaseLost):
        steps.apply(asleep, AS_OF)
    assert room.held(room.vehicles[1]) == []
    run_long_work(AS_OF + 2 * work.LEASE)
    assert room.held(room.vehicles[1]) == [(room.marin, AS_OF, None)]


def test_what_is_agreed_to_twice_is_done_once(room):
    task = room.checked(Reassign(room.marin, AS_OF))
    for _ in range(2):
        tasks.confirm_bulk(actor=room.actor, bulk_id=task.id, as_of=AS_OF)
    run_long_work(AS_OF)
    tasks.confirm_bulk(actor=room.actor, bulk_id=task.id, as_of=AS_OF)
    run_long_work(AS_OF)
    assert room.held(room.vehicles[1]) == [(room.marin, AS_OF, None)]


def rows(world: World, model: type) -> list:
    with tenant_session(world.organisation_id) as session:
        return list(session.scalars(select(model).where(model.organisation_id == world.organisation_id)))
