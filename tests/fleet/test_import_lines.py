"""What each line of a workbook does, and the sentence that refuses a bad one. No database is needed."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.support.fleet_files import (
    DRIVER,
    ENTRY,
    OTHER_DRIVER,
    OTHER_VEHICLE,
    VEHICLE,
    counts,
    paris,
    planned,
    refusals,
    sheets,
)
from tests.support.import_lines import EVENING, MORNING, PEOPLE, stored_fleet
from tests.support.worlds import AS_OF


def driver_line(**cells):
    """The plan of one driver line with these cells under these headings."""
    row = {"Matricule": "E1", "Nom": "Dumas", "Prénom": "Caroline", "Ville": "Paris"} | cells
    return planned([("Conducteurs", [list(row), list(row.values())])])


def vehicle_line(**cells):
    row = {"Immatriculation": "AB-123-CD", "Date d’entrée": ENTRY} | cells
    return planned([("Véhicules", [list(row), list(row.values())])])


def assignment_lines(*rows, **options):
    return planned(**PEOPLE, assignments=rows, **options)


# Vehicles


@pytest.mark.parametrize("typed", ["ab-123-cd", "AB 123 CD", "ab123cd", " Ab·123·Cd "])
def test_a_plate_is_read_as_people_type_it(typed):
    assert vehicle_line(Immatriculation=typed).vehicles[0].plate == "AB-123-CD"


@pytest.mark.parametrize(
    ("cells", "heading", "sentence"),
    [
        ({"Immatriculation": "AI-123-CD"}, "Immatriculation", "ne contient jamais I"),
        ({"Immatriculation": None, "Site": "Lyon"}, "Immatriculation", "nécessaire"),
        ({"Immatriculation": "#N/A"}, "Immatriculation", "en erreur"),
        ({"Pays": "Zorglub"}, "Pays", "inconnu"),
        ({"VIN": "VF1IOQ"+"0"*11}, "VIN", "I, O ou Q"),
        ({"Détention": "Prêt"}, "Détention", "attendu Propriété"),
        ({"Date d’entrée": "hier"}, "Date d’entrée", "n’est pas une date"),
        ({"Date d’entrée": None}, "Date d’entrée", "depuis quand"),
        ({"1re mise en circulation": "31/02/2024"}, "1re mise en circulation", "n’existe pas"),
        ({"Date de sortie": date(2024, 12, 31)}, "Date de sortie", "après l’entrée"),
        ({"Marque": "x" * 41}, "Marque", "40 caractères"),
        ({"Site": "x" * 81}, "Site", "80 caractères"),
    ],
)  # fmt: skip
def test_a_vehicle_line_is_refused_with_its_cell_named(cells, heading, sentence):
    plan = vehicle_line(**cells)
    assert counts(plan) == {"vehicles": (0, 0, 0, 1)}
    [problem] = plan.problems
    assert (problem.sheet, problem.line, problem.heading) == ("Véhicules", 2, heading)
    assert sentence in problem.sentence


def test_every_problem_of_a_line_is_told_at_once():
    plan = vehicle_line(Immatriculation="AI-123-CD", VIN="?", **{"Date d’entrée": "hier"})
    assert counts(plan) == {"vehicles": (0, 0, 0, 1)}
    assert {problem.heading for problem in plan.problems} == {"Immatriculation", "VIN", "Date d’entrée"}


@pytest.mark.parametrize(("country", "code"), [("Belgique", "BE"), ("be", "BE"), ("BEL", "BE"), ("La Réunion", "FR")])
def test_a_country_is_read_by_name_or_code(country, code):
    assert vehicle_line(Pays=country).vehicles[0].key[0] == code


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Propriété", "propriete"),
        ("lld", "lld"),
        ("L.O.A.", "loa"),
        ("Location longue durée", "lld"),
        ("location", "location"),
    ],
)
def test_the_holding_is_read_by_its_usual_words(typed, stored):
    assert vehicle_line(Détention=typed).vehicles[0].values["holding"] == stored


def test_a_day_alone_is_its_start_for_an_entry_and_its_end_for_an_exit():
    values = vehicle_line(**{"Date d’entrée": "01/03/2026", "Date de sortie": "01/03/2026"}).vehicles[0].values
    assert (values["entered_at"], values["left_at"]) == (paris(2026, 3, 1), paris(2026, 3, 2))


def test_an_hour_that_is_given_counts():
    values = vehicle_line(**{"Date d’entrée": "01/03/2026 08:30", "Date de sortie": "1/3/2026 18h"}).vehicles[0].values
    assert (values["entered_at"], values["left_at"]) == (paris(2026, 3, 1, 8, 30), paris(2026, 3, 1, 18))


def test_hours_are_those_of_the_organisation():
    plan = planned(vehicles=[["AB-123-CD", None, "01/03/2026 08:30", None, None]], zone=ZoneInfo("Indian/Reunion"))
    assert plan.vehicles[0].values["entered_at"].hour == 4


def test_an_hour_that_spring_skips_is_refused_and_a_doubled_one_is_the_first():
    skipped = vehicle_line(**{"Date d’entrée": "29/03/2026 02:30"})
    assert "on passe à l’heure d’été" in skipped.problems[0].sentence
    doubled = vehicle_line(**{"Date d’entrée": "25/10/2026 02:30"})
    assert doubled.vehicles[0].values["entered_at"].isoformat() == "2026-10-25T00:30:00+00:00"


def test_a_second_line_of_one_plate_is_refused_with_the_first_ones_number():
    plan = planned(vehicles=[VEHICLE, OTHER_VEHICLE, ["ab 123 cd", *VEHICLE[1:]]])
    assert refusals(plan) == [("Véhicules", 4, "Doublon\u00a0: cette immatriculation est déjà à la ligne 2.")]
    assert counts(plan) == {"vehicles": (2, 0, 0, 1)}


def test_the_same_plate_of_another_country_is_another_vehicle():
    rows = [["Immatriculation", "Pays", "Date d’entrée"], ["AB-123-CD", None, ENTRY], ["AB-123-CD", "DE", ENTRY]]
    assert counts(planned([("Véhicules", rows)])) == {"vehicles": (2, 0, 0, 0)}


def test_blank_lines_are_passed_over():
    plan = planned(vehicles=[VEHICLE, [None] * 5, [" ", "\u00a0", "", None, None], OTHER_VEHICLE])
    assert counts(plan) == {"vehicles": (2, 0, 0, 0)}


def test_a_first_registration_in_the_future_is_pointed_at_but_accepted():
    plan = vehicle_line(**{"1re mise en circulation": date(2026, 3, 4)})
    assert counts(plan) == {"vehicles": (1, 0, 0, 0)}
    assert [remark.sentence for remark in plan.remarks] == ["Cette date est dans le futur."]
    assert not vehicle_line(**{"1re mise en circulation": AS_OF.date()}).remarks


# Drivers


@pytest.mark.parametrize(
    ("cells", "field", "value"),
    [
        ({"Nom": "MARIN"}, "last_name", "Marin"),
        ({"Nom": "LE GOFF-D’ARC"}, "last_name", "Le Goff-D’Arc"),
        ({"Nom": "McDonald"}, "last_name", "McDonald"),
        ({"Prénom": "JEAN-PIERRE"}, "first_name", "Jean-Pierre"),
        ({"Prénom": "élodie"}, "first_name", "Élodie"),
        ({"Code postal": 7407}, "postcode", "07407"),
        ({"Code postal": "7407"}, "postcode", "07407"),
        ({"Code postal": 75001.0}, "postcode", "75001"),
        ({"Code postal": 1000, "Pays": "Belgique"}, "postcode", "1000"),
        ({"Téléphone": "0466220885"}, "phone", "+33466220885"),
        ({"Téléphone": 466220885}, "phone", "+33466220885"),
        ({"Téléphone": "+33 (0)2 35 76 72 31"}, "phone", "+33235767231"),
        ({"Téléphone": "03 65 82 03 36"}, "phone", "+33365820336"),
        ({"Civilité": "monsieur"}, "civility", "M."),
        ({"Civilité": "MME"}, "civility", "Mme"),
        ({"Date de naissance": "13/06/1993"}, "birth_date", date(1993, 6, 13)),
        ({"Date de naissance": datetime(1993, 6, 13)}, "birth_date", date(1993, 6, 13)),  # noqa: DTZ001
        ({"N° de permis": 269134022100.0}, "licence_number", "269134022100"),
        ({"N° de permis": "19cw88415"}, "licence_number", "19CW88415"),
    ],
)
def test_a_drivers_cell_is_read_as_people_type_it(cells, field, value):
    plan = driver_line(**cells)
    assert plan.problems == []
    assert getattr(plan.drivers[0].details, field) == value


def test_a_driver_without_a_licence_number_is_accepted():
    """C4.2"""
    plan = driver_line(**{"N° de permis": None})
    assert counts(plan) == {"drivers": (1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("cells", "heading", "sentence"),
    [
        ({"Matricule": None}, "Matricule", "Indiquez le matricule"),
        ({"Matricule": "x" * 31}, "Matricule", "30 caractères"),
        ({"Nom": None}, "Nom", "Indiquez le nom"),
        ({"Prénom": " "}, "Prénom", "Indiquez le prénom"),
        ({"Date de naissance": "le 12 mai"}, "Date de naissance", "n’est pas une date"),
        ({"Date de naissance": date(2026, 3, 4)}, "Date de naissance", "futur"),
        ({"Code postal": "123"}, "Code postal", "5 chiffres"),
        ({"Code postal": 7.5}, "Code postal", "code postal"),
        ({"Téléphone": "néant"}, "Téléphone", "téléphone"),
        ({"E-mail": "daniel.marin"}, "E-mail", "adresse e-mail"),
        ({"Civilité": "Docteur"}, "Civilité", "M. ou Mme"),
        ({"Qualité": "Stagiaire"}, "Qualité", "Préposé ou Locataire"),
        ({"Permis délivré le": "2001"}, "Permis délivré le", "n’est pas une date"),
        ({"Date de départ": "bientôt"}, "Date de départ", "n’est pas une date"),
    ],
)
def test_a_driver_line_is_refused_with_its_cell_named(cells, heading, sentence):
    plan = driver_line(**cells)
    assert counts(plan) == {"drivers": (0, 0, 0, 1)}
    [problem] = plan.problems
    assert (problem.line, problem.heading) == (2, heading)
    assert sentence in problem.sentence


def test_a_staff_number_is_matched_without_case_in_every_sheet():
    rows = {"vehicles": [VEHICLE], "drivers": [["e1\u202e", *DRIVER[1:]], [" E1", *DRIVER[1:]]]}
    plan = planned(**rows, assignments=[["AB-123-CD", "e1", MORNING, None]])
    assert refusals(plan) == [("Conducteurs", 3, "Doublon\u00a0: ce matricule est déjà à la ligne 2.")]
    assert [act.staff_number for act in plan.drivers] == ["E1"]
    assert counts(plan)["assignments"] == (1, 0, 0, 0)


def test_a_second_line_of_one_staff_number_is_refused_with_the_first_ones_number():
    plan = planned(drivers=[DRIVER, OTHER_DRIVER, ["e1", "Autre", "Nom", None, None, None]])
    assert refusals(plan) == [("Conducteurs", 4, "Doublon\u00a0: ce matricule est déjà à la ligne 2.")]


# Assignments


def test_assignments_may_follow_each_other_at_the_same_instant():
    plan = assignment_lines(["AB-123-CD", "E1", MORNING, EVENING], ["AB-123-CD", "E2", EVENING, None])
    assert counts(plan)["assignments"] == (2, 0, 0, 0)
    assert plan.assignments[0].ends_at == plan.assignments[1].starts_at == paris(2026, 1, 9, 18)


def test_an_overlap_is_refused_naming_whom_it_meets_and_on_which_line():
    plan = assignment_lines(["AB-123-CD", "E1", MORNING, None], ["AB-123-CD", "E2", EVENING, None])
    assert refusals(plan) == [
        (
            "Attributions",
            3,
            "Ce véhicule est attribué à DUMAS Caroline (E1) depuis le 05/01/2026 08:00 par la ligne 2.",
        )
    ]


def test_an_overlap_is_seen_in_whatever_order_the_lines_stand():
    plan = assignment_lines(["AB-123-CD", "E2", EVENING, None], ["AB-123-CD", "E1", MORNING, None])
    [(_, line, sentence)] = refusals(plan)
    assert line == 3
    assert "MARIN Daniel (E2)" in sentence


def test_one_driver_may_hold_two_vehicles_at_once():
    plan = assignment_lines(["AB-123-CD", "E1", MORNING, None], ["EF-456-GH", "E1", MORNING, None])
    assert counts(plan)["assignments"] == (2, 0, 0, 0)


def test_two_lines_with_days_alone_that_share_a_day_are_asked_for_the_hour():
    day = date(2026, 1, 9)
    plan = assignment_lines(["AB-123-CD", "E1", date(2026, 1, 5), day], ["AB-123-CD", "E2", day, None])
    [(_, line, sentence)] = refusals(plan)
    assert line == 3
    assert sentence.endswith("Les deux ne donnent que le jour\u00a0: précisez l’heure du changement.")
    following = assignment_lines(
        ["AB-123-CD", "E1", date(2026, 1, 5), day], ["AB-123-CD", "E2", date(2026, 1, 10), None]
    )
    assert counts(following)["assignments"] == (2, 0, 0, 0)


def test_an_overlap_of_more_than_a_day_is_not_asked_for_the_hour():
    plan = assignment_lines(
        ["AB-123-CD", "E1", date(2026, 1, 5), date(2026, 1, 10)], ["AB-123-CD", "E2", date(2026, 1, 9), None]
    )
    assert "précisez" not in plan.problems[0].sentence


def test_the_same_assignment_twice_is_refused_with_the_first_ones_number():
    plan = assignment_lines(["AB-123-CD", "E1", MORNING, EVENING], ["ab123cd", "e1", MORNING, EVENING])
    assert refusals(plan) == [("Attributions", 3, "Doublon\u00a0: cette attribution est déjà à la ligne 2.")]


@pytest.mark.parametrize(
    ("row", "heading", "sentence"),
    [
        (["ZZ-999-ZZ", "E1", MORNING, None], "Immatriculation", "Véhicule inconnu\u00a0: ZZ-999-ZZ"),
        (["AB-123-CD", "E9", MORNING, None], "Matricule conducteur", "le matricule E9 n’est ni"),
        (["AB-123-CD", "E1", EVENING, MORNING], "Au", "La fin doit être après le début"),
        (["AB-123-CD", "E1", MORNING, MORNING], "Au", "La fin doit être après le début"),
        (["AB-123-CD", "E1", "lundi", None], "Du", "n’est pas une date"),
        (["AB-123-CD", "E1", MORNING, "?"], "Au", "n’est pas une date"),
        (["AB-123-CD", "E1", None, None], "Du", "nécessaire"),
        (["AB-123-CD", None, MORNING, None], "Matricule conducteur", "Indiquez le matricule"),
        (["AB-123-CD", "E1", date(2024, 12, 31), None], "Du", "entré dans le parc que le 01/01/2025 00:00"),
        (["AB-123-CD", "E1", "29/03/2026 02:30", None], "Du", "heure d’été"),
    ],
)
def test_an_assignment_line_is_refused_with_its_cell_named(row, heading, sentence):
    plan = assignment_lines(row)
    assert counts(plan)["assignments"] == (0, 0, 0, 1)
    [problem] = plan.problems
    assert (problem.sheet, problem.line, problem.heading) == ("Attributions", 2, heading)
    assert sentence in problem.sentence


def test_an_assignment_of_a_refused_vehicle_or_driver_is_refused_with_the_reason():
    plan = planned(
        vehicles=[[*VEHICLE[:2], "hier", None, None], OTHER_VEHICLE],
        drivers=[DRIVER, ["E2", None, "Daniel", None, None, None]],
        assignments=[["AB-123-CD", "E1", MORNING, None], ["EF-456-GH", "E2", MORNING, None]],
    )
    assert refusals(plan)[2:] == [
        ("Attributions", 2, "Dépend de la ligne 2 de la feuille «\u00a0Véhicules\u00a0», qui est refusée."),
        ("Attributions", 3, "Dépend de la ligne 3 de la feuille «\u00a0Conducteurs\u00a0», qui est refusée."),
    ]


@pytest.mark.parametrize(
    ("end", "created"), [(date(2026, 1, 31), 1), ("31/01/2026 24:00", 0), (date(2026, 2, 1), 0), (None, 0)]
)
def test_an_assignment_ends_with_the_presence_of_its_vehicle_at_the_latest(end, created):
    leaving = [*VEHICLE[:3], date(2026, 1, 31), None]
    plan = planned(vehicles=[leaving], drivers=[DRIVER], assignments=[["AB-123-CD", "E1", MORNING, end]])
    assert counts(plan)["assignments"][0] == created


@pytest.mark.parametrize(("end", "created"), [(date(2026, 1, 31), 1), (date(2026, 2, 1), 0), (None, 0)])
def test_an_assignment_ends_with_the_departure_of_its_driver_at_the_latest(end, created):
    drivers = [["Matricule", "Nom", "Prénom", "Date de départ"], ["E1", "Dumas", "Caroline", date(2026, 1, 31)]]
    content = [*sheets(vehicles=[VEHICLE]), ("Conducteurs", drivers)]
    content += sheets(assignments=[["AB-123-CD", "E1", MORNING, end]])
    assert counts(planned(content))["assignments"][0] == created


# Every problem of a line at once


def headings(plan):
    return {problem.heading for problem in plan.problems}


def test_a_cell_of_the_wrong_type_hides_no_other_problem_of_a_drivers_line():
    wrong = {"Qualité": "patron", "Prénom": None, "Nom": "<i>", "Téléphone": "12", "N° de permis": "1"}
    plan = driver_line(**wrong, **{"Date de naissance": "hier", "E-mail": "x@"})
    assert counts(plan) == {"drivers": (0, 0, 0, 1)}
    assert headings(plan) == {"Qualité", "Prénom", "Nom", "Téléphone", "N° de permis", "Date de naissance", "E-mail"}


def test_one_cell_is_told_once_and_a_bad_country_says_nothing_of_what_depends_on_it():
    plan = driver_line(Pays="Zorglub", **{"Code postal": "B-1000", "Téléphone": "02 511 22 33"})
    assert headings(plan) == {"Pays"}
    assert headings(driver_line(**{"Code postal": "B-1000"})) == {"Code postal"}


@pytest.mark.parametrize(
    ("issued", "remark"),
    [
        (date(1990, 4, 30), "avant la naissance"),
        (date(1990, 5, 1), "avant ses 16 ans"),
        (date(2006, 4, 30), "avant ses 16 ans"),
        (date(2006, 5, 1), None),
    ],
)
def test_a_licence_from_before_the_birth_or_sixteen_is_accepted_with_a_remark(issued, remark):
    """Files of old staff are full of them: a warning, never a refusal."""
    plan = driver_line(**{"Permis délivré le": issued, "Date de naissance": date(1990, 5, 1)})
    assert counts(plan) == {"drivers": (1, 0, 0, 0)}
    assert [(one.line, one.heading) for one in plan.remarks] == ([(2, "Permis délivré le")] if remark else [])
    assert all(remark in one.sentence for one in plan.remarks)


def test_an_improbable_date_on_a_refused_line_is_no_remark():
    plan = driver_line(**{"Permis délivré le": date(2027, 1, 1), "Qualité": "patron"})
    assert headings(plan) == {"Qualité"}
    assert plan.remarks == []


def test_a_cell_of_the_wrong_type_hides_no_other_problem_of_a_vehicles_line():
    fleet = stored_fleet()
    rows = [["Immatriculation", "Date d’entrée", "Détention"], ["AB-123-CD", date(2026, 1, 6), "prêt"]]
    assert headings(planned([("Véhicules", rows)], existing=fleet)) == {"Date d’entrée", "Détention"}


def test_a_second_line_of_one_plate_or_number_tells_its_other_problems_too():
    rows = [["AB-123-CD", "x" * 41, ENTRY, None, None], ["ab123cd", None, "hier", None, None]]
    plan = planned(vehicles=[VEHICLE, *rows[1:]], drivers=[DRIVER, ["e1", "<i>", "Léa", None, "12", None]])
    found = {(problem.sheet, problem.heading) for problem in plan.problems}
    assert found == {
        ("Véhicules", "Immatriculation"), ("Véhicules", "Date d’entrée"),
        ("Conducteurs", "Matricule"), ("Conducteurs", "Nom"), ("Conducteurs", "Téléphone"),
    }  # fmt: skip
    assert counts(plan) == {"vehicles": (1, 0, 0, 1), "drivers": (1, 0, 0, 1)}


def test_a_refused_second_line_leaves_the_first_one_to_be_used():
    again = ["e1", "<i>", "Léa", None, "12", None]
    plan = planned(vehicles=[VEHICLE], drivers=[DRIVER, again], assignments=[["AB-123-CD", "E1", MORNING, None]])
    assert counts(plan)["assignments"] == (1, 0, 0, 0)


def test_what_depends_on_two_refused_lines_names_the_first():
    bad = ["E1", "<i>", "Léa", None, None, None]
    plan = planned(vehicles=[VEHICLE], drivers=[bad, bad], assignments=[["AB-123-CD", "E1", MORNING, None]])
    assert "Dépend de la ligne 2 de" in plan.problems[-1].sentence


def test_a_cell_of_the_wrong_type_hides_no_other_problem_of_an_assignments_line():
    plan = assignment_lines(["AB-123-CD", "E9", datetime(2024, 1, 1, 8), "demain"])  # noqa: DTZ001
    assert headings(plan) == {"Matricule conducteur", "Du", "Au"}
