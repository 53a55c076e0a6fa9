"""The fleet taken out as Excel workbooks (C7-a)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.reading import read_workbook
from eprunes.fleet import exports, names
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.driver_search import DriverSearch
from eprunes.fleet.export_sheets import end_cell, start_cell
from eprunes.fleet.importing.applying import apply_import
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.importing.parsing import parse
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.models import ExitReason
from eprunes.fleet.queries import visible_drivers
from eprunes.fleet.services import assignments, drivers, vehicles
from eprunes.fleet.vehicle_search import VehicleSearch
from tests.fleet.fleets import add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor

PARIS, NOUMEA = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Noumea")
ENTRY = datetime(2024, 12, 31, 23, 0, tzinfo=UTC)
START = datetime(2026, 2, 2, 7, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 6, 23, 0, tzinfo=UTC)
EVENING = datetime(2026, 2, 20, 17, 30, tzinfo=UTC)
DEMO_HEADINGS = {
    "Véhicules": ["Immatriculation", "Marque", "Modèle", "Genre", "VIN", "1re mise en circulation", "Détention",
                  "Date d’entrée", "Date de sortie", "Site"],
    "Conducteurs": ["Matricule", "Civilité", "Nom", "Prénom", "Date de naissance", "Adresse", "Code postal", "Ville",
                    "Téléphone", "E-mail", "N° de permis", "Permis délivré le", "Qualité"],
    "Attributions": ["Immatriculation", "Matricule conducteur", "Du", "Au"],
}  # fmt: skip


@pytest.fixture
def fleet(world):
    """Three vehicles (one left at midnight, one at an hour, one foreign), two drivers, three assignments."""
    boss = actor(world.fleet)
    first = add_vehicle(world, "AB-123-CD", make="Renault", model="Trafic", site="Lyon", entered_at=ENTRY)
    second = add_vehicle(world, "AB-124-CD", entered_at=ENTRY + timedelta(hours=9))
    third = add_vehicle(world, "1-ABC-234", country="BE", entered_at=ENTRY)
    dumas, marin = add_driver(world, "Dumas", "E1"), add_driver(world, "Marin", "E2", licence_number="")
    periods = ((first, dumas, START, MIDNIGHT), (second, marin, START, EVENING), (third, marin, START, None))
    for vehicle_id, driver_id, starts_at, ends_at in periods:
        chosen = {"vehicle_id": vehicle_id, "driver_id": driver_id, "starts_at": starts_at, "ends_at": ends_at}
        assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    for vehicle_id, at in ((first, MIDNIGHT), (second, EVENING)):
        vehicles.leave_fleet(actor=boss, vehicle_id=vehicle_id, at=at, reason=ExitReason.OTHER, as_of=AS_OF)
    return boss


def read(content):
    """The sheets by title, each as a list of dictionaries by heading."""
    return {sheet.name: lines_of(sheet.rows) for sheet in read_workbook(content).sheets}


def lines_of(rows):
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def take_out(fleet, how, *args, **keywords):
    with tenant_session(fleet.organisation_id) as session:
        return how(fleet, session, *args, as_of=AS_OF, **keywords)


def test_the_whole_fleet_comes_out_on_the_three_sheets_of_the_import(fleet):
    """C7-a: export is available at any time."""
    sheets = {sheet.name: sheet.rows for sheet in read_workbook(take_out(fleet, exports.fleet_workbook)).sheets}
    assert {title: set(wanted) - set(sheets[title][0]) for title, wanted in DEMO_HEADINGS.items()} == {
        "Véhicules": set(),
        "Conducteurs": set(),
        "Attributions": set(),
    }
    assert [len(rows) - 1 for rows in sheets.values()] == [3, 2, 3]


def test_what_was_exported_can_be_imported_again_and_changes_nothing(fleet):
    """C7-a"""
    parsed = parse(recognise(read_workbook(take_out(fleet, exports.fleet_workbook))), PARIS)
    plan = make_plan(fleet.organisation_id, parsed, PARIS, AS_OF)
    assert [(one.created, one.changed, one.refused) for one in plan.counts.values()] == [(0, 0, 0)] * 3
    assert [one.unchanged for one in plan.counts.values()] == [3, 2, 3]


def test_drivers_without_a_staff_number_come_back_with_all_they_hold_and_change_nothing(fleet, world):
    """C7-a: our own columns for people are passed over without a word."""
    boss, vehicle = fleet, add_vehicle(world, "AB-125-CD", entered_at=ENTRY)
    prune, noyau = add_driver(world, "Prune"), add_driver(world, "Noyau", birth_date=None)
    for driver_id, start, end in ((prune, START, EVENING), (noyau, EVENING, None)):
        period = {"starts_at": start, "ends_at": end}
        assignments.assign(actor=boss, vehicle_id=vehicle, driver_id=driver_id, **period, as_of=AS_OF)
    drivers.driver_left(actor=boss, driver_id=noyau, on=date(2026, 5, 1), as_of=AS_OF)
    parsed = parse(recognise(read_workbook(take_out(fleet, exports.fleet_workbook))), PARIS)
    plan = make_plan(fleet.organisation_id, parsed, PARIS, AS_OF)
    assert plan.problems == plan.notes == plan.changes == []
    assert plan.is_empty
    assert [one.unchanged for one in plan.counts.values()] == [4, 4, 5]


def test_what_was_corrected_in_an_export_is_written_for_drivers_without_a_staff_number_too(fleet, world):
    add_driver(world, "Prune", city="Lyon")
    book = read_workbook(take_out(fleet, exports.fleet_workbook))
    for sheet in book.sheets:
        for row in sheet.rows:
            row[:] = ["Nantes" if cell == "Lyon" else cell for cell in row]
    parsed = parse(recognise(book), PARIS)
    plan = make_plan(fleet.organisation_id, parsed, PARIS, AS_OF)
    agreed = {"agreed": plan.digest(), "new_drivers": plan.new_drivers, "author_id": fleet.user_id}
    apply_import(fleet.organisation_id, parsed, PARIS, **agreed, as_of=AS_OF)
    with tenant_session(fleet.organisation_id) as session:
        rows = list(session.scalars(visible_drivers(fleet)))
    people = open_details(key_store(), rows).values()
    assert len(rows) == 3
    assert [one.city for one in people if one.last_name == "Prune"] == ["Nantes"]


def test_dates_are_real_dates_and_choices_are_words(fleet):
    sheets = read(take_out(fleet, exports.fleet_workbook))
    first = next(line for line in sheets["Véhicules"] if line["Immatriculation"] == "AB-123-CD")
    assert first["Détention"] == "Propriété"
    assert first["Pays"] == "FR"
    driver = next(line for line in sheets["Conducteurs"] if line["Matricule"] == "E1")
    assert driver["Date de naissance"] == date(1974, 12, 29)
    assert (driver["Qualité"], driver["Prêt à être désigné"]) == ("Préposé", "Oui")


def test_a_list_is_exported_as_it_was_searched(fleet):
    found = read(take_out(fleet, exports.vehicles_workbook, VehicleSearch(state="sortis")))
    assert [line["Immatriculation"] for line in found["Véhicules"]] == ["AB-123-CD", "AB-124-CD"]
    present = read(take_out(fleet, exports.vehicles_workbook, VehicleSearch()))["Véhicules"]
    assert [(line["Immatriculation"], line["Conducteur actuel"]) for line in present] == [
        ("1-ABC-234", "MARIN Caroline")
    ]
    incomplete = read(take_out(fleet, exports.drivers_workbook, DriverSearch(text="mar", readiness="incomplete")))
    assert [line["Nom"] for line in incomplete["Conducteurs"]] == ["Marin"]
    nobody = read_workbook(take_out(fleet, exports.drivers_workbook, DriverSearch(text="zzz"))).sheets[0]
    assert "Matricule" in nobody.rows[0]


def test_drivers_are_exported_in_the_order_of_the_list(fleet):
    for sort, expected in (("nom", ["Dumas", "Marin"]), ("matricule", ["Dumas", "Marin"])):
        found = read(take_out(fleet, exports.drivers_workbook, DriverSearch(sort=sort)))
        assert [line["Nom"] for line in found["Conducteurs"]] == expected


def test_the_assignments_of_one_driver_come_out_alone(fleet):
    with tenant_session(fleet.organisation_id) as session:
        marin = next(one for one in names.named(session, fleet, visible_drivers(fleet)) if "MARIN" in one.name)
    found = read(take_out(fleet, exports.assignments_workbook, driver_id=marin.id))["Attributions"]
    assert {line["Immatriculation"] for line in found} == {"1-ABC-234", "AB-124-CD"}
    assert {line["Nom du conducteur"] for line in found} == {"MARIN Caroline"}


def test_an_erased_driver_is_not_exported_and_the_periods_are(fleet):
    with tenant_session(fleet.organisation_id) as session:
        row = session.scalars(visible_drivers(fleet)).first()
    key_store().destroy_keys(fleet.organisation_id, [row.key_id])
    sheets = read(take_out(fleet, exports.fleet_workbook))
    assert len(sheets["Conducteurs"]) == 1
    assert "Données effacées" in {line["Nom du conducteur"] for line in sheets["Attributions"]}


def test_a_midnight_is_a_day_the_last_one_where_something_ends():
    midnight = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
    assert start_cell(midnight, PARIS) == date(2026, 3, 4)
    assert end_cell(midnight, PARIS) == date(2026, 3, 3)
    assert start_cell(midnight, NOUMEA) == end_cell(midnight, NOUMEA) == datetime(2026, 3, 4, 10, 0)  # noqa: DTZ001
    assert end_cell(None, PARIS) is None


def test_what_is_taken_out_is_traced_with_its_number_of_lines(fleet):
    take_out(fleet, exports.fleet_workbook)
    with tenant_session(fleet.organisation_id) as session:
        query = select(AuditEntry).where(
            AuditEntry.organisation_id == fleet.organisation_id, AuditEntry.action == "parc.exporte"
        )
        [entry] = session.scalars(query)
    assert entry.actor_id == fleet.user_id
    assert entry.details == {"Véhicules": 3, "Conducteurs": 2, "Attributions": 3}


def test_no_other_company_is_in_an_export(fleet, other_world):
    add_vehicle(other_world, "ZZ-999-ZZ")
    canary = DriverDetails(last_name="Canari", first_name="Jaune")
    drivers.add_driver(actor=actor(other_world.fleet), details=canary, staff_number="CANARI", as_of=AS_OF)
    content = str(read(take_out(fleet, exports.fleet_workbook)))
    assert "ZZ-999-ZZ" not in content
    assert "CANARI" not in content
