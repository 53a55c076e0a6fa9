"""Drivers without a staff number in a workbook: known again or not, and what the plan adds. No database is needed."""

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID, uuid4

import pytest

from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.importing.drivers import persons_of, unnumbered_key
from eprunes.fleet.importing.plan import StoredDriver
from tests.support.fleet_files import (
    DRIVER,
    OTHER_VEHICLE,
    VEHICLE,
    counts,
    planned,
    refusals,
)
from tests.support.import_lines import EVENING, MORNING, stored_fleet


def unnumbered_fleet(*people):
    """A fleet with these drivers without a staff number, the first of whom holds the vehicle."""
    fleet = stored_fleet()
    for place, details in enumerate(people):
        driver_id = UUID(int=10 + place)
        stored = StoredDriver(driver_id, None, "prepose", None, uuid4(), details)
        fleet.drivers[unnumbered_key(driver_id)] = stored
    held = replace(fleet.assignments[0], driver_id=UUID(int=10))
    return replace(fleet, assignments=[held], persons=persons_of(fleet.drivers))


LEA = DriverDetails(last_name="Prune", first_name="Léa", birth_date=date(1990, 5, 1), city="Lyon")
OTHER_LEA = replace(LEA, birth_date=date(1970, 1, 1))
PERSON = ["Matricule", "Nom", "Prénom", "Date de naissance", "Ville"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([None, "PRUNE", "léa", date(1990, 5, 1), "Lyon"], (0, 0, 1, 0)),
        ([None, "Prune", "Léa", date(1990, 5, 1), "Nantes"], (0, 1, 0, 0)),
        ([None, "Prune", "Léa", None, "Nantes"], (0, 0, 0, 1)),
        ([None, "Prune", "Léa", date(1990, 5, 2), "Nantes"], (0, 0, 0, 1)),
        ([None, "Prune", "Luc", date(1990, 5, 1), "Nantes"], (0, 0, 0, 1)),
    ],
)
def test_a_line_without_staff_number_is_matched_by_name_and_birth_date(line, expected):
    plan = planned([("Conducteurs", [PERSON, line])], existing=unnumbered_fleet(LEA))
    assert counts(plan) == {"drivers": expected}
    if expected[1]:
        assert (plan.drivers[0].id, plan.drivers[0].staff_number) == (UUID(int=10), None)
    if expected[3]:
        [problem] = plan.problems
        assert (problem.heading, "Indiquez le matricule" in problem.sentence) == ("Matricule", True)


def test_a_line_without_staff_number_that_two_drivers_match_is_refused():
    line = [None, "Prune", "Léa", date(1990, 5, 1), "Lyon"]
    plan = planned([("Conducteurs", [PERSON, line])], existing=unnumbered_fleet(LEA, LEA))
    [(_, line_number, sentence)] = refusals(plan)
    assert line_number == 2
    assert sentence.startswith("2 conducteurs ont ces nom, prénom et date de naissance\u00a0: indiquez le matricule, ")


def with_numbered(fleet, *people):
    """The same fleet with these drivers under the numbers E11, E12…"""
    for place, details in enumerate(people, start=11):
        fleet.drivers[f"E{place}"] = StoredDriver(UUID(int=100 + place), f"E{place}", "prepose", None, uuid4(), details)
    return replace(fleet, persons=persons_of(fleet.drivers))


@pytest.mark.parametrize(
    ("city", "numbered", "unnumbered", "expected"),
    [
        ("Lyon", 1, 1, (0, 0, 1, 0)),
        ("Lyon", 2, 1, (0, 0, 1, 0)),
        ("Nantes", 1, 1, (0, 0, 0, 1)),
        ("Lyon", 1, 2, (0, 0, 0, 1)),
        ("Lyon", 2, 0, (0, 0, 0, 1)),
    ],
)
def test_a_namesake_without_a_number_comes_back_unchanged_from_an_export(city, numbered, unnumbered, expected):
    """C7-a. A line that would change something may be about the other one."""
    fleet = (
        with_numbered(unnumbered_fleet(*[LEA] * unnumbered), *[LEA] * numbered)
        if unnumbered
        else with_numbered(replace(stored_fleet(), drivers={}, assignments=[]), *[LEA] * numbered)
    )
    line = [None, "Prune", "Léa", date(1990, 5, 1), city]
    assert counts(planned([("Conducteurs", [PERSON, line])], existing=fleet)) == {"drivers": expected}


# People who may be known already


@pytest.mark.parametrize(
    ("line", "is_remarked"),
    [
        (["E99", "prune", "LEA", date(1990, 5, 1), "Lyon"], True),
        (["E99", "Prune", "Léa", date(1990, 5, 2), "Lyon"], False),
        (["E99", "Prune", "Léa", None, "Lyon"], False),
        (["E99", "Prune", "Lucie", date(1990, 5, 1), "Lyon"], False),
        (["E11", "Prune", "Léa", date(1990, 5, 1), "Nantes"], False),
    ],
)
@pytest.mark.parametrize("has_number", [True, False])
def test_a_new_driver_who_may_be_known_already_is_remarked(line, is_remarked, has_number):
    fleet = with_numbered(stored_fleet(), LEA) if has_number else with_numbered(unnumbered_fleet(LEA), OTHER_LEA)
    plan = planned([("Conducteurs", [PERSON, line])], existing=fleet)
    assert counts(plan)["drivers"][3] == 0
    told = [(one.line, one.heading) for one in plan.remarks]
    assert told == ([(2, "Nom")] if is_remarked else [])
    if is_remarked:
        who = "PRUNE Léa (E11)" if has_number else "PRUNE Léa"
        assert plan.remarks[0].sentence.startswith(f"{who}, déjà enregistré, a les mêmes nom, prénom et date de nai")


