"""Searching the list of vehicles by VIN and by who had them, its filters, and the list as a CSV file."""

import csv
import io
import re
from datetime import timedelta

import pytest

from eprunes.core.database import new_id, tenant_session
from eprunes.fleet import exports, vehicle_search
from eprunes.fleet.driver_search import DriverSearch
from eprunes.fleet.models import DueDate
from eprunes.fleet.services import assignments
from eprunes.fleet.vehicle_search import (
    VehicleSearch,
    chosen_filters,
    read_vehicle_search,
    read_vehicles,
    vehicle_search_args,
)
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
TODAY = AS_OF.date()
VIN = "VF1FL000123456789"


@pytest.fixture
def fleet(world):
    """AB: Prune had it, Noyau has it. AC: Prune has it. AD: Prune will have it. AE: nobody ever; entry tomorrow."""
    boss = actor(world.fleet)
    first = add_vehicle(world, "AB-123-CD", vin=VIN, site="Lyon", energy="gazole", holding="lld", lessor="Loueur")
    second = add_vehicle(world, "AC-124-CD", energy="electricite", is_pool=True)
    third = add_vehicle(world, "AD-125-CD", site="Lyon")
    add_vehicle(world, "AE-126-CD", entered_at=AS_OF + DAY)
    prune, noyau = add_driver(world, "Prune", "E1"), add_driver(world, "Noyau", "E2")
    for vehicle_id, driver_id, start, end in (
        (first, prune, ENTERED, ENTERED + DAY),
        (first, prune, ENTERED + 2 * DAY, AS_OF - DAY),
        (first, noyau, AS_OF - DAY, None),
        (second, prune, ENTERED, None),
        (third, prune, AS_OF + DAY, None),
    ):
        chosen = {"vehicle_id": vehicle_id, "driver_id": driver_id, "starts_at": start, "ends_at": end}
        assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    return boss


def listed(fleet, as_of=AS_OF, **search):
    with tenant_session(fleet.organisation_id) as session:
        return read_vehicles(session, fleet, VehicleSearch(**search), "", as_of)


def plates(fleet, **search):
    found = listed(fleet, **search)
    assert found.found == len(found.page.rows)
    return [row.plate[:2] for row in found.page.rows]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"text": VIN}, ["AB"]),
        ({"text": "vf1 fl000-123456789"}, ["AB"]),
        ({"text": "56789"}, ["AB"]),
        ({"text": "6789"}, []),
        ({"text": "prune"}, ["AB", "AC", "AD"]),
        ({"text": "noyau"}, ["AB"]),
        ({"text": "prune", "site": "Lyon"}, ["AB", "AD"]),
        ({"state": "a-venir"}, ["AE"]),
        ({"state": "dans-le-parc"}, ["AB", "AC", "AD", "AE"]),
        ({"use": "partages"}, ["AC"]),
        ({"use": "individuels"}, ["AB", "AD", "AE"]),
        ({"energy": "gazole"}, ["AB"]),
        ({"holding": "lld"}, ["AB"]),
        ({"holding": "lld", "energy": "electricite"}, []),
    ],
)
def test_a_vehicle_is_found_by_vin_by_whoever_had_it_and_by_each_filter(fleet, search, expected):
    """C4.2"""
    assert plates(fleet, **search) == expected


@pytest.mark.parametrize("few", [0, 1, 2, 3])
def test_vehicles_are_found_by_driver_however_many_drivers_and_vehicles_there_are(fleet, monkeypatch, few):
    """C4.2: « Prune » has three vehicles; « caroline » names two drivers, of three vehicles together."""
    monkeypatch.setattr(vehicle_search, "FEW", few)
    for text, expected in (("noyau", ["AB"]), ("prune", ["AB", "AC", "AD"]), ("caroline", ["AB", "AC", "AD"])):
        assert plates(fleet, text=text) == expected
    assert plates(fleet, text="prune", site="Lyon") == ["AB", "AD"]


def test_a_vehicle_is_to_come_until_the_instant_of_its_entry(fleet):
    search = {"state": "a-venir"}
    assert [listed(fleet, AS_OF + DAY - timedelta(seconds=left), **search).found for left in (1, 0)] == [1, 0]


def test_a_row_says_when_the_driver_searched_for_had_it_or_will(fleet):
    found = listed(fleet, text="prune")
    spells = {row.plate[:2]: found.spells.get(row.id) for row in found.page.rows}
    assert (spells["AB"].starts_at, spells["AB"].ends_at) == (ENTERED + 2 * DAY, AS_OF - DAY)
    assert spells["AC"] is None
    assert spells["AD"].starts_at == AS_OF + DAY
    assert listed(fleet, text="AB-123").spells == listed(fleet).spells == {}


