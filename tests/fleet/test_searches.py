"""Searching, filtering, sorting and paging the lists of vehicles and drivers."""

from datetime import timedelta

import pytest

from eprunes.core.database import tenant_session
from eprunes.core.paging import PAGE_SIZE
from eprunes.core.refusals import Refused
from eprunes.fleet.assignment_forms import HandOverForm
from eprunes.fleet.driver_choice import MOST_OFFERED, chosen_driver, suggested_drivers
from eprunes.fleet.driver_search import (
    DriverSearch,
    driver_search_args,
    found_drivers,
    read_driver_search,
    read_drivers,
)
from eprunes.fleet.models import ExitReason
from eprunes.fleet.names import folded
from eprunes.fleet.services import assignments, drivers, vehicles
from eprunes.fleet.vehicle_search import (
    SORTS,
    VehicleSearch,
    found_vehicles,
    read_vehicle_search,
    read_vehicles,
    vehicle_search_args,
)
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle, fill
from tests.support.worlds import AS_OF, actor, make_world

DAY = timedelta(days=1)
TODAY = AS_OF.date()
MISSING = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def fleet(world):
    """Four vehicles: held by a complete file, by an incomplete one, by nobody, and departed."""
    boss = actor(world.fleet)
    first = add_vehicle(world, "AB-123-CD", make="Citroën", model="ë-C4", site="Lyon")
    second = add_vehicle(world, "AC-124-CD", make="Renault", model="Trafic", site="Émerainville")
    add_vehicle(world, "AD-125-CD", make="Renault", model="Clio", site="Lyon")
    gone = add_vehicle(world, "AE-126-CD", make="Renault", model="Clio")
    holders = (
        (first, add_driver(world, "Étienne", "E10", first_name="Anne-Sophie")),
        (second, add_driver(world, "Le Goff", "E11", first_name="Loïc", licence_number="")),
    )
    for vehicle_id, driver_id in holders:
        chosen = {"vehicle_id": vehicle_id, "driver_id": driver_id, "starts_at": ENTERED}
        assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    vehicles.leave_fleet(actor=boss, vehicle_id=gone, at=AS_OF - DAY, reason=ExitReason.OTHER, as_of=AS_OF)
    return boss


def plates(fleet, **search):
    with tenant_session(fleet.organisation_id) as session:
        listed = read_vehicles(session, fleet, VehicleSearch(**search), "", AS_OF)
    assert listed.found == len(listed.page.rows)
    return [row.plate[:2] for row in listed.page.rows]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, ["AB", "AC", "AD"]),
        ({"state": "sortis"}, ["AE"]),
        ({"state": "tous"}, ["AB", "AC", "AD", "AE"]),
        ({"site": "Lyon"}, ["AB", "AD"]),
        ({"flag": "sans-conducteur"}, ["AD"]),
        ({"flag": "fiche-incomplete"}, ["AC"]),
        ({"flag": "inconnus-antai"}, ["AB", "AC", "AD"]),
        ({"text": "124"}, ["AC"]),
        ({"text": "ac-12"}, ["AC"]),
        ({"text": "b 123"}, ["AB"]),
        ({"text": "citroen"}, ["AB"]),
        ({"text": "RENAULT clio"}, ["AD"]),
        ({"text": "etienne anne"}, ["AB"]),
        ({"text": "legoff"}, []),
        ({"text": "le goff"}, ["AC"]),
        ({"text": "e11"}, ["AC"]),
        ({"text": "%"}, []),
        ({"text": "_"}, []),
        ({"text": "introuvable"}, []),
        ({"text": "renault", "site": "Lyon"}, ["AD"]),
    ],
)
def test_a_vehicle_is_found_by_what_people_know_of_it(fleet, search, expected):
    """C1-a: follow the vehicles."""
    assert plates(fleet, **search) == expected


def test_a_vehicle_counts_as_departed_from_the_instant_of_its_exit(world, fleet):
    with tenant_session(fleet.organisation_id) as session:
        for instant, expected in ((AS_OF - DAY, 1), (AS_OF - DAY - timedelta(seconds=1), 0)):
            query = found_vehicles(session, fleet, VehicleSearch(state="sortis"), instant)
            assert len(session.scalars(query).all()) == expected


