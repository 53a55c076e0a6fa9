"""A plate that leaves one client and enters another: each hears of its own offences, the agency knows it all along."""

from datetime import timedelta

import pytest

from eprunes.antai import jobs
from eprunes.core.refusals import Refused
from eprunes.fleet.models import ExitReason
from eprunes.fleet.services import vehicles
from eprunes.fleet.vehicle_rules import VehicleDetails
from tests.support import fleet, worlds

DAY = timedelta(days=1)
PLATE = "AB-765-CD"
KEY = "AB765CD"


@pytest.fixture
def seller(app, now):
    return worlds.make_world(0, as_of=now - 20 * DAY)


@pytest.fixture
def buyer(app, now):
    return worlds.make_world(1, as_of=now - 20 * DAY)


def enter(world, at):
    boss = worlds.actor(world.fleet, at)
    return vehicles.add_vehicle(actor=boss, details=VehicleDetails(plate=PLATE, entered_at=at), as_of=at)


def leave(world, vehicle_id, at):
    boss = worlds.actor(world.fleet, at)
    vehicles.leave_fleet(actor=boss, vehicle_id=vehicle_id, at=at, reason=ExitReason.SOLD, as_of=at)


def test_sold_then_bought(seller, buyer, agency, now):
    """C4.3-b: withdrawn for the one, declared for the other."""
    sold = enter(seller, now)
    jobs.declare_vehicles(now)
    leave(seller, sold, now + DAY)
    gone = jobs.declare_vehicles(now + DAY)
    between = agency.plates()
    bought = enter(buyer, now + 2 * DAY)
    come = jobs.declare_vehicles(now + 2 * DAY)

    assert (gone["withdrawn"], between) == (1, set())
    assert (come["declared"], agency.plates()) == (1, {KEY})
    assert fleet.vehicle(seller.organisation_id, sold).antai_withdrawn_at == now + DAY
    assert fleet.vehicle(buyer.organisation_id, bought).antai_acknowledged_at == now + 2 * DAY


def test_bought_before_the_seller_writes_it_down(seller, buyer, agency, now):
    """C4.3-b: the seller's exit withdraws nothing of the buyer's."""
    sold = enter(seller, now)
    jobs.declare_vehicles(now)
    bought = enter(buyer, now + DAY)
    jobs.declare_vehicles(now + DAY)
    leave(seller, sold, now + 2 * DAY)
    gone = jobs.declare_vehicles(now + 2 * DAY)

    assert (gone["withdrawn"], gone["failed"], agency.plates()) == (1, 0, {KEY})
    assert fleet.vehicle(seller.organisation_id, sold).antai_withdrawn_at == now + 2 * DAY
    assert fleet.vehicle(buyer.organisation_id, bought).antai_withdrawn_at is None


def test_sold_and_bought_in_one_day_is_known_at_the_end_of_it(seller, buyer, agency, now):
    sold = enter(seller, now)
    jobs.declare_vehicles(now)
    leave(seller, sold, now + DAY)
    bought = enter(buyer, now + DAY)
    jobs.declare_vehicles(now + DAY)

    assert agency.plates() == {KEY}
    assert fleet.vehicle(buyer.organisation_id, bought).antai_acknowledged_at == now + DAY


@pytest.mark.parametrize("days", [0, 3])
def test_an_offence_goes_to_the_one_whose_vehicle_it_was_then(seller, buyer, agency, now, days):
    """C4.3-a, C3.2: neither reads the other's."""
    sold = enter(seller, now - 9 * DAY)
    jobs.declare_vehicles(now - 9 * DAY)
    leave(seller, sold, now - 4 * DAY)
    jobs.declare_vehicles(now - 4 * DAY)
    enter(buyer, now - 4 * DAY)
    jobs.declare_vehicles(now - 4 * DAY)
    at = now - 6 * DAY + days * DAY
    agency.load(fleet.offence_record(KEY, dateAco=str(now.date()), dateHeureInfraction=f"{at:%Y-%m-%dT%H:%M:00}"))

    jobs.fetch_notices(now)

    owner, other = (buyer, seller) if days else (seller, buyer)
    assert len(fleet.notice_ids(owner.organisation_id)) == 1
    assert fleet.notice_ids(other.organisation_id) == []


def test_the_plate_may_come_back_to_the_first(seller, buyer, agency, now):
    sold = enter(seller, now)
    leave(seller, sold, now + DAY)
    bought = enter(buyer, now + DAY)
    leave(buyer, bought, now + 2 * DAY)
    with pytest.raises(Refused, match="ouvrez sa fiche"):
        enter(seller, now + 2 * DAY)
    vehicles.return_to_fleet(actor=worlds.actor(seller.fleet, now), vehicle_id=sold, as_of=now + 2 * DAY)
    jobs.declare_vehicles(now + 2 * DAY)
    assert agency.plates() == {KEY}


def test_an_offence_while_it_was_away_is_the_others_though_it_came_back(seller, buyer, agency, now):
    """C4.3-a, C3.2"""
    sold = enter(seller, now - 9 * DAY)
    leave(seller, sold, now - 6 * DAY)
    bought = enter(buyer, now - 6 * DAY)
    jobs.declare_vehicles(now - 6 * DAY)
    leave(buyer, bought, now - 2 * DAY)
    back = {"vehicle_id": sold, "back_at": now - 2 * DAY, "as_of": now - DAY}
    vehicles.return_to_fleet(actor=worlds.actor(seller.fleet, now - DAY), **back)
    jobs.declare_vehicles(now - DAY)
    at = f"{now - 4 * DAY:%Y-%m-%dT%H:%M:00}"
    agency.load(fleet.offence_record(KEY, dateAco=str(now.date()), dateHeureInfraction=at))

    jobs.fetch_notices(now)

    assert (len(fleet.notice_ids(buyer.organisation_id)), fleet.notice_ids(seller.organisation_id)) == (1, [])
