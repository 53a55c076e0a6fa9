"""Attributing vehicles: the rules on both sides of each boundary, and the words of the refusals."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.models import Assignment, ExitReason
from eprunes.fleet.services import assignments, drivers, overlaps, vehicles
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor

START = datetime(2026, 2, 2, 7, 0, tzinfo=UTC)
END = datetime(2026, 2, 6, 17, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Room:
    """One vehicle and two drivers, with the services as one person uses them."""

    def __init__(self, world):
        self.actor = actor(world.fleet)
        self.organisation_id = world.organisation_id
        self.vehicle = add_vehicle(world)
        self.dumas = add_driver(world, "Dumas", first_name="Caroline")
        self.marin = add_driver(world, "Marin", first_name="Daniel")

    def assign(self, driver_id, starts_at=START, ends_at=END):
        chosen = {"vehicle_id": self.vehicle, "driver_id": driver_id, "starts_at": starts_at, "ends_at": ends_at}
        return assignments.assign(actor=self.actor, **chosen, as_of=AS_OF)

    def hand_over(self, driver_id, at):
        chosen = {"vehicle_id": self.vehicle, "driver_id": driver_id, "at": at}
        return assignments.hand_over(actor=self.actor, **chosen, as_of=AS_OF)

    def correct(self, assignment_id, driver_id, starts_at, ends_at):
        changed = {"driver_id": driver_id, "starts_at": starts_at, "ends_at": ends_at, "reason": ChangeReason.SWAPPED}
        assignments.correct_assignment(actor=self.actor, assignment_id=assignment_id, **changed, as_of=AS_OF)

    def end(self, assignment_id, at):
        assignments.end_assignment(actor=self.actor, assignment_id=assignment_id, at=at, as_of=AS_OF)

    def cancel(self, assignment_id):
        why = ChangeReason.MISTYPED
        assignments.cancel_assignment(actor=self.actor, assignment_id=assignment_id, reason=why, as_of=AS_OF)

    def leave(self, at):
        vehicles.leave_fleet(actor=self.actor, vehicle_id=self.vehicle, at=at, reason=ExitReason.OTHER, as_of=AS_OF)

    def periods(self):
        with tenant_session(self.organisation_id) as session:
            query = queries.assignments_of(self.organisation_id, self.vehicle).order_by(Assignment.starts_at)
            return [(one.driver_id, one.starts_at, one.ends_at) for one in session.scalars(query)]

    def journal(self):
        with tenant_session(self.organisation_id) as session:
            query = queries.visible_journal(self.actor, "vehicule", self.vehicle)
            return list(session.scalars(query))


@pytest.fixture
def room(world):
    return Room(world)


def test_a_vehicle_is_attributed_to_an_employee_or_a_renter_for_a_period(room):
    """C1-a: attribute vehicles to employees or renters."""
    room.assign(room.dumas)
    assert room.periods() == [(room.dumas, START, END)]


@pytest.mark.parametrize(("starts_at", "ends_at"), [(END, END + DAY), (START - DAY, START), (END, None)])
def test_adjoining_periods_are_admitted(room, starts_at, ends_at):
    room.assign(room.dumas)
    room.assign(room.marin, starts_at, ends_at)
    assert len(room.periods()) == 2


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "field"),
    [
        (END - MINUTE, END + DAY, "starts_at"),
        (START - DAY, START + MINUTE, "ends_at"),
        (START - DAY, None, "ends_at"),
        (START + MINUTE, END - MINUTE, "starts_at"),
        (START, END, "starts_at"),
        (START - DAY, END + DAY, "ends_at"),
    ],
)
def test_an_overlap_of_a_minute_is_refused_by_name_and_period(room, starts_at, ends_at, field):
    room.assign(room.dumas)
    with pytest.raises(Refused) as refusal:
        room.assign(room.marin, starts_at, ends_at)
    assert str(refusal.value) == (
        "Ce véhicule est déjà attribué à DUMAS Caroline du lun. 2 févr. 2026, 08:00 au ven. 6 févr. 2026, 18:00."
    )
    assert refusal.value.field == field
    assert room.periods() == [(room.dumas, START, END)]


def test_an_open_ended_assignment_refuses_all_that_comes_after(room):
    room.assign(room.dumas, START, None)
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline depuis le lun. 2 févr. 2026, 08:00"):
        room.assign(room.marin, AS_OF + 300 * DAY, None)
    room.assign(room.marin, START - DAY, START)


def test_an_end_at_midnight_reads_as_the_end_of_the_day(room):
    midnight = datetime(2026, 2, 6, 23, 0, tzinfo=UTC)
    room.assign(room.dumas, START, midnight)
    with pytest.raises(Refused, match="au ven. 6 févr. 2026, 24:00"):
        room.assign(room.marin, START, midnight)


@pytest.mark.parametrize("ends_at", [START, START - MINUTE])
def test_an_end_before_the_start_is_refused(room, ends_at):
    with pytest.raises(Refused, match="La fin doit être après le début") as refusal:
        room.assign(room.dumas, START, ends_at)
    assert refusal.value.field == "ends_at"


def test_nobody_holds_a_vehicle_before_it_enters_the_fleet(room):
    with pytest.raises(Refused, match="n’est entré dans le parc que le") as refusal:
        room.assign(room.dumas, ENTERED - MINUTE, END)
    assert refusal.value.field == "starts_at"
    room.assign(room.dumas, ENTERED, END)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "field"),
    [(START, END + MINUTE, "ends_at"), (START, None, "ends_at"), (END, END + MINUTE, "starts_at")],
)
def test_nobody_holds_a_vehicle_after_it_left_the_fleet(room, starts_at, ends_at, field):
    room.leave(END)
    with pytest.raises(Refused, match="quitte le parc le ven. 6 févr. 2026, 18:00") as refusal:
        room.assign(room.dumas, starts_at, ends_at)
    assert refusal.value.field == field
    room.assign(room.dumas, START, END)


def test_a_driver_who_left_holds_nothing_beyond_the_last_day(room):
    last = date(2026, 2, 5)
    drivers.driver_left(actor=room.actor, driver_id=room.dumas, on=last, as_of=AS_OF)
    midnight = datetime(2026, 2, 5, 23, 0, tzinfo=UTC)
    for ends_at in (midnight + MINUTE, None):
        with pytest.raises(Refused, match="a quitté l’entreprise le 05/02/2026") as refusal:
            room.assign(room.dumas, START, ends_at)
        assert refusal.value.field == "driver"
    room.assign(room.dumas, START, midnight)


def test_what_belongs_to_another_organisation_is_not_there(room, other_world):
    foreign_driver, foreign_vehicle = add_driver(other_world), add_vehicle(other_world)
    with pytest.raises(Refused, match="Choisissez un conducteur de votre parc"):
        room.assign(foreign_driver)
    chosen = {"vehicle_id": foreign_vehicle, "driver_id": room.dumas, "starts_at": START}
    with pytest.raises(Refused, match="n’est pas dans votre parc"):
        assignments.assign(actor=room.actor, **chosen, as_of=AS_OF)


def test_handing_over_ends_one_and_opens_the_next_at_the_same_instant(room):
    room.assign(room.dumas, START, None)
    room.hand_over(room.marin, END)
    assert room.periods() == [(room.dumas, START, END), (room.marin, END, None)]


def test_a_free_vehicle_is_handed_over_too(room):
    room.hand_over(room.marin, END)
    assert room.periods() == [(room.marin, END, None)]


def test_handing_over_to_the_holder_is_refused(room):
    room.assign(room.dumas, START, None)
    with pytest.raises(Refused, match="tient déjà ce véhicule") as refusal:
        room.hand_over(room.dumas, END)
    assert refusal.value.field == "driver"


def test_handing_over_before_a_later_assignment_is_refused_and_changes_nothing(room):
    room.assign(room.dumas, START, END)
    room.assign(room.marin, END + DAY, None)
    before = room.periods()
    with pytest.raises(Refused, match="MARIN Daniel à partir du") as refusal:
        room.hand_over(room.marin, START + DAY)
    assert "Supprimez ou corrigez d’abord cette attribution prévue" in str(refusal.value)
    assert room.periods() == before


def test_an_assignment_ends_at_any_instant_after_its_start(room):
    found = room.assign(room.dumas, START, None)
    with pytest.raises(Refused, match="commence le lun. 2 févr. 2026, 08:00"):
        room.end(found, START)
    room.end(found, START + MINUTE)
    assert room.periods() == [(room.dumas, START, START + MINUTE)]


@pytest.mark.parametrize("at", [END, END + MINUTE])
def test_an_assignment_that_ends_by_then_is_not_prolonged(room, at):
    found = room.assign(room.dumas)
    with pytest.raises(Refused, match="prend déjà fin le ven. 6 févr. 2026, 18:00"):
        room.end(found, at)


def test_a_correction_may_move_into_free_time_only(room):
    first = room.assign(room.dumas)
    room.assign(room.marin, END, END + DAY)
    with pytest.raises(Refused, match="déjà attribué à MARIN Daniel") as refusal:
        room.correct(first, room.dumas, START, END + MINUTE)
    assert refusal.value.field == "ends_at"
    room.correct(first, room.marin, START - DAY, END)
    assert room.periods()[0] == (room.marin, START - DAY, END)


def test_a_correction_keeps_in_the_journal_what_stood_there(room):
    found = room.assign(room.dumas)
    room.correct(found, room.marin, START, None)
    entry = room.journal()[0]
    assert entry.action == "attribution.corrigee"
    assert entry.actor_id == room.actor.user_id
    assert entry.details["motif"] == "echange"
    assert entry.details["conducteur"] == str(room.marin)
    assert entry.details["avant"] == {
        "conducteur": str(room.dumas),
        "du": START.isoformat(),
        "au": END.isoformat(),
    }


def test_a_correction_that_changes_nothing_leaves_no_trace(room):
    found = room.assign(room.dumas)
    before = len(room.journal())
    room.correct(found, room.dumas, START, END)
    assert len(room.journal()) == before


def test_a_cancelled_assignment_is_gone_and_stays_in_the_journal(room):
    found = room.assign(room.dumas)
    room.cancel(found)
    assert room.periods() == []
    entry = room.journal()[0]
    assert entry.action == "attribution.annulee"
    assert entry.details["motif"] == "erreur_de_saisie"
    assert entry.details["attribution"] == str(found)
    assert entry.actor_id == room.actor.user_id
    with pytest.raises(Refused, match="n’existe plus"):
        room.cancel(found)


def test_the_journal_never_names_a_driver_or_a_plate(room):
    room.hand_over(room.marin, END)
    with tenant_session(room.organisation_id) as session:
        query = select(AuditEntry).where(AuditEntry.organisation_id == room.organisation_id)
        text = " ".join(str(entry.details) for entry in session.scalars(query))
    assert str(room.marin) in text
    assert not any(word in text for word in ("Marin", "MARIN", "AB-123-CD", "AB123CD"))


def test_what_the_check_lets_through_and_the_database_refuses_reads_the_same(room, monkeypatch):
    room.assign(room.dumas)
    real, calls = overlaps.check_free, []

    def blind_once(*args, **keywords):
        calls.append(args)
        if len(calls) > 1:
            real(*args, **keywords)

    monkeypatch.setattr(overlaps, "check_free", blind_once)
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline du lun. 2 févr. 2026, 08:00"):
        room.assign(room.marin)
    assert len(room.periods()) == 1