def test_the_list_offers_the_sites_of_what_the_other_filters_find(fleet):
    with tenant_session(fleet.organisation_id) as session:
        everywhere = read_vehicles(session, fleet, VehicleSearch(), "", AS_OF)
        at_one = read_vehicles(session, fleet, VehicleSearch(site="Lyon"), "", AS_OF)
        held_by_nobody = read_vehicles(session, fleet, VehicleSearch(flag="sans-conducteur"), "", AS_OF)
    assert (everywhere.found, everywhere.sites) == (3, ["Émerainville", "Lyon"])
    assert (at_one.found, at_one.sites) == (2, ["Émerainville", "Lyon"])
    assert (held_by_nobody.found, held_by_nobody.sites) == (1, ["Lyon"])


def test_the_list_names_who_holds_each_vehicle_and_only_those(fleet):
    with tenant_session(fleet.organisation_id) as session:
        listed = read_vehicles(session, fleet, VehicleSearch(), "", AS_OF)
    holders = {row.plate[:2]: listed.holders.get(row.id) for row in listed.page.rows}
    assert holders["AD"] is None
    assert (holders["AB"].driver.name, holders["AB"].is_designable) == ("ÉTIENNE Anne-Sophie", True)
    assert (holders["AC"].driver.name, holders["AC"].is_designable) == ("LE GOFF Loïc", False)


@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_of_a_list_hold_each_vehicle_once_forwards_and_back(app, sort):
    world = make_world()
    fill(world, vehicle_count=2 * PAGE_SIZE + 5, driver_count=10)
    boss, search = actor(world.fleet), VehicleSearch(sort=sort)
    with tenant_session(world.organisation_id) as session:
        listed = [read_vehicles(session, boss, search, "", AS_OF)]
        while listed[-1].page.next:
            listed.append(read_vehicles(session, boss, search, listed[-1].page.next, AS_OF))
        seen = [row.id for one in listed for row in one.page.rows]
        back = read_vehicles(session, boss, search, listed[-1].page.previous, AS_OF)
    assert [len(one.page.rows) for one in listed] == [PAGE_SIZE, PAGE_SIZE, 5]
    assert len(set(seen)) == 2 * PAGE_SIZE + 5
    assert listed[0].found == 2 * PAGE_SIZE + 5
    assert listed[0].page.previous is None
    assert [row.id for row in back.page.rows] == seen[PAGE_SIZE : 2 * PAGE_SIZE]


def test_a_page_that_does_not_exist_is_the_first_one(fleet):
    with tenant_session(fleet.organisation_id) as session:
        for cursor in (
            "n’importe quoi",
            MISSING,
            f"-{MISSING}",
        ):
            assert len(read_vehicles(session, fleet, VehicleSearch(), cursor, AS_OF).page.rows) == 3


def test_the_pages_of_the_drivers_hold_each_once_forwards_and_back(app):
    world = make_world()
    fill(world, vehicle_count=5, driver_count=PAGE_SIZE + 5)
    boss, search = actor(world.fleet), DriverSearch()
    with tenant_session(world.organisation_id) as session:
        first = read_drivers(session, boss, search, "", AS_OF)
        second = read_drivers(session, boss, search, first.page.next, AS_OF)
        back = read_drivers(session, boss, search, second.page.previous, AS_OF)
    names = [one.folded for one in (*first.page.rows, *second.page.rows)]
    assert (len(first.page.rows), len(second.page.rows), second.page.next) == (PAGE_SIZE, 5, None)
    assert names == sorted(names)
    assert back.page.rows == first.page.rows


def people(fleet, today=TODAY, **search):
    with tenant_session(fleet.organisation_id) as session:
        return [one.name for one in found_drivers(session, fleet, DriverSearch(**search), today)]


def test_a_driver_is_found_by_piece_of_name_or_number(fleet):
    assert people(fleet) == ["ÉTIENNE Anne-Sophie", "LE GOFF Loïc"]
    assert people(fleet, text="loic") == people(fleet, text="E11") == ["LE GOFF Loïc"]
    assert people(fleet, readiness="prete") == ["ÉTIENNE Anne-Sophie"]
    assert people(fleet, readiness="incomplete") == ["LE GOFF Loïc"]
    assert people(fleet, text="zzz") == []


def test_a_driver_is_present_until_the_last_day_included(world, fleet):
    found = add_driver(world, "Parti", "E12")
    drivers.driver_left(actor=fleet, driver_id=found, on=TODAY, as_of=AS_OF)
    assert "PARTI Caroline" in people(fleet)
    assert people(fleet, today=TODAY + DAY, state="partis") == ["PARTI Caroline"]
    assert len(people(fleet, today=TODAY + DAY)) == 2
    assert len(people(fleet, today=TODAY + DAY, state="tous")) == 3


