"""Drivers entered, completed and departed; who they are stands in the sealed box alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import pages, queries
from eprunes.fleet.driver_details import (
    ADDRESS_FIELDS,
    KEY_PURPOSE,
    DriverDetails,
    from_json,
    missing_for_designation,
    to_json,
)
from eprunes.fleet.driver_rules import date_problems, doubts, has_unusual_licence, tidied
from eprunes.fleet.models import DriverKind
from eprunes.fleet.services import assignments, drivers
from tests.fleet.fleets import COMPLETE, ENTERED, add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor

TODAY = date(2026, 3, 3)
DAY = timedelta(days=1)


def stored(world, driver_id):
    with tenant_session(world.organisation_id) as session:
        return queries.find_driver(session, actor(world.fleet), driver_id)


def change(world, driver_id, **changes):
    values = {"details": COMPLETE, "staff_number": None, "kind": DriverKind.EMPLOYEE, "left_on": None, **changes}
    drivers.change_driver(actor=actor(world.fleet), driver_id=driver_id, **values, as_of=AS_OF)


def keys_of(world):
    return key_store().all_keys(world.organisation_id, KEY_PURPOSE)


def test_the_fleet_holds_the_natural_persons_to_whom_vehicles_are_attributed(world):
    """C4.2: information on drivers."""
    row = stored(world, add_driver(world, staff_number=" E 1001 "))
    assert pages.details_of(row) == COMPLETE
    assert (row.staff_number, row.kind, row.is_designable) == ("E 1001", "prepose", True)
    assert b"Dumas" not in row.box


def test_a_renter_is_a_driver_too(world):
    """C1-a: employees or renters."""
    details = {"details": COMPLETE, "kind": DriverKind.RENTER}
    found = drivers.add_driver(actor=actor(world.fleet), **details, as_of=AS_OF)
    assert stored(world, found).kind == "locataire"


def test_a_file_is_ready_once_nothing_is_missing(world):
    found = add_driver(world, licence_number="")
    assert stored(world, found).is_designable is False
    change(world, found)
    assert stored(world, found).is_designable is True


def test_a_staff_number_is_given_once_in_a_company(world, other_world):
    add_driver(world, staff_number="E1")
    before = set(keys_of(world))
    with pytest.raises(Refused, match="porte déjà ce matricule") as refusal:
        add_driver(world, staff_number="E1")
    assert refusal.value.field == "staff_number"
    assert set(keys_of(world)) == before, "no key stays without a row"
    add_driver(world)
    add_driver(world)
    add_driver(other_world, staff_number="E1")


@pytest.mark.parametrize("typed", ["e1009", " e1009", "E1009\u200b", "\u202eE1009"])
def test_staff_numbers_that_differ_only_by_case_or_by_what_cannot_be_seen_are_one(world, typed):
    add_driver(world, staff_number="E1009")
    with pytest.raises(Refused, match="porte déjà ce matricule"):
        add_driver(world, staff_number=typed)
    found = add_driver(world, staff_number="E2")
    with pytest.raises(Refused, match="porte déjà ce matricule"):
        change(world, found, staff_number=typed)


def test_a_staff_number_is_kept_in_capitals_with_single_spaces(world):
    assert stored(world, add_driver(world, staff_number=" é  12 b")).staff_number == "É 12 B"


@pytest.mark.parametrize("typed", ["x" * 30, "ß" * 15])
def test_a_staff_number_takes_thirty_characters_in_capitals(world, typed):
    add_driver(world, staff_number=typed)
    with pytest.raises(Refused, match="30 caractères"):
        add_driver(world, staff_number=f"{typed}y")


@pytest.mark.parametrize("name", ["12", "😀 123", "<i>", "Dumas <b>", "Dumas 😀", "…", "’", "=1+1", "1️⃣ Dumas", "€uro"])
def test_a_name_without_letters_or_with_symbols_is_refused(world, name):
    with pytest.raises(Refused, match="n’est pas un nom") as refusal:
        add_driver(world, first_name=name)
    assert refusal.value.field == "first_name"


@pytest.mark.parametrize(
    "name", ["O’Brien", "D'Arc", "Le Goff (née Lévy)", "Nguyễn", "王", "Jean-Paul, Léo", "Nom 2", "Ø"]
)
def test_a_name_of_any_people_is_taken(world, name):
    assert pages.details_of(stored(world, add_driver(world, name))).last_name == name


def test_a_staff_number_is_not_changed_into_anothers(world):
    add_driver(world, staff_number="E1")
    found = add_driver(world, staff_number="E2")
    with pytest.raises(Refused, match="porte déjà ce matricule"):
        change(world, found, staff_number="E1")
    change(world, found, staff_number="E2")


def test_a_driver_whose_key_is_destroyed_can_no_longer_be_changed(world):
    found = add_driver(world)
    key_store().destroy_keys(world.organisation_id, keys_of(world))
    with pytest.raises(Refused, match="ont été effacées"):
        change(world, found)


def test_a_departure_ends_what_the_driver_holds_at_the_end_of_that_day(world):
    found, boss = add_driver(world), actor(world.fleet)
    for plate in ("AB-123-CD", "AB-124-CD"):
        chosen = {"vehicle_id": add_vehicle(world, plate), "driver_id": found, "starts_at": ENTERED}
        assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    drivers.driver_left(actor=boss, driver_id=found, on=TODAY, as_of=AS_OF)
    with tenant_session(world.organisation_id) as session:
        rows = session.scalars(queries.visible_assignments(boss)).all()
    assert {row.ends_at.isoformat() for row in rows} == {"2026-03-03T23:00:00+00:00"}
    assert stored(world, found).left_on == TODAY


def test_a_departure_before_an_assignment_to_come_is_refused(world):
    found, boss = add_driver(world), actor(world.fleet)
    chosen = {"vehicle_id": add_vehicle(world), "driver_id": found, "starts_at": AS_OF + DAY}
    assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    with pytest.raises(Refused, match="supprimez-la d’abord") as refusal:
        drivers.driver_left(actor=boss, driver_id=found, on=TODAY, as_of=AS_OF)
    assert refusal.value.field == "on"
    assert stored(world, found).left_on is None


def test_the_form_alone_never_ends_an_assignment(world):
    found, boss = add_driver(world), actor(world.fleet)
    chosen = {"vehicle_id": add_vehicle(world), "driver_id": found, "starts_at": ENTERED}
    assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    with pytest.raises(Refused, match="Départ du conducteur") as refusal:
        change(world, found, left_on=TODAY)
    assert refusal.value.field == "left_on"
    drivers.driver_left(actor=boss, driver_id=found, on=TODAY, as_of=AS_OF)
    change(world, found, left_on=TODAY)
    change(world, found, left_on=None)


def test_a_driver_of_another_organisation_is_out_of_reach(world, other_world):
    foreign = add_driver(other_world)
    with pytest.raises(Refused, match="n’est pas dans votre parc"):
        change(world, foreign)
    with pytest.raises(Refused, match="n’est pas dans votre parc"):
        drivers.driver_left(actor=actor(world.fleet), driver_id=foreign, on=TODAY, as_of=AS_OF)


@pytest.mark.parametrize(
    ("field", "wrong", "right"),
    [
        ("last_name", "  ", "D"),
        ("first_name", "", "C"),
        ("birth_date", date(2010, 3, 4), date(2010, 3, 3)),
        ("birth_date", date(2026, 3, 4), date(2000, 2, 29)),
        ("birth_date", date(1899, 12, 31), date(1900, 1, 1)),
        ("licence_issued_on", date(2026, 3, 4), date(2026, 3, 3)),
        ("city", "", "Orange"),
        ("licence_number", "12", "123"),
        ("licence_number", "1" * 21, "1" * 20),
        ("licence_number", "12é345", "a-12/34 b"),
        ("postcode", "8410", "84 104"),
        ("postcode", "2A004", "20000"),
        ("phone", "04 66 22", "04 66 22 08 85"),
        ("phone", "néant", "+32 2 555 12 12"),
        ("email", "caroline@", "caroline@exemple.fr"),
        ("country", "ZZ", "BE"),
        ("city", "x" * 101, "x" * 100),
    ],
)
def test_what_is_wrong_with_a_driver_is_said_on_its_field(field, wrong, right):
    known = replace(COMPLETE, licence_issued_on=None) if field == "birth_date" else COMPLETE
    assert set(tidied(replace(known, **{field: wrong}), TODAY)[1]) == {field}
    assert tidied(replace(known, **{field: right}), TODAY)[1] == {}


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("phone", "04 66 22 08 85", "+33466220885"),
        ("phone", "0033466220885", "+33466220885"),
        ("licence_number", "12ab34567", "12AB34567"),
        ("city", " Saint \u00a0Gérard ", "Saint Gérard"),
        ("country", "bel", "BE"),
    ],
)
def test_what_is_typed_is_kept_in_one_form(field, typed, kept):
    assert getattr(tidied(replace(COMPLETE, **{field: typed}), TODAY)[0], field) == kept


@pytest.mark.parametrize(
    ("postcode", "phone", "kept"),
    [
        ("97200", "0596 50 12 34", "+596596501234"),
        ("97200", "06 61 47 68 28", "+33661476828"),
        ("98714", "40 50 12 34", "+68940501234"),
        ("98714", "06 61 47 68 28", "+33661476828"),
        ("97150", "0590 87 12 34", "+590590871234"),
    ],
)
def test_an_overseas_number_is_read_where_the_driver_lives_if_it_exists_there(postcode, phone, kept):
    overseas = replace(COMPLETE, postcode=postcode, phone=phone)
    assert tidied(overseas, TODAY)[0].phone == kept


@pytest.mark.parametrize(("issued", "is_doubtful"), [(date(1990, 12, 28), True), (date(1990, 12, 29), False)])
def test_a_licence_from_before_the_sixteenth_birthday_is_doubted_and_refused_nowhere(issued, is_doubtful):
    """A licence for mopeds is issued at fourteen; a designation asks for the licence, not for its date."""
    odd = replace(COMPLETE, licence_issued_on=issued)
    assert list(doubts(odd)) == ["licence_issued_on"] * is_doubtful
    assert list(date_problems(odd, TODAY)) == ["licence_issued_on"] * is_doubtful
    assert tidied(odd, TODAY)[1] == {}
    assert missing_for_designation(odd) == []
    assert doubts(replace(odd, birth_date=None)) == doubts(replace(odd, licence_issued_on=None)) == {}


@pytest.mark.parametrize(("issued", "is_refused"), [(date(1974, 12, 28), True), (date(1974, 12, 29), False)])
def test_a_licence_from_before_the_birth_is_refused(issued, is_refused):
    told = replace(COMPLETE, licence_issued_on=issued)
    assert missing_for_designation(told) == ["une date de permis qui suive la naissance"] * is_refused
    problems = tidied(told, TODAY)[1]
    assert list(problems) == ["licence_issued_on"] * is_refused
    assert tidied(replace(COMPLETE, licence_issued_on=issued, birth_date=None), TODAY)[1] == {}


@pytest.mark.parametrize("part", [name for name in ADDRESS_FIELDS if name != "city"])
def test_any_part_of_an_address_asks_for_its_city(part):
    nowhere = replace(COMPLETE, **dict.fromkeys(ADDRESS_FIELDS, ""))
    assert tidied(nowhere, TODAY)[1] == {}
    somewhere = replace(nowhere, **{part: "84104"})
    assert tidied(somewhere, TODAY)[1] == {"city": "Indiquez la ville de cette adresse."}
    assert tidied(replace(somewhere, city="Orange"), TODAY)[1] == {}


def test_an_address_is_written_in_the_order_of_the_french_norm():
    """C4.2: lines 2 to 6 of the norm; what is not known leaves no empty line."""
    parts = {"address_inside": "Appartement 12", "address_complement": "Résidence des Pins"}
    full = replace(COMPLETE, **parts, address_locality="Le Grand Pré")
    lines = ["Appartement 12", "Résidence des Pins", "12 rue Perrin", "Le Grand Pré", "84104 Orange"]
    assert full.address_lines == lines
    assert COMPLETE.address_lines == lines[2::2]
    assert DriverDetails().address_lines == []


def test_a_box_sealed_before_a_field_existed_still_opens():
    old = to_json(COMPLETE)
    del old["address_inside"], old["address_locality"]
    assert from_json(old) == COMPLETE


def test_invisible_characters_are_no_name():
    assert "last_name" in tidied(replace(COMPLETE, last_name="\u200b"), TODAY)[1]
    assert tidied(replace(COMPLETE, last_name="Du\u202emas"), TODAY)[0].last_name == "Dumas"


def test_a_foreign_postcode_has_any_form():
    assert tidied(replace(COMPLETE, country="GB", postcode="SW1A 1AA"), TODAY)[1] == {}


@pytest.mark.parametrize(
    ("number", "country", "is_unusual"),
    [
        ("269134022100", "FR", False),
        ("12AB34567", "FR", False),
        ("26913402210", "FR", True),
        ("12AB3456", "FR", True),
        ("", "FR", False),
        ("0123", "BE", False),
    ],
)
def test_an_unusual_licence_number_is_pointed_at_and_never_refused(number, country, is_unusual):
    details = replace(COMPLETE, licence_number=number, licence_country=country)
    assert has_unusual_licence(details) is is_unusual
    assert tidied(details, TODAY)[1] == {}
