"""An import written in the database: all of it or nothing, once, as it was agreed to."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy import func, select

from eprunes.accounts import quota
from eprunes.accounts.quota import QuotaExceeded
from eprunes.accounts.services import clients
from eprunes.core.audit import AuditEntry
from eprunes.core.config import PROJECT_ROOT
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.reading import read_workbook
from eprunes.fleet.driver_details import KEY_PURPOSE, open_details
from eprunes.fleet.exports import fleet_workbook
from eprunes.fleet.importing.applying import FleetChanged, apply_import
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.importing.parsing import parse
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.models import Assignment, Driver, Vehicle
from tests.support.fleet_files import (
    DRIVER,
    ENTRY,
    OTHER_DRIVER,
    OTHER_VEHICLE,
    PARIS,
    VEHICLE,
    counts,
    fleet_file,
    large_file,
    paris,
    parsed,
    sheets,
)
from tests.support.worlds import AS_OF, actor, make_world

SAMPLE = PROJECT_ROOT / "demo" / "parc-transports-durand.xlsx"
AFTER_SAMPLE = datetime(2026, 11, 22, 9, tzinfo=ZoneInfo("UTC"))
MORNING = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - a cell has no zone
EVENING = datetime(2026, 1, 9, 18)  # noqa: DTZ001


def agree(world, content, as_of=AS_OF, zone=PARIS):
    """Plan an import and apply it at once; returns the plan."""
    plan = make_plan(world.organisation_id, content, zone, as_of)
    apply_agreed(world, content, plan, as_of, zone)
    return plan


def apply_agreed(world, content, plan, as_of=AS_OF, zone=PARIS):
    apply_import(
        world.organisation_id,
        content,
        zone,
        agreed=plan.digest(),
        new_drivers=plan.new_drivers,
        author_id=None,
        as_of=as_of,
    )


def read(path_or_bytes, zone=PARIS):
    data = path_or_bytes.read_bytes() if isinstance(path_or_bytes, Path) else path_or_bytes
    return parse(recognise(read_workbook(data)), zone)


def rows(world, model):
    with tenant_session(world.organisation_id) as session:
        return session.scalars(select(model).where(model.organisation_id == world.organisation_id)).all()


def how_many(world, model):
    with tenant_session(world.organisation_id) as session:
        return session.scalar(
            select(func.count()).select_from(model).where(model.organisation_id == world.organisation_id)
        )


def driver_keys(world):
    return set(key_store().all_keys(world.organisation_id, KEY_PURPOSE))


def places_used(world):
    with tenant_session(world.organisation_id) as session:
        return quota.usage(session, AS_OF)[0]


def snapshot(world):
    """Every stored cell of the fleet."""
    return {
        model.__tablename__: sorted(
            [repr([getattr(row, column.key) for column in model.__table__.columns]) for row in rows(world, model)]
        )
        for model in (Vehicle, Driver, Assignment)
    }


@pytest.fixture(scope="module")
def sample():
    return read(SAMPLE)


@pytest.fixture
def durand(app):
    return make_world(0, vehicles=240, as_of=AFTER_SAMPLE)


def test_the_sample_is_imported_line_for_line(durand, sample):
    """C4.2"""
    book = openpyxl.load_workbook(SAMPLE, read_only=True)
    lines = {sheet.title: len(list(sheet.iter_rows(min_row=2))) for sheet in book}
    plan = agree(durand, sample, AFTER_SAMPLE)
    assert counts(plan) == {
        "vehicles": (lines["Véhicules"], 0, 0, 0),
        "drivers": (lines["Conducteurs"], 0, 0, 0),
        "assignments": (lines["Attributions"], 0, 0, 0),
    }
    assert {name: how_many(durand, model) for name, model in (("v", Vehicle), ("d", Driver), ("a", Assignment))} == {
        "v": lines["Véhicules"],
        "d": lines["Conducteurs"],
        "a": lines["Attributions"],
    }
    assert places_used(durand) == lines["Véhicules"]


def test_every_cell_of_the_sample_is_stored_as_openpyxl_reads_it(durand, sample):
    """C4.2"""
    agree(durand, sample, AFTER_SAMPLE)
    book = openpyxl.load_workbook(SAMPLE)
    vehicles = {vehicle.plate_key: vehicle for vehicle in rows(durand, Vehicle)}
    for plate, make, model, category, vin, registered, holding, entered, _, site in cells_of(book, "Véhicules"):
        vehicle = vehicles[plate_key(plate)]
        assert (vehicle.make, vehicle.model, vehicle.category, vehicle.vin) == (make, model, category, vin)
        assert vehicle.first_registered_on == as_day(registered)
        assert vehicle.entered_at == paris(entered.year, entered.month, entered.day)
        assert {"Propriété": "propriete"}.get(holding, holding.lower()) == vehicle.holding
        assert vehicle.site == site
        assert vehicle.counts_in_quota
    drivers = rows(durand, Driver)
    details = open_details(key_store(), drivers)
    by_number = {driver.staff_number: driver for driver in drivers}
    for number, civility, last, first, born, line, postcode, city, phone, email, licence, issued, kind in cells_of(
        book, "Conducteurs"
    ):
        driver = by_number[number]
        found = details[driver.id]
        assert (found.last_name.casefold(), found.first_name) == (last.casefold(), first)
        assert (found.civility, found.address_line, found.city, found.email) == (civility, line, city, email)
        assert (found.birth_date, found.licence_issued_on) == (born.date(), issued.date())
        assert found.postcode == str(postcode).zfill(5)
        assert found.phone.startswith("+")
        assert found.phone[-9:] == "".join(filter(str.isdigit, phone))[-9:]
        assert found.licence_number == (licence or "")
        assert driver.kind == {"Préposé": "prepose", "Locataire": "locataire"}[kind]
        assert driver.is_designable == (bool(licence) and issued > born)
    held = Counter(
        (assignment.vehicle_id, assignment.driver_id, assignment.starts_at, assignment.ends_at)
        for assignment in rows(durand, Assignment)
    )
    assert held == Counter(
        (vehicles[plate_key(plate)].id, by_number[number].id, as_instant(start), as_instant(end))
        for plate, number, start, end in cells_of(book, "Attributions")
    )


def cells_of(book, sheet):
    return list(book[sheet].iter_rows(min_row=2, values_only=True))


def plate_key(text):
    return "".join(filter(str.isalnum, text)).upper()


def as_day(cell):
    return cell.date() if isinstance(cell, datetime) else date(*map(int, reversed(cell.split("/"))))


def as_instant(cell):
    return cell and paris(*cell.timetuple()[:6])


def test_the_second_import_of_the_same_file_changes_nothing(durand, sample):
    agree(durand, sample, AFTER_SAMPLE)
    before, keys = snapshot(durand), driver_keys(durand)
    plan = agree(durand, sample, AFTER_SAMPLE + timedelta(days=1))
    assert plan.is_empty
    assert [(one.created, one.changed, one.refused) for one in plan.counts.values()] == [(0, 0, 0)] * 3
    assert plan.changes == []
    assert (snapshot(durand), driver_keys(durand)) == (before, keys)
    entries = sorted(rows(durand, AuditEntry), key=lambda entry: entry.at)
    actions = [entry.action for entry in entries if entry.action.startswith("parc.")]
    assert actions == ["parc.importe", "parc.import_sans_changement"]


def test_what_the_file_changes_is_written_field_by_field(world):
    agree(world, parsed(sheets(vehicles=[VEHICLE], drivers=[DRIVER], assignments=[["AB-123-CD", "E1", MORNING, None]])))
    [before] = rows(world, Vehicle)
    agree(
        world,
        parsed(
            sheets(
                vehicles=[["AB-123-CD", None, None, None, "Nantes"], OTHER_VEHICLE],
                drivers=[["E1", "Dumas", "Caroline", 7407, None, None], OTHER_DRIVER],
                assignments=[["AB-123-CD", "E2", EVENING, None], ["AB-123-CD", "E1", MORNING, EVENING]],
            )
        ),
    )
    vehicles = {vehicle.plate: vehicle for vehicle in rows(world, Vehicle)}
    assert vehicles["AB-123-CD"].id == before.id
    assert (vehicles["AB-123-CD"].site, vehicles["AB-123-CD"].make) == ("Nantes", "Renault")
    drivers = {driver.staff_number: driver for driver in rows(world, Driver)}
    details = open_details(key_store(), drivers.values())[drivers["E1"].id]
    assert (details.postcode, details.licence_number) == ("07407", "269134022100")
    found = sorted((row.starts_at, row.ends_at, row.driver_id) for row in rows(world, Assignment))
    assert found == [
        (paris(2026, 1, 5, 8), paris(2026, 1, 9, 18), drivers["E1"].id),
        (paris(2026, 1, 9, 18), None, drivers["E2"].id),
    ]
    assert places_used(world) == 2


def test_a_change_of_holders_is_written_in_an_order_that_never_overlaps(world):
    """The database refuses overlaps row by row: ends come before starts, shorter before longer."""
    days = [datetime(2026, 1, day, 8) for day in (5, 10, 15, 20)]  # noqa: DTZ001
    fleet = {"vehicles": [VEHICLE], "drivers": [DRIVER, OTHER_DRIVER]}
    first = [["AB-123-CD", "E1", days[0], days[1]], ["AB-123-CD", "E2", days[1], days[3]]]
    agree(world, parsed(sheets(**fleet, assignments=first)))
    second = [
        ["AB-123-CD", "E2", days[2], None],
        ["AB-123-CD", "E1", days[0], days[1]],
        ["AB-123-CD", "E2", days[1], days[2]],
    ]
    plan = agree(world, parsed(sheets(**fleet, assignments=second)))
    assert counts(plan)["assignments"] == (1, 1, 1, 0)


def test_the_assignments_of_a_leaving_vehicle_end_with_it_and_its_place_is_given_back(world):
    agree(world, parsed(sheets(vehicles=[VEHICLE], drivers=[DRIVER], assignments=[["AB-123-CD", "E1", MORNING, None]])))
    agree(world, parsed(sheets(vehicles=[["AB-123-CD", None, None, date(2026, 3, 1), None]])))
    [vehicle], [assignment] = rows(world, Vehicle), rows(world, Assignment)
    assert vehicle.left_at == assignment.ends_at == paris(2026, 3, 2)
    assert not vehicle.counts_in_quota
    assert places_used(world) == 0


def test_an_import_over_quota_writes_nothing_at_all(app):
    """C4.1-a"""
    world = make_world(0, vehicles=1)
    content = parsed(sheets(vehicles=[VEHICLE, OTHER_VEHICLE], drivers=[DRIVER]))
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)
    assert plan.is_over_quota
    with pytest.raises(QuotaExceeded, match="il en faudrait 2"):
        apply_agreed(world, content, plan)
    assert (how_many(world, Vehicle), how_many(world, Driver), places_used(world)) == (0, 0, 0)
    assert driver_keys(world) == set()


def test_an_import_that_fills_the_order_form_exactly_is_written(app):
    """C4.1-a"""
    world = make_world(0, vehicles=2)
    agree(world, parsed(sheets(vehicles=[VEHICLE, OTHER_VEHICLE])))
    assert places_used(world) == 2


def test_a_quota_lowered_after_the_preview_still_counts(world):
    """C4.1-a"""
    content = parsed(sheets(vehicles=[VEHICLE, OTHER_VEHICLE]))
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)
    clients.new_order_form(
        organisation_id=world.organisation_id, vehicles=1, tools=("fleet",), effective_from=AS_OF.date(), as_of=AS_OF
    )
    with pytest.raises(QuotaExceeded):
        apply_agreed(world, content, plan)
    assert how_many(world, Vehicle) == 0


def test_a_fleet_that_changed_after_the_preview_asks_for_another_one(world):
    content = parsed(sheets(vehicles=[VEHICLE], drivers=[DRIVER]))
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)
    agree(world, parsed(sheets(vehicles=[[*VEHICLE[:4], "Nantes"]])))
    with pytest.raises(FleetChanged):
        apply_agreed(world, content, plan)
    assert [vehicle.site for vehicle in rows(world, Vehicle)] == ["Nantes"]
    assert (how_many(world, Driver), driver_keys(world)) == (0, set())


def test_a_change_elsewhere_in_the_fleet_does_not_disturb_an_agreed_import(world):
    content = parsed(sheets(vehicles=[VEHICLE]))
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)
    agree(world, parsed(sheets(vehicles=[OTHER_VEHICLE])))
    apply_agreed(world, content, plan)
    assert how_many(world, Vehicle) == 2


def test_an_import_that_fails_in_the_middle_writes_nothing(world):
    content = parsed(sheets(vehicles=[VEHICLE], drivers=[DRIVER], assignments=[["AB-123-CD", "E1", MORNING, None]]))
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)

    def die(session):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_import(
            world.organisation_id, content, PARIS, agreed=plan.digest(), new_drivers=plan.new_drivers,
            author_id=None, as_of=AS_OF, finish=die,
        )  # fmt: skip
    assert (how_many(world, Vehicle), how_many(world, Driver), how_many(world, Assignment)) == (0, 0, 0)
    apply_agreed(world, content, plan)
    assert how_many(world, Assignment) == 1


def test_the_audit_entry_holds_counts_and_nothing_personal(world):
    agree(world, parsed(sheets(vehicles=[VEHICLE, ["?", None, ENTRY, None, None]], drivers=[DRIVER])))
    [entry] = [entry for entry in rows(world, AuditEntry) if entry.action == "parc.importe"]
    assert entry.details == {
        "vehicles": {"lues": 2, "creees": 1, "modifiees": 0, "refusees": 1},
        "drivers": {"lues": 1, "creees": 1, "modifiees": 0, "refusees": 0},
    }


def test_an_import_touches_its_own_organisation_alone(world, other_world):
    for one in (world, other_world):
        agree(one, parsed(sheets(vehicles=[VEHICLE], drivers=[DRIVER])))
    agree(world, parsed(sheets(vehicles=[[*VEHICLE[:4], "Nantes"]])))
    assert [vehicle.site for vehicle in rows(other_world, Vehicle)] == ["Lyon"]


def test_a_new_driver_is_sealed_with_a_key_of_its_own(world):
    agree(world, parsed(sheets(drivers=[DRIVER, OTHER_DRIVER])))
    drivers = rows(world, Driver)
    assert {driver.key_id for driver in drivers} == driver_keys(world)
    assert all(b"Caroline" not in driver.box for driver in drivers)
    key_store().destroy_keys(world.organisation_id, [drivers[0].key_id])
    assert drivers[0].id not in open_details(key_store(), drivers)


def test_a_driver_whose_key_is_destroyed_is_not_written_over(world):
    agree(world, parsed(sheets(drivers=[DRIVER])))
    key_store().destroy_keys(world.organisation_id, driver_keys(world))
    plan = make_plan(world.organisation_id, parsed(sheets(drivers=[DRIVER])), PARIS, AS_OF)
    assert [problem.sentence for problem in plan.problems] == ["Les données de ce conducteur ont été effacées."]


def test_thousands_of_lines_are_planned_and_written(app):
    world = make_world(0, vehicles=2_000)
    content = read(large_file(2_000, 1_000, 2_000))
    plan = agree(world, content)
    assert counts(plan) == {"vehicles": (2000, 0, 0, 0), "drivers": (1000, 0, 0, 0), "assignments": (2000, 0, 0, 0)}
    assert make_plan(world.organisation_id, content, PARIS, AS_OF).is_empty


def test_many_parts_of_lines_are_planned_and_written(app):
    """More lines than any part that is read, sealed or written at once."""
    world = make_world(0, vehicles=12_000)
    plan = agree(world, read(large_file(12_000)))
    assert counts(plan)["vehicles"] == (12_000, 0, 0, 0)
    assert how_many(world, Vehicle) == places_used(world) == 12_000


def test_the_file_itself_may_come_from_any_spreadsheet(world):
    agree(
        world, read(fleet_file(vehicles=[VEHICLE], drivers=[DRIVER], assignments=[["ab 123 cd", "E1", MORNING, None]]))
    )
    [assignment] = rows(world, Assignment)
    assert (assignment.starts_at, assignment.ends_at, assignment.source) == (paris(2026, 1, 5, 8), None, "import")


def test_of_two_imports_of_one_plate_at_the_same_instant_the_second_is_shown_again(world, app):
    content = parsed(sheets(vehicles=[VEHICLE], drivers=[DRIVER]))
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)
    options = {"agreed": plan.digest(), "new_drivers": plan.new_drivers, "author_id": None, "as_of": AS_OF}
    outcomes = []

    def second():
        with app.app_context():
            try:
                apply_import(world.organisation_id, content, PARIS, **options)
                outcomes.append("written")
            except FleetChanged:
                outcomes.append("shown again")

    rival = Thread(target=second)

    def start_the_rival(session):
        """Once the first import has written its rows, and before it commits."""
        session.flush()
        rival.start()
        rival.join(0.5)
        assert rival.is_alive()

    apply_import(world.organisation_id, content, PARIS, **options, finish=start_the_rival)
    rival.join(20)
    assert outcomes == ["shown again"]
    assert (how_many(world, Vehicle), how_many(world, Driver), places_used(world)) == (1, 1, 1)
    assert len(driver_keys(world)) == 1


def test_what_was_exported_can_be_imported_again_and_changes_nothing(durand, sample):
    """C7-a"""
    agree(durand, sample, AFTER_SAMPLE)
    exporter = actor(durand.fleet, AFTER_SAMPLE)
    with tenant_session(durand.organisation_id) as session:
        exported = fleet_workbook(exporter, session, AFTER_SAMPLE)
    plan = make_plan(durand.organisation_id, read(exported), PARIS, AFTER_SAMPLE)
    assert plan.is_empty
    assert counts(plan) == {"vehicles": (0, 0, 240, 0), "drivers": (0, 0, 205, 0), "assignments": (0, 0, 348, 0)}