def test_two_new_lines_of_one_person_are_remarked_on_the_second():
    lines = [["E1", "Prune", "Léa", date(1990, 5, 1), "Lyon"], ["E2", "PRUNE", "lea", date(1990, 5, 1), "Lille"]]
    plan = planned([("Conducteurs", [PERSON, *lines, ["E3", "Prune", "Léa", date(1991, 5, 1), "Lyon"]])])
    assert counts(plan) == {"drivers": (3, 0, 0, 0)}
    [remark] = plan.remarks
    assert (remark.line, remark.sentence.startswith("La ligne 2 a les mêmes nom")) == (3, True)


def test_a_refused_line_is_nobodys_namesake():
    lines = [["E1", "Prune", "Léa", date(1990, 5, 1), "x" * 101], ["E2", "Prune", "Léa", date(1990, 5, 1), "Lille"]]
    plan = planned([("Conducteurs", [PERSON, *lines])])
    assert (counts(plan)["drivers"], plan.remarks) == ((1, 0, 0, 1), [])


# What is added


def test_the_first_new_lines_of_each_sheet_are_told():
    plan = planned(
        vehicles=[VEHICLE, OTHER_VEHICLE], drivers=[DRIVER], assignments=[["AB-123-CD", "E1", MORNING, EVENING]]
    )
    told = {name: [(one.line, one.plate, one.person, one.text) for one in rows] for name, rows in plan.created.items()}
    assert told == {
        "vehicles": [(2, "AB-123-CD", "", "Renault, Lyon"), (3, "EF-456-GH", "", "Peugeot, Lille")],
        "drivers": [(2, "", "DUMAS Caroline (E1)", "75001 Paris")],
        "assignments": [(2, "AB-123-CD", "DUMAS Caroline (E1)", "du 05/01/2026 08:00 au 09/01/2026 18:00")],
    }


def test_what_is_changed_or_unchanged_is_not_told_as_new_and_no_more_than_two_hundred_are():
    fleet = stored_fleet()
    assert planned(vehicles=[["AB-123-CD", None, None, None, "Nantes"]], existing=fleet).created == {}
    many = [[f"E{number}", f"Nom{number}", "Léa", None, None, None, None] for number in range(201)]
    plan = planned(drivers=[[*row[:1], "Prune", *row[2:]] for row in many])
    assert (len(plan.created["drivers"]), plan.counts["drivers"].created) == (200, 201)


def test_two_lines_of_one_driver_without_staff_number_are_a_double():
    line = [None, "Prune", "Léa", date(1990, 5, 1), "Lyon"]
    plan = planned([("Conducteurs", [PERSON, line, line])], existing=unnumbered_fleet(LEA))
    assert counts(plan) == {"drivers": (0, 0, 1, 1)}
    assert "ce conducteur est déjà à la ligne 2" in plan.problems[0].sentence


def test_a_new_driver_needs_a_staff_number():
    plan = planned([("Conducteurs", [PERSON, [None, "Prune", "Léa", date(1990, 5, 1), "Lyon"]])])
    assert "sans lui, seul un conducteur déjà enregistré est reconnu" in plan.problems[0].sentence


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (MORNING, None, (0, 0, 1, 0)),
        (MORNING, EVENING, (0, 1, 0, 0)),
        (datetime(2026, 1, 5, 9), None, (0, 0, 0, 1)),  # noqa: DTZ001
    ],
)
def test_an_assignment_without_staff_number_is_matched_by_vehicle_and_start(start, end, expected):
    plan = planned(assignments=[["AB-123-CD", None, start, end]], existing=unnumbered_fleet(LEA))
    assert counts(plan) == {"assignments": expected}
    if expected[3]:
        assert plan.problems[0].heading == "Matricule conducteur"


def test_an_assignment_without_staff_number_of_a_numbered_driver_is_refused():
    plan = planned(assignments=[["AB-123-CD", None, MORNING, None]], existing=stored_fleet())
    assert counts(plan) == {"assignments": (0, 0, 0, 1)}


def test_the_end_of_a_driver_without_staff_number_is_kept_within_their_presence():
    fleet = unnumbered_fleet(LEA)
    key = unnumbered_key(UUID(int=10))
    fleet.drivers[key] = replace(fleet.drivers[key], left_on=date(2026, 1, 9))
    late = ["AB-123-CD", None, MORNING, datetime(2026, 1, 10, 8)]  # noqa: DTZ001
    assert "quitte l’entreprise" in planned(assignments=[late], existing=fleet).problems[0].sentence
    assert counts(planned(assignments=[[*late[:3], EVENING]], existing=fleet))["assignments"] == (0, 1, 0, 0)