def test_the_list_tells_past_and_future_holders_in_words(signed_in, world, fleet):
    page = signed_in(world.fleet).get("/vehicules?q=prune").text
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "PRUNE Caroline l’a tenu du 03/01/2025 au 02/03/2026" in words
    assert "PRUNE Caroline le tiendra à partir du 04/03/2026" in words


def test_the_former_driver_of_another_company_finds_nothing(fleet, other_world):
    add_vehicle(other_world, "AB-123-CD")
    assert plates(actor(other_world.fleet), text="prune") == []


@pytest.mark.parametrize(
    ("due_on", "done_on", "found"),
    [
        (TODAY + 30 * DAY, None, ["AC"]),
        (TODAY + 31 * DAY, None, []),
        (TODAY - 90 * DAY, None, ["AC"]),
        (TODAY, TODAY, []),
    ],
)
def test_a_due_date_is_near_thirty_days_before_and_until_it_is_done(fleet, due_on, done_on, found):
    with tenant_session(fleet.organisation_id) as session:
        vehicle_id = next(row.id for row in listed(fleet).page.rows if row.plate.startswith("AC"))
    facts = {"vehicle_id": vehicle_id, "kind": "assurance", "due_on": due_on, "done_on": done_on, "created_at": AS_OF}
    with tenant_session(fleet.organisation_id, write=True) as session:
        session.add(DueDate(organisation_id=fleet.organisation_id, id=new_id(), **facts))
    assert plates(fleet, flag="echeance-proche") == found


def test_every_filter_stays_in_the_address_and_can_be_taken_off():
    args = {
        "q": "x", "site": "Lyon", "etat": "a-venir", "signalement": "echeance-proche", "usage": "partages",
        "energie": "gazole", "detention": "loa", "tri": "site",
    }  # fmt: skip
    search = read_vehicle_search(args)
    assert vehicle_search_args(search) == args
    labels = {name: label for label, name in chosen_filters(search)}
    assert labels["site"] == "Site\u00a0: Lyon"
    assert set(labels) == {"site", "flag", "use", "energy", "holding"}
    assert "usage" not in vehicle_search_args(search, use="")
    assert read_vehicle_search({"usage": "x", "energie": "x", "detention": "x"}) == VehicleSearch()


def test_the_filters_in_use_are_shown_each_with_its_way_out(signed_in, world, fleet):
    browser = signed_in(world.fleet)
    page = browser.get("/vehicules?site=Lyon&usage=individuels&q=prune").text
    assert 'href="/vehicules?q=prune&amp;usage=individuels"><span class="visually-hidden">Retirer le filtre' in page
    assert 'href="/vehicules?q=prune&amp;site=Lyon"><span class="visually-hidden">Retirer le filtre' in page
    assert "chips" not in browser.get("/vehicules?q=prune").text
    nothing = browser.get("/vehicules?usage=individuels&energie=hydrogene&tri=site").text
    assert 'href="/vehicules?tri=site">Effacer la recherche' in nothing
    assert "Votre parc est vide" not in nothing


def rows_of(content):
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_everything_found_comes_out_as_csv_and_no_cell_is_a_formula(world, fleet):
    """C7-a: export is available at any time."""
    add_vehicle(world, "AF-127-CD", make="=cmd|' /C calc'!A0", model="+33", site="@Lyon")
    with tenant_session(fleet.organisation_id) as session:
        found = rows_of(exports.vehicles_csv(fleet, session, VehicleSearch(text="prune"), AS_OF))
        every = rows_of(exports.vehicles_csv(fleet, session, VehicleSearch(), AS_OF))
        people = rows_of(exports.drivers_csv(fleet, session, DriverSearch(text="noyau"), AS_OF))
    assert [row["Immatriculation"] for row in found] == ["AB-123-CD", "AC-124-CD", "AD-125-CD"]
    assert len(every) == 5
    assert {every[-1][name] for name in ("Marque", "Modèle", "Site")} == {"'=cmd|' /C calc'!A0", "'+33", "'@Lyon"}
    assert [row["Nom"] for row in people] == ["Noyau"]


def test_the_csv_file_is_one_click_from_the_list_and_keeps_its_filters(signed_in, world, fleet):
    browser = signed_in(world.fleet)
    assert "/vehicules/export.csv?q=prune&amp;site=Lyon" in browser.get("/vehicules?q=prune&site=Lyon").text
    for path, name in (
        ("/vehicules/export.csv?q=prune", "vehicules.csv"),
        ("/conducteurs/export.csv", "conducteurs.csv"),
    ):
        answer = browser.get(path)
        assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
        assert answer.mimetype == "text/csv"
