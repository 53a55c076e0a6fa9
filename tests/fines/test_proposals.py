"""Who probably drove: one driver at the offence's instant, or the word on why none is proposed (C4.3-c)."""

from datetime import UTC, datetime, timedelta

import pytest

from eprunes.core.database import tenant_session
from eprunes.fines.proposals import NEAR_A_CHANGE, Why, neighbours, propose
from tests.support import fleet

CHANGE = datetime(2026, 2, 20, 11, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def local(instant: datetime) -> str:
    """An instant of winter as the agency writes it in Paris."""
    return (instant + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:00")


@pytest.fixture
def vehicle_id(world):
    return fleet.add_vehicle(world.organisation_id, "AB123CD")


@pytest.fixture
def drivers(world):
    return [fleet.add_driver(world.organisation_id) for _ in range(3)]


def proposed(world, vehicle_id, at: str):
    """The proposal for a notice of that local time, and the drivers shown beside it."""
    notice_id = fleet.receive_notice(world.organisation_id, vehicle_id=vehicle_id, dateHeureInfraction=at)
    notice = fleet.notice(world.organisation_id, notice_id)
    with tenant_session(world.organisation_id) as session:
        vehicles = {vehicle_id: fleet.vehicle(world.organisation_id, vehicle_id)} if vehicle_id else {}
        proposal = propose(session, [notice], vehicles)[notice_id]
        return proposal, [one.driver_id for one in neighbours(session, notice)]


@pytest.mark.parametrize(("instant", "holder"), [(CHANGE - MINUTE, 0), (CHANGE, 1), (CHANGE + MINUTE, 1)])
def test_the_holder_at_that_instant_is_proposed(world, vehicle_id, drivers, instant, holder):
    """C4.3-c: an assignment holds from its start, included, to its end, excluded."""
    fleet.assign(world.organisation_id, vehicle_id, drivers[0], ends_at=CHANGE)
    fleet.assign(world.organisation_id, vehicle_id, drivers[1], starts_at=CHANGE)

    proposal, _ = proposed(world, vehicle_id, local(instant))

    assert (proposal.why, proposal.driver_id) == (Why.HELD, drivers[holder])


def test_when_nobody_held_the_vehicle_its_holders_around_are_shown(world, vehicle_id, drivers):
    fleet.assign(world.organisation_id, vehicle_id, drivers[0], ends_at=CHANGE)
    fleet.assign(world.organisation_id, vehicle_id, drivers[1], starts_at=CHANGE + timedelta(days=2))

    proposal, around = proposed(world, vehicle_id, local(CHANGE + timedelta(days=1)))

    assert (proposal.why, proposal.driver_id) == (Why.NOBODY, None)
    assert around == drivers[:2]


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (CHANGE - NEAR_A_CHANGE - MINUTE, []),
        (CHANGE - NEAR_A_CHANGE, [1]),
        (CHANGE - MINUTE, [1]),
        (CHANGE, [0]),
        (CHANGE + NEAR_A_CHANGE, [0]),
        (CHANGE + NEAR_A_CHANGE + MINUTE, []),
    ],
)
def test_near_a_change_of_driver_the_other_one_is_shown_too(world, vehicle_id, drivers, instant, shown):
    fleet.assign(world.organisation_id, vehicle_id, drivers[0], ends_at=CHANGE)
    fleet.assign(world.organisation_id, vehicle_id, drivers[1], starts_at=CHANGE)

    _, around = proposed(world, vehicle_id, local(instant))

    assert around == [drivers[index] for index in shown]


def test_in_the_doubled_hour_of_autumn_two_holders_are_possible_and_none_is_proposed(world, vehicle_id, drivers):
    second_time_round = datetime(2025, 10, 26, 1, 0, tzinfo=UTC)
    fleet.assign(world.organisation_id, vehicle_id, drivers[0], ends_at=second_time_round)
    fleet.assign(world.organisation_id, vehicle_id, drivers[1], starts_at=second_time_round)

    doubled, around = proposed(world, vehicle_id, "2025-10-26T02:30:00")
    just_before, _ = proposed(world, vehicle_id, "2025-10-26T01:59:00")

    assert (doubled.why, doubled.driver_id, around) == (Why.TWO_POSSIBLE, None, drivers[:2])
    assert just_before.driver_id == drivers[0]


def test_in_the_doubled_hour_without_a_holder_those_around_it_are_shown(world, vehicle_id, drivers):
    fleet.assign(world.organisation_id, vehicle_id, drivers[0], ends_at=datetime(2025, 10, 25, tzinfo=UTC))
    fleet.assign(world.organisation_id, vehicle_id, drivers[1], starts_at=datetime(2025, 10, 27, tzinfo=UTC))
    proposal, around = proposed(world, vehicle_id, "2025-10-26T02:30:00")
    assert (proposal.why, around) == (Why.NOBODY, drivers[:2])


def test_in_the_doubled_hour_one_and_the_same_holder_is_proposed(world, vehicle_id, drivers):
    fleet.assign(world.organisation_id, vehicle_id, drivers[0])

    proposal, around = proposed(world, vehicle_id, "2025-10-26T02:30:00")

    assert (proposal.why, proposal.driver_id, around) == (Why.HELD, drivers[0], drivers[:1])


def test_outside_the_vehicle_s_time_in_the_fleet_the_reason_says_so(world):
    entered, left = CHANGE, CHANGE + timedelta(days=5)
    vehicle_id = fleet.add_vehicle(world.organisation_id, "AB123CD", entered_at=entered, left_at=left)

    early, _ = proposed(world, vehicle_id, local(entered - MINUTE))
    inside, _ = proposed(world, vehicle_id, local(entered))
    late, _ = proposed(world, vehicle_id, local(left))
    without, around = proposed(world, None, local(entered))

    assert [one.why for one in (early, inside, late, without)] == [
        Why.BEFORE_ENTRY,
        Why.NOBODY,
        Why.AFTER_EXIT,
        Why.NO_VEHICLE,
    ]
    assert around == []