def test_the_list_of_drivers_shows_what_each_holds(fleet):
    with tenant_session(fleet.organisation_id) as session:
        listed = read_drivers(session, fleet, DriverSearch(text="goff"), "", AS_OF)
    [one] = listed.page.rows
    assert [vehicle.plate for vehicle in listed.vehicles[one.id]] == ["AC-124-CD"]


def test_nobody_without_the_fleet_right_searches_drivers(world, fleet):
    stranger = actor(world.fines)
    with tenant_session(world.organisation_id) as session:
        assert found_drivers(session, stranger, DriverSearch(), TODAY) == []


@pytest.mark.parametrize(
    "args", [{}, {"q": "x", "etat": "sortis", "site": "Lyon", "signalement": "sans-conducteur", "tri": "site"}]
)
def test_a_search_of_vehicles_stays_in_the_address(args):
    assert vehicle_search_args(read_vehicle_search(args)) == args


@pytest.mark.parametrize("args", [{}, {"q": "x", "etat": "partis", "fiche": "prete", "tri": "matricule"}])
def test_a_search_of_drivers_stays_in_the_address(args):
    assert driver_search_args(read_driver_search(args)) == args


def test_unknown_choices_read_as_the_defaults():
    assert read_vehicle_search({"etat": "x", "tri": "y", "signalement": "z"}) == VehicleSearch()
    assert read_driver_search({"etat": "x", "tri": "y", "fiche": "z"}) == DriverSearch()


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Saint-Gérard", "saint gerard"), ("e\u0301mile", "emile"), ("Œuvre", "œuvre"), ("L’Haÿ", "l hay"), ("ÇA", "ca")],
)
def test_case_accents_and_punctuation_do_not_count_in_a_search(text, plain):
    assert folded(text) == plain


def choose(fleet, app, text, driver_id=""):
    with app.test_request_context(method="POST", data={"driver": text, "driver_id": driver_id}):
        form = HandOverForm()
        with tenant_session(fleet.organisation_id) as session:
            try:
                return chosen_driver(session, fleet, form), form
            except Refused as refusal:
                return (refusal.field, str(refusal)), form


def test_a_driver_is_chosen_by_a_few_letters_when_only_one_answers(app, fleet):
    for text in ("goff", "LE GOFF Loïc", "le goff loic (E11)", "E11"):
        assert choose(fleet, app, text)[0] == choose(fleet, app, "loic")[0]


def test_an_exact_name_or_number_wins_over_longer_ones(app, world, fleet):
    sure = add_driver(world, "Goff", "E1", first_name="Loïc")
    assert choose(fleet, app, "goff loïc")[0] == sure
    assert choose(fleet, app, "e1")[0] == sure


def test_several_drivers_are_offered_and_one_is_picked(app, world, fleet):
    first, second = (add_driver(world, "Martin", number) for number in ("E20", "E21"))
    sentence, form = choose(fleet, app, "martin")
    assert sentence == ("driver", "2 conducteurs correspondent\u00a0: choisissez ci-dessous.")
    assert [choice.value for choice in form.driver_id.choices] == [str(first), str(second)]
    assert choose(fleet, app, "martin", str(second))[0] == second


def test_a_choice_left_from_another_search_does_not_count(app, world, fleet):
    martin = add_driver(world, "Martin", "E20")
    assert choose(fleet, app, "goff", str(martin))[0] == choose(fleet, app, "goff")[0]


def test_an_unknown_driver_is_said_to_be(app, fleet):
    assert choose(fleet, app, "Zorro")[0] == ("driver", "Aucun conducteur ne correspond à «\u00a0Zorro\u00a0».")
    assert "Aucun conducteur" in choose(fleet, app, " - ")[0][1]


def test_too_many_drivers_are_offered_in_part_and_it_is_said(app):
    world = make_world()
    fill(world, vehicle_count=1, driver_count=MOST_OFFERED + 1)
    sentence, form = choose(actor(world.fleet), app, "E1")
    assert sentence[1].startswith(f"{MOST_OFFERED + 1} conducteurs correspondent\u00a0: précisez")
    assert len(form.driver_id.choices) == MOST_OFFERED


def test_the_browser_completes_from_the_drivers_who_are_present(world, fleet):
    found = add_driver(world, "Parti", "E12")
    drivers.driver_left(actor=fleet, driver_id=found, on=TODAY - DAY, as_of=AS_OF)
    with tenant_session(fleet.organisation_id) as session:
        assert suggested_drivers(session, fleet, TODAY) == ["ÉTIENNE Anne-Sophie (E10)", "LE GOFF Loïc (E11)"]
