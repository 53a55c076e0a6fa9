"""Who may see the fleet, and who held a vehicle at an instant."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from eprunes.core.database import new_id, tenant_session
from eprunes.fleet import queries
from eprunes.fleet.models import OVERLAP_NAME, Assignment
from eprunes.fleet.services.assignments import assign
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor

MONDAY = AS_OF - timedelta(days=20)
TUESDAY, WEDNESDAY, FRIDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 4))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def held(world):
    """A vehicle held Monday to Tuesday, then by another from Wednesday until further notice."""
    vehicle_id = add_vehicle(world)
    first, second = add_driver(world, "Premier"), add_driver(world, "Second")
    boss = actor(world.fleet)
    for driver_id, starts_at, ends_at in ((first, MONDAY, TUESDAY), (second, WEDNESDAY, None)):
        period = {"starts_at": starts_at, "ends_at": ends_at}
        assign(actor=boss, vehicle_id=vehicle_id, driver_id=driver_id, **period, as_of=AS_OF)
    return world.organisation_id, vehicle_id, first, second


def driver_at(held, instant):
    organisation_id, vehicle_id, *_ = held
    with tenant_session(organisation_id) as session:
        row = session.scalar(queries.holder_at(organisation_id, vehicle_id, instant))
    return row and row.driver_id


def test_an_assignment_holds_from_its_start_included_to_its_end_excluded(held):
    _, _, first, second = held
    assert driver_at(held, MONDAY - MINUTE) is None
    assert driver_at(held, MONDAY) == first
    assert driver_at(held, TUESDAY - MINUTE) == first
    assert driver_at(held, TUESDAY) is None
    assert driver_at(held, WEDNESDAY) == second
    assert driver_at(held, AS_OF + timedelta(days=4000)) == second


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (MONDAY - MINUTE, (None, None, "first")),
        (MONDAY, ("first", None, "second")),
        (TUESDAY, (None, "first", "second")),
        (WEDNESDAY, ("second", "first", None)),
    ],
)
def test_the_holders_around_an_instant_are_told_apart(held, instant, expected):
    organisation_id, vehicle_id, first, second = held
    names = {None: None, first: "first", second: "second"}
    with tenant_session(organisation_id) as session:
        found = queries.holders_around(session, organisation_id, vehicle_id, instant)
    assert tuple(names[one and one.driver_id] for one in (found.current, found.before, found.after)) == expected


def test_many_moments_are_answered_as_one_by_one(held, world):
    organisation_id, vehicle_id, first, second = held
    free = add_vehicle(world, "AB-124-CD")
    moments = [(vehicle_id, MONDAY), (vehicle_id, TUESDAY), (vehicle_id, FRIDAY), (free, FRIDAY)]
    with tenant_session(organisation_id) as session:
        found = queries.holders_at_many(session, organisation_id, moments)
        assert queries.holders_at_many(session, organisation_id, []) == {}
    assert {key: row.driver_id for key, row in found.items()} == {moments[0]: first, moments[2]: second}


def test_the_open_assignment_is_the_one_without_an_end(held):
    organisation_id, vehicle_id, _, second = held
    with tenant_session(organisation_id) as session:
        [row] = session.scalars(queries.open_assignment_of(organisation_id, [vehicle_id]))
    assert row.driver_id == second


@pytest.mark.parametrize("who", ["fleet", "both", "admin"])
def test_whoever_has_the_fleet_right_sees_the_fleet(held, world, who):
    assert seen(world, getattr(world, who)) == [1, 2, 2]


def test_without_the_fleet_right_nothing_of_the_fleet_is_seen(held, world):
    assert seen(world, world.fines) == [0, 0, 0]


def seen(world, email):
    someone = actor(email)
    reads = (queries.visible_vehicles, queries.visible_drivers, queries.visible_assignments)
    with tenant_session(world.organisation_id) as session:
        return [len(session.scalars(read(someone)).all()) for read in reads]


def row_of(organisation_id, vehicle_id, driver_id, starts_at, ends_at):
    return {
        "organisation_id": organisation_id,
        "id": new_id(),
        "vehicle_id": vehicle_id,
        "driver_id": driver_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "created_at": AS_OF,
    }


def store(organisation_id, row):
    with tenant_session(organisation_id, write=True) as session:
        session.execute(insert(Assignment), [row])


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        (MONDAY - MINUTE, MONDAY + MINUTE),
        (TUESDAY - MINUTE, WEDNESDAY),
        (MONDAY + MINUTE, MONDAY + 2 * MINUTE),
        (ENTERED, TUESDAY),
        (TUESDAY, None),
        (FRIDAY, FRIDAY + MINUTE),
        (FRIDAY, None),
    ],
)
def test_the_database_itself_refuses_two_holders_at_once(held, starts_at, ends_at):
    organisation_id, vehicle_id, first, _ = held
    with pytest.raises(IntegrityError, match=OVERLAP_NAME):
        store(organisation_id, row_of(organisation_id, vehicle_id, first, starts_at, ends_at))


@pytest.mark.parametrize(("starts_at", "ends_at"), [(TUESDAY, WEDNESDAY), (ENTERED, MONDAY)])
def test_the_database_admits_adjoining_periods(held, starts_at, ends_at):
    organisation_id, vehicle_id, first, _ = held
    store(organisation_id, row_of(organisation_id, vehicle_id, first, starts_at, ends_at))
    assert driver_at(held, starts_at) == first


def test_the_database_refuses_a_driver_of_another_organisation(held, other_world):
    organisation_id, vehicle_id, *_ = held
    stranger = add_driver(other_world, "Étranger")
    with pytest.raises(IntegrityError):
        store(organisation_id, row_of(organisation_id, vehicle_id, stranger, TUESDAY, WEDNESDAY))
