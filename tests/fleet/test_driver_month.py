"""A driver's month: which vehicles, on which day at which hours (C4.2)."""

from datetime import UTC, datetime

import pytest

from eprunes.core.database import tenant_session
from eprunes.fleet.months import read_driver_month
from eprunes.fleet.services import assignments
from tests.fleet.fleets import add_driver, add_vehicle
from tests.fleet.test_vehicle_pages import text_of
from tests.support.worlds import AS_OF, actor


def at(day, hour=0):
    return datetime(2026, 2, day, hour, tzinfo=UTC)


@pytest.fixture
def driver(world):
    """Held AB-123-CD from 31 January 23:00 UTC, midnight in Paris, to 3 February 9:00, AB-124-CD from 3 to 28."""
    found = add_driver(world)
    periods = (("AB-123-CD", datetime(2026, 1, 31, 23, tzinfo=UTC), at(3, 8)), ("AB-124-CD", at(3, 7), at(28, 23)))
    for plate, start, end in periods:
        chosen = {"vehicle_id": add_vehicle(world, plate), "driver_id": found, "starts_at": start, "ends_at": end}
        assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)
    return found


def month(world, driver, text, who=None):
    with tenant_session(world.organisation_id) as session:
        return read_driver_month(session, actor(who or world.fleet), driver, text, AS_OF)


def plates(page, day):
    return [page.vehicles[one.assignment.vehicle_id].plate for one in page.days[day - 1].stretches]


def test_each_day_says_which_vehicles_were_held_two_at_once_included(world, driver):
    page = month(world, driver, "2026-02")
    assert (page.title, page.previous, page.next, len(page.days)) == ("Février 2026", "2026-01", "2026-03", 28)
    assert plates(page, 1) == ["AB-123-CD"]
    assert plates(page, 3) == ["AB-123-CD", "AB-124-CD"]
    assert plates(page, 4) == plates(page, 28) == ["AB-124-CD"]


@pytest.mark.parametrize("text", ["2026-01", "2026-03"])
def test_the_months_beside_have_no_part_of_it(world, driver, text):
    page = month(world, driver, text)
    assert page.vehicles == {}
    assert not any(one.stretches for one in page.days)


def test_what_is_no_month_opens_nothing_and_no_right_shows_nothing(world, driver):
    assert month(world, driver, "2026-13") is None
    assert month(world, driver, "2026-02", world.fines).vehicles == {}


def test_the_page_shows_plates_hours_and_its_tab(signed_in, world, driver, other_world):
    browser, path = signed_in(world.fleet), f"/conducteurs/{driver}/mois"
    answer = browser.get(f"{path}/2026-02")
    page = text_of(answer)
    for piece in ("Février 2026", "AB-123-CD", "AB-124-CD", "00:00 – 09:00", "08:00 – 24:00", "Toute la journée"):
        assert piece in page, piece
    assert f'href="{path}" aria-current="page"' in answer.text
    assert f"{path}/2026-01" in answer.text
    assert "Aucun véhicule ne lui est attribué ce mois-ci" in browser.get(f"{path}/2026-03").text
    assert browser.get(f"{path}/2026-13").status_code == 404
    assert signed_in(other_world.fleet).get(path).status_code == 404
