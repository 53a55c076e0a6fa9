"""What the home page says of a fleet: before the first vehicle, and of shared ones."""

import re
from datetime import timedelta

from eprunes.fleet.services import assignments
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.support.fleet import change_vehicle, receive_notice
from tests.support.worlds import AS_OF, actor

START = "Votre parc est vide"
PATHS = ('href="/import"', 'href="/vehicules/nouveau"')


def test_an_empty_fleet_opens_on_how_to_fill_it(signed_in, world):
    page = signed_in(world.fleet).get("/").text
    assert START in page
    assert "Rien à faire" not in page
    assert all(path in page for path in PATHS)


def test_who_has_no_right_on_the_fleet_is_not_asked_to_fill_it(signed_in, world):
    page = signed_in(world.fines).get("/").text
    assert START not in page
    assert "Rien à faire" in page
    assert not any(path in page for path in PATHS)


def test_a_fleet_with_nothing_left_to_do_is_no_longer_empty(signed_in, world):
    vehicle, driver = add_vehicle(world), add_driver(world)
    held = {"vehicle_id": vehicle, "driver_id": driver, "starts_at": ENTERED}
    assignments.assign(actor=actor(world.fleet), **held, as_of=AS_OF)
    change_vehicle(world.organisation_id, vehicle, antai_declared_at=ENTERED, antai_acknowledged_at=ENTERED)
    page = signed_in(world.fleet).get("/").text
    assert START not in page
    assert "Rien à faire" in page


def test_a_free_shared_vehicle_is_nothing_to_do(signed_in, world):
    browser, words = signed_in(world.fleet), "sans conducteur en ce moment"
    shared = add_vehicle(world, is_pool=True)
    assert words not in browser.get("/").text
    own = add_vehicle(world, "AB-124-CD")
    page = browser.get("/").text
    assert words in page
    listed = browser.get(re.search(r'href="([^"]*sans-conducteur[^"]*)"', page)[1].replace("&amp;", "&")).text
    assert f"/vehicules/{own}" in listed
    assert f"/vehicules/{shared}" not in listed


def test_notices_that_nobody_answered_in_their_days_are_told_to_the_administrator_alone(signed_in, world):
    """C4.3-f"""
    tile = 'href="/contraventions?vue=delai-passe"><div class="tile-number">1</div>'
    receive_notice(world.organisation_id, posted_at=AS_OF - timedelta(days=45))
    assert "delai-passe" not in signed_in(world.admin).get("/").text
    receive_notice(world.organisation_id, posted_at=AS_OF - timedelta(days=46))
    assert tile in signed_in(world.admin).get("/").text
    assert "delai-passe" not in signed_in(world.fines).get("/").text
