"""Two files of one name and birth date that are of two persons: said once, kept, and taken back (C4.2)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet.duplicates import find_duplicates
from eprunes.fleet.models import DistinctDrivers, Driver
from eprunes.fleet.services import namesakes
from tests.fleet.fleets import add_driver
from tests.fleet.test_driver_pages import NAMES
from tests.fleet.test_duplicates import merge, rows_of, seen_on, until_somebody_waits
from tests.fleet.test_vehicle_pages import text_of
from tests.support.worlds import AS_OF, actor

DOUBLES = "/conducteurs/doublons"
DISTINCT = f"{DOUBLES}/distincts"


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


def tell_apart(world, one, other):
    namesakes.declare_distinct(actor=actor(world.fleet), driver_id=one, other_id=other, as_of=AS_OF)


def groups(world):
    with tenant_session(world.organisation_id) as session:
        return [{driver.id for driver in one.drivers} for one in find_duplicates(session, actor(world.fleet))]


def pairs(world):
    return {frozenset((row.first_id, row.second_id)) for row in rows_of(world, DistinctDrivers)}


def test_two_persons_leave_the_list_the_comparison_and_the_count(browser, world):
    one, other = add_driver(world, staff_number="E1"), add_driver(world, staff_number="E2")
    asked = browser.get(f"/conducteurs/{one}/fusionner")
    assert f'formaction="/conducteurs/{one}/distinct"' in asked.text
    sent = {"other": str(other), "seen": seen_on(asked)}
    page = text_of(browser.post(f"/conducteurs/{one}/distinct", data=sent, follow_redirects=True))
    assert "ce sont deux personnes" in page
    assert "Aucun doublon" in page
    assert "0 personne avec plusieurs fiches" in page
    assert "Aucune autre fiche" in browser.get(f"/conducteurs/{other}/fusionner").text
    assert "Déclaré une autre personne qu’une fiche de mêmes nom" in text_of(browser.get(f"/conducteurs/{one}"))
    assert browser.post(f"/conducteurs/{one}/distinct", data=sent).status_code == 404, "nothing to compare any more"


def test_what_was_said_is_listed_and_taken_back(browser, world):
    one, other = add_driver(world, staff_number="E1"), add_driver(world, staff_number="E2")
    assert "Aucune fiche n’a été déclarée" in browser.get(DISTINCT).text
    tell_apart(world, one, other)
    listed = browser.get(DISTINCT)
    assert "1 paire de fiches" in text_of(listed)
    assert "DUMAS Caroline matricule E1 DUMAS Caroline matricule E2" in text_of(listed)
    [row] = rows_of(world, DistinctDrivers)
    path = f"{DISTINCT}/{row.id}/annuler"
    assert f'action="{path}"' in listed.text
    assert "Déclaration annulée" in text_of(browser.post(path, follow_redirects=True))
    assert groups(world) == [{one, other}]
    assert browser.post(path).status_code == 404
    for action in ("conducteur.distinct", "conducteur.distinct_annule"):
        [trace] = rows_of(world, AuditEntry, AuditEntry.action == action)
        assert {str(trace.subject_id), trace.details["avec"]} == {str(one), str(other)}
    with pytest.raises(Refused, match="ne sont plus déclarées"):
        namesakes.undo_distinct(actor=actor(world.fleet), pair_id=row.id, as_of=AS_OF)


def test_of_three_files_each_pair_is_told_apart_on_its_own(world):
    """Whoever is not one of two may still be the other: the group stays until nothing in it is open."""
    one, two, three = sorted(add_driver(world) for _ in range(3))
    assert groups(world) == [{one, two, three}]
    tell_apart(world, three, one)
    assert groups(world) == [{one, two, three}]
    tell_apart(world, one, two)
    assert groups(world) == [{two, three}]
    tell_apart(world, two, three)
    assert groups(world) == []


def test_created_anyway_is_said_to_be_somebody_else(browser, world):
    known = add_driver(world, "Le Goff", first_name="Loïc", birth_date=date(1980, 5, 2))
    sent = NAMES | {"birth_date": "1980-05-01"}
    assert browser.post("/conducteurs/nouveau", data=sent).status_code == 302
    assert pairs(world) == set(), "nobody was asked about"
    answer = browser.post("/conducteurs/nouveau", data=sent | {"create_anyway": "Créer quand même"})
    assert answer.status_code == 302
    assert groups(world) == []
    [pair] = pairs(world)
    assert known not in pair
    traces = rows_of(world, AuditEntry, AuditEntry.action == "conducteur.ajoute")
    [trace] = [one for one in traces if one.details]
    assert trace.details == {"distinct_de": [str(one) for one in pair if one != trace.subject_id]}


def test_a_third_of_that_name_is_asked_about_whatever_was_said_of_the_others(browser, world):
    both = [add_driver(world, "Le Goff", first_name="Loïc", staff_number=number) for number in ("E1", "E2")]
    tell_apart(world, *both)
    answer = browser.post("/conducteurs/nouveau", data=NAMES | {"birth_date": "1974-12-29"})
    assert answer.status_code == 200
    assert all(f"LE GOFF Loïc ({number}) : C’est la même personne" in text_of(answer) for number in ("E1", "E2"))


def test_those_who_are_two_persons_are_not_merged_until_that_is_taken_back(world):
    one, other = add_driver(world), add_driver(world)
    tell_apart(world, one, other)
    with pytest.raises(Refused, match="celles de deux personnes"):
        merge(world, one, other)
    [row] = rows_of(world, DistinctDrivers)
    namesakes.undo_distinct(actor=actor(world.fleet), pair_id=row.id, as_of=AS_OF)
    merge(world, one, other)
    assert len(rows_of(world, Driver)) == 1


def test_a_merged_file_takes_along_from_whom_it_was_told_apart(world):
    kept, dropped, both, only = (add_driver(world) for _ in range(4))
    tell_apart(world, dropped, only)
    tell_apart(world, dropped, both)
    tell_apart(world, kept, both)
    merge(world, kept, dropped)
    assert pairs(world) == {frozenset((kept, only)), frozenset((kept, both))}


def test_saying_it_twice_says_it_once(world):
    one, other = add_driver(world), add_driver(world)
    tell_apart(world, one, other)
    tell_apart(world, other, one)
    assert len(rows_of(world, DistinctDrivers)) == 1


def test_two_who_say_it_at_once_say_it_once(app, environ, world):
    one, other, boss, colleague = add_driver(world), add_driver(world), actor(world.fleet), actor(world.both)

    def say():
        with app.app_context():
            namesakes.declare_distinct(actor=boss, driver_id=other, other_id=one, as_of=AS_OF)

    with ThreadPoolExecutor(1) as somebody:
        with tenant_session(world.organisation_id, write=True) as session:
            namesakes.both_locked(session, colleague, one, other)
            namesakes.add_pairs(session, colleague, one, [other], AS_OF)
            said = somebody.submit(say)
            until_somebody_waits(environ)
        said.result(timeout=30)
    assert len(rows_of(world, DistinctDrivers)) == 1


def test_files_of_another_client_are_out_of_reach(browser, world, other_world):
    mine, foreign, stranger = add_driver(world), add_driver(other_world), add_driver(other_world)
    for pair in ((mine, foreign), (foreign, mine), (mine, mine)):
        with pytest.raises(Refused, match=namesakes.GONE):
            tell_apart(world, *pair)
    assert browser.post(f"/conducteurs/{mine}/distinct", data={"other": str(foreign)}).status_code == 404
    tell_apart(other_world, foreign, stranger)
    [row] = rows_of(other_world, DistinctDrivers)
    assert browser.post(f"{DISTINCT}/{row.id}/annuler").status_code == 404
    assert "0 paire" in text_of(browser.get(DISTINCT))
    assert len(rows_of(other_world, DistinctDrivers)) == 1
