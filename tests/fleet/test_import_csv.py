"""Imports of CSV files, and of sheets under any name: the columns tell what they hold."""

from datetime import date

import pytest
from sqlalchemy import select

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import SheetRead, Workbook
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.models import Vehicle
from eprunes.long_work import run_long_work
from tests.fleet.test_import_pages import send
from tests.support.worlds import AS_OF

VEHICLES = "Immatriculation;Marque;1re mise en circulation;Date d’entrée\nAB-123-CD;Citroën;45000;03/03/2025\n"
PLATES = ["Immatriculation", "Marque"]
PEOPLE = ["Matricule", "Nom", "Prénom"]
PERIODS = ["Immatriculation", "Matricule", "Du", "Au"]


def recognised(*sheets: tuple[str, list[str]]):
    """What a workbook of these sheets (name, headings), with a line each, is understood as."""
    book = Workbook([SheetRead(name, [headings, ["x"] * len(headings)]) for name, headings in sheets])
    return recognise(book)


@pytest.mark.parametrize(
    ("headings", "kind"),
    [
        (PLATES, "vehicles"), (PEOPLE, "drivers"), (PERIODS, "assignments"),
        (["Du", "Matricule", "Immat"], "assignments"), (["Matricule", "Immatriculation", "VIN"], "vehicles"),
    ],
)  # fmt: skip
def test_a_sheet_under_another_name_is_what_its_columns_say(headings, kind):
    found = recognised(("Feuil1", headings))
    assert [table.kind.name for table in found.tables] == [kind]
    assert any("d’après ses colonnes" in note for note in found.notes)


@pytest.mark.parametrize("headings", [["Immatriculation"], ["Marque", "Modèle"], ["Nom", "Prénom"], ["x", "y"], []])
def test_columns_that_do_not_say_it_are_not_guessed(headings):
    with pytest.raises(Refused, match="Aucune feuille n’est reconnue"):
        recognised(("Feuil1", headings))


def test_a_sheet_of_the_expected_name_comes_before_one_that_looks_like_it():
    """An old copy in the same workbook is left aside, wherever it stands."""
    found = recognised(("Copie de 2019", [*PLATES, "Modèle"]), ("Véhicules", PLATES))
    assert [table.title for table in found.tables] == ["Véhicules"]
    assert (found.notes, len(found.warnings)) == ([], 1)
    assert "«\u00a0Copie de 2019\u00a0» n’est pas importée\u00a0: elle contient des véhicules" in found.warnings[0]


def test_a_csv_file_is_imported_like_a_workbook(world, signed_in):
    """Dates as texts or as Excel's numbers, letters of Windows."""
    browser = signed_in(world.fleet)
    page = send(browser, VEHICLES.encode("cp1252"), "parc.csv").location
    run_long_work(AS_OF)
    assert "d’après ses colonnes" in browser.get(page).text
    browser.post(f"{page}/confirmer")
    run_long_work(AS_OF)
    with tenant_session(world.organisation_id) as session:
        [vehicle] = session.scalars(select(Vehicle).where(Vehicle.organisation_id == world.organisation_id))
    assert (vehicle.plate, vehicle.make, vehicle.first_registered_on) == ("AB-123-CD", "Citroën", date(2023, 3, 15))


def test_the_lines_of_a_csv_file_that_are_refused_come_back_with_their_reason(world, signed_in):
    browser = signed_in(world.fleet)
    page = send(browser, (VEHICLES + "AC-999-ZZ;Fiat;hier;\n").encode(), "parc.csv").location
    run_long_work(AS_OF)
    assert "n’est pas une date" in browser.get(page).text
    assert browser.get(f"{page}/lignes-refusees.xlsx").data.startswith(b"PK")
