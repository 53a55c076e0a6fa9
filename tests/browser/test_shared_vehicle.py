"""A shared vehicle, taken and given back on a telephone."""

import re
from datetime import timedelta

from sqlalchemy import select

from eprunes.core.database import tenant_session
from eprunes.fleet.models import Assignment
from tests.support.fleet import add_driver, add_vehicle, change_vehicle

DOMAIN = "partage.example"


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def fill(platform):
    """One shared vehicle and one driver."""
    found = platform.add_organisation(DOMAIN)
    with platform.opened():
        change_vehicle(found, add_vehicle(found, "AB-123-CD"), is_pool=True)
        add_driver(found)
    return found


def an_hour_passes(platform, organisation_id) -> None:
    """The one use began an hour earlier than it did."""
    with platform.opened(), tenant_session(organisation_id, write=True) as session:
        row = session.scalars(select(Assignment).where(Assignment.organisation_id == organisation_id)).one()
        row.starts_at -= timedelta(hours=1)


def test_a_shared_vehicle_is_taken_in_two_taps_and_given_back_in_one(platform, sign_in):
    """C4.2: at 360 px, with a way back from a slip of the finger."""
    mine = fill(platform)
    phone = sign_in(f"parc@{DOMAIN}", width=360)
    phone.get_by_role("link", name="Partagés").click()
    phone.get_by_role("heading", name="Véhicules partagés").wait_for()
    assert fits(phone)

    phone.get_by_role("link", name="Prendre").click()
    driver = phone.get_by_role("button", name="QUATREMARE")
    driver.wait_for()
    assert fits(phone)
    assert driver.bounding_box()["height"] >= 44
    driver.click()
    phone.get_by_text("est pris").wait_for()
    assert phone.get_by_text("QUATREMARE Noëlig").count() == 1
    assert re.search(r"Depuis le .* \d\d:\d\d", phone.locator(".pool-card").inner_text())
    assert fits(phone)

    phone.get_by_role("button", name="Rendre").click()
    phone.get_by_text("Rendu dans la minute").wait_for()
    assert fits(phone)
    phone.get_by_role("link", name="Prendre").click()
    driver.click()
    phone.get_by_text("est pris").wait_for()
    an_hour_passes(platform, mine)
    phone.get_by_role("button", name="Rendre").click()
    phone.get_by_text("est rendu").wait_for()
    assert phone.get_by_text("Libre", exact=True).count() == 1
    phone.get_by_role("button", name="Annuler le retour").click()
    phone.get_by_text("Retour annulé").wait_for()
    phone.get_by_role("button", name="Rendre").click()
    phone.get_by_text("est rendu").wait_for()
    assert fits(phone)
