"""Vehicles entering, corrected, leaving and coming back; and the places of the order form that they take."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest

from eprunes.accounts import quota
from eprunes.accounts.quota import QuotaExceeded
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import jobs, queries
from eprunes.fleet.models import ExitReason
from eprunes.fleet.services import assignments, vehicles
from eprunes.fleet.vehicle_rules import VehicleDetails
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor, make_world

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def stored(world, vehicle_id):
    with tenant_session(world.organisation_id) as session:
        return queries.find_vehicle(session, actor(world.fleet), vehicle_id)


def used(world):
    with tenant_session(world.organisation_id) as session:
        return quota.usage(session, AS_OF)[0]


def change(world, vehicle_id, as_of=AS_OF, **details):
    filled = VehicleDetails(**{"plate": "AB-123-CD", "entered_at": ENTERED, **details})
    vehicles.change_vehicle(actor=actor(world.fleet), vehicle_id=vehicle_id, details=filled, as_of=as_of)


def leave(world, vehicle_id, at, as_of=AS_OF, reason=ExitReason.OTHER):
    chosen = {"vehicle_id": vehicle_id, "at": at, "reason": reason}
    vehicles.leave_fleet(actor=actor(world.fleet), **chosen, as_of=as_of)


def come_back(world, vehicle_id, as_of=AS_OF):
    vehicles.return_to_fleet(actor=actor(world.fleet), vehicle_id=vehicle_id, as_of=as_of)


def told_to_agency(world, vehicle_id, **instants):
    with tenant_session(world.organisation_id, write=True) as session:
        row = queries.find_vehicle(session, actor(world.fleet), vehicle_id)
        for name, value in instants.items():
            setattr(row, name, value)


def test_the_fleet_holds_what_is_known_of_a_vehicle(world):
    """C4.2: information on vehicles."""
    details = {"make": " Renault ", "model": "Trafic  L2", "site": "Lyon", "holding": "lld"}
    details |= {"vin": "vf1 a8grj1glsuw4tm", "first_registered_on": date(2021, 10, 25)}
    row = stored(world, add_vehicle(world, "ab 123 cd", **details))
    assert (row.plate, row.plate_key, row.country) == ("AB-123-CD", "AB123CD", "FR")
    assert (row.make, row.model, row.site, row.holding) == ("Renault", "Trafic L2", "Lyon", "lld")
    assert (row.vin, row.first_registered_on) == ("VF1A8GRJ1GLSUW4TM", date(2021, 10, 25))
    assert (row.left_at, row.counts_in_quota, row.antai_declared_at) == (None, True, None)


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"plate": "AB-000-CD"}, "plate"),
        ({"plate": "AB-123-CD", "country": "XX"}, "plate"),
        ({"plate": "AB-123-CD", "vin": "IOQ"}, "vin"),
        ({"plate": "AB-123-CD", "make": "x" * 41}, "make"),
        ({"plate": "AB-123-CD", "holding": "volé"}, "holding"),
        ({"plate": "AB-123-CD", "first_registered_on": date(2026, 3, 4)}, "first_registered_on"),
    ],
)
def test_what_is_wrong_with_a_vehicle_is_said_on_its_field(world, details, field):
    with pytest.raises(Refused) as refusal:
        add_vehicle(world, **details)
    assert refusal.value.field == field
    assert used(world) == 0


def test_a_plate_is_entered_once_however_it_is_spelled(world):
    add_vehicle(world, "AB-123-CD")
    with pytest.raises(Refused, match="déjà dans votre parc") as refusal:
        add_vehicle(world, "ab123cd")
    assert refusal.value.field == "plate"
    assert used(world) == 1
    add_vehicle(world, "AB-123-CD", country="BE")


def test_the_same_plate_may_stand_in_two_companies(world, other_world):
    add_vehicle(world, "AB-123-CD")
    add_vehicle(other_world, "AB-123-CD")


def test_the_plate_of_a_departed_vehicle_is_refused_with_the_way_back(world):
    leave(world, add_vehicle(world), AS_OF - DAY)
    with pytest.raises(Refused, match="véhicule sorti le lun. 2 mars 2026, 10:00"):
        add_vehicle(world)


def test_a_wrong_plate_is_corrected_and_the_agency_has_to_be_told_again(world):
    found = add_vehicle(world)
    told_to_agency(world, found, antai_declared_at=ENTERED, antai_acknowledged_at=ENTERED)
    change(world, found, site="Lyon")
    assert stored(world, found).antai_acknowledged_at == ENTERED
    change(world, found, plate="AB-124-CD", site="Lyon")
    row = stored(world, found)
    assert (row.plate_key, row.antai_declared_at, row.antai_acknowledged_at) == ("AB124CD", None, None)


def test_a_plate_is_not_corrected_into_another_vehicles(world):
    add_vehicle(world, "AB-124-CD")
    found = add_vehicle(world, "AB-123-CD")
    with pytest.raises(Refused, match="déjà dans votre parc"):
        change(world, found, plate="AB124CD")


def test_a_vehicle_cannot_enter_after_an_assignment_starts(world):
    found, boss, start = add_vehicle(world), actor(world.fleet), ENTERED + DAY
    chosen = {"vehicle_id": found, "driver_id": add_driver(world), "starts_at": start}
    assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    with pytest.raises(Refused, match="Une attribution commence avant cette date") as refusal:
        change(world, found, entered_at=start + MINUTE)
    assert refusal.value.field == "entered_at"
    change(world, found, entered_at=start)


def test_a_vehicle_that_leaves_gives_its_place_back_and_keeps_its_row(world):
    """C4.1-a"""
    found = add_vehicle(world)
    leave(world, found, AS_OF, reason=ExitReason.SOLD)
    assert (stored(world, found).left_at, used(world)) == (AS_OF, 0)
    with pytest.raises(Refused, match="a déjà quitté le parc"):
        leave(world, found, AS_OF + DAY)


@pytest.mark.parametrize(("at", "is_refused"), [(ENTERED, True), (ENTERED + MINUTE, False)])
def test_a_vehicle_leaves_after_it_entered(world, at, is_refused):
    found = add_vehicle(world)
    if is_refused:
        with pytest.raises(Refused, match="est entré dans le parc le") as refusal:
            leave(world, found, at)
        assert refusal.value.field == "at"
    else:
        leave(world, found, at)
        assert stored(world, found).left_at == at


def test_the_exit_ends_the_running_assignment_at_that_instant(world):
    found, boss = add_vehicle(world), actor(world.fleet)
    chosen = {"vehicle_id": found, "driver_id": add_driver(world), "starts_at": ENTERED}
    assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    leave(world, found, AS_OF)
    with tenant_session(world.organisation_id) as session:
        [row] = session.scalars(queries.assignments_of(world.organisation_id, found))
    assert row.ends_at == AS_OF


def test_a_vehicle_does_not_leave_before_an_assignment_to_come(world):
    found, boss = add_vehicle(world), actor(world.fleet)
    chosen = {"vehicle_id": found, "driver_id": add_driver(world), "starts_at": AS_OF + DAY}
    assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    with pytest.raises(Refused, match="commence le mer. 4 mars 2026, 10:00"):
        leave(world, found, AS_OF + DAY)
    assert stored(world, found).left_at is None
    leave(world, found, AS_OF + DAY + MINUTE)


def test_a_planned_exit_gives_the_place_back_only_when_it_has_come(world):
    found = add_vehicle(world)
    leave(world, found, AS_OF + DAY)
    assert used(world) == 1
    assert jobs.release_departed(AS_OF + DAY - MINUTE) == {"released": 0}
    assert jobs.release_departed(AS_OF + DAY) == {"released": 1}
    assert jobs.release_departed(AS_OF + DAY) == {"released": 0}
    assert (used(world), stored(world, found).counts_in_quota) == (0, False)


def test_a_planned_exit_may_be_moved(world):
    found = add_vehicle(world)
    leave(world, found, AS_OF + DAY)
    leave(world, found, AS_OF + 9 * DAY)
    assert stored(world, found).left_at == AS_OF + 9 * DAY


def test_a_vehicle_that_comes_back_takes_a_place_and_is_declared_again(world):
    found = add_vehicle(world)
    leave(world, found, AS_OF)
    told_to_agency(world, found, antai_declared_at=ENTERED, antai_acknowledged_at=ENTERED, antai_withdrawn_at=AS_OF)
    come_back(world, found)
    row = stored(world, found)
    assert (row.left_at, row.counts_in_quota, used(world)) == (None, True, 1)
    assert (row.antai_declared_at, row.antai_acknowledged_at, row.antai_withdrawn_at) == (None, None, None)
    with pytest.raises(Refused, match="déjà dans le parc"):
        come_back(world, found)


def test_a_planned_exit_is_undone_without_a_second_place(world):
    found = add_vehicle(world)
    leave(world, found, AS_OF + DAY)
    come_back(world, found)
    assert used(world) == 1


def test_no_vehicle_comes_in_or_back_beyond_the_order_form(app):
    """C4.1-a"""
    world = make_world(vehicles=2)
    first = add_vehicle(world, "AB-123-CD")
    add_vehicle(world, "AB-124-CD")
    with pytest.raises(QuotaExceeded):
        add_vehicle(world, "AB-125-CD")
    leave(world, first, AS_OF)
    add_vehicle(world, "AB-125-CD")
    with pytest.raises(QuotaExceeded):
        come_back(world, first)
    assert stored(world, first).left_at == AS_OF
    assert used(world) == 2


def test_of_two_people_who_race_for_the_last_place_one_gets_it(app):
    """C4.1-a"""
    world = make_world(vehicles=3)
    for plate in ("AB-121-CD", "AB-122-CD"):
        add_vehicle(world, plate)
    boss, start = actor(world.fleet), Barrier(2)

    def enter(plate):
        with app.app_context():
            start.wait(timeout=10)
            details = VehicleDetails(plate=plate, entered_at=ENTERED)
            try:
                return vehicles.add_vehicle(actor=boss, details=details, as_of=AS_OF)
            except QuotaExceeded:
                return None

    with ThreadPoolExecutor(2) as people:
        results = list(people.map(enter, ("AB-123-CD", "AB-124-CD")))
    assert results.count(None) == 1
    assert used(world) == 3


def test_of_two_people_who_enter_one_plate_at_once_one_reads_that_it_is_known(app):
    world = make_world()
    boss, start = actor(world.fleet), Barrier(2)

    def enter(plate):
        with app.app_context():
            start.wait(timeout=10)
            try:
                details = VehicleDetails(plate=plate, entered_at=ENTERED)
                return vehicles.add_vehicle(actor=boss, details=details, as_of=AS_OF)
            except Refused as refusal:
                return refusal.field

    with ThreadPoolExecutor(2) as people:
        assert "plate" in list(people.map(enter, ("AB-123-CD", "ab123cd")))
    assert used(world) == 1


def test_a_vehicle_of_another_organisation_is_out_of_reach(world, other_world):
    foreign = add_vehicle(other_world)
    for act in (change, come_back, lambda *args: leave(*args, datetime(2026, 3, 1, tzinfo=UTC))):
        with pytest.raises(Refused, match="n’est pas dans votre parc"):
            act(world, foreign)
    assert stored(other_world, foreign).left_at is None
