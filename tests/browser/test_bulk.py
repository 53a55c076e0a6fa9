"""Three hundred vehicles handed to one driver, from the boxes of the list to the workbook of the result."""

import re
from types import SimpleNamespace
from uuid import UUID

import openpyxl
from playwright.sync_api import expect
from sqlalchemy import func, select

from eprunes.core import clock
from eprunes.core.database import tenant_session
from eprunes.fleet.models import Assignment, Driver
from eprunes.fleet.queries import running_at
from tests.fleet.fleets import fill

MANY = 300


def filled(platform, domain: str, vehicle_count: int) -> UUID:
    """The id of a new client with vehicles, nine in ten of them held."""
    own = platform.add_organisation(domain)
    with platform.opened():
        fill(SimpleNamespace(organisation_id=own), vehicle_count=vehicle_count, driver_count=40, as_of=clock.now())
    return own


def held_by(own: UUID, staff_number: str) -> int:
    """How many vehicles a driver holds now."""
    with tenant_session(own) as session:
        mine = Driver.organisation_id == own, Driver.staff_number == staff_number
        driver = session.scalars(select(Driver.id).where(*mine)).one()
        held = Assignment.organisation_id == own, Assignment.driver_id == driver, running_at(clock.now())
        return session.scalar(select(func.count()).select_from(Assignment).where(*held))


def test_three_hundred_vehicles_are_reassigned_at_once(platform, sign_in, tmp_path):
    """C4.2: ticked or all those found, checked, agreed to, done while one looks elsewhere."""
    own = filled(platform, "groupe.example", MANY)
    page = sign_in("parc@groupe.example")
    page.get_by_role("link", name="Véhicules", exact=True).click()
    reassign = page.get_by_role("button", name="Réattribuer")
    expect(reassign).to_be_disabled()
    page.get_by_label("Toute la page").check()
    assert reassign.text_content().strip() == "Réattribuer (80)"
    page.locator("td.pick input").first.uncheck()
    assert reassign.text_content().strip() == "Réattribuer (79)"
    expect(page.get_by_label("Toute la page")).not_to_be_checked()
    page.get_by_label("Les 300 trouvés").check()
    assert reassign.text_content().strip() == "Réattribuer (300)"
    reassign.click()

    page.get_by_role("heading", name="Réattribuer 300 véhicules").wait_for()
    page.get_by_label("Conducteur").fill("E1007")
    page.get_by_role("button", name="Vérifier 300 véhicules").click()
    confirm = page.get_by_role("button", name="Confirmer pour")
    confirm.wait_for()
    [ready, unready] = map(int, re.findall(r"(\d+) prêts, (\d+) non prêts?", page.locator("main").inner_text())[0])
    assert (ready + unready, unready > 0) == (MANY, True)
    assert page.get_by_text("Ce conducteur tient déjà ce véhicule à cet instant.").count() == unready
    assert page.get_by_text(f"tiendra {MANY} véhicules à la fois").count() == 1

    confirm.click()
    page.get_by_role("heading", name=f"{ready} faits, {unready} non").wait_for()
    with platform.opened():
        assert held_by(own, "E1007") == MANY
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Télécharger le classeur").click()
    downloading.value.save_as(tmp_path / "resultat.xlsx")
    book = openpyxl.load_workbook(tmp_path / "resultat.xlsx")
    assert [(sheet.title, sheet.max_row - 1) for sheet in book] == [("Faits", ready), ("Non faits", unready)]

    page.goto("/vehicules")
    page.locator("tbody .plate-link").first.click()
    page.get_by_role("list").filter(has_text="Attribué par").wait_for()


def test_boxes_work_without_a_script(platform, sign_in):
    filled(platform, "sans-script.example", 81)
    page = sign_in("parc@sans-script.example", java_script_enabled=False)
    page.goto("/vehicules")
    for box in page.locator("td.pick input").all()[:2]:
        box.check()
    page.get_by_role("button", name="Site ou centre de coûts").click()
    page.get_by_role("heading", name="de 2 véhicules").wait_for()
    page.goto("/vehicules")
    page.get_by_label("Toute la page").check()
    page.get_by_role("button", name="Site ou centre de coûts").click()
    page.get_by_role("heading", name="de 80 véhicules").wait_for()
