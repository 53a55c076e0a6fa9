"""Sheets and columns recognised whatever their case, accents and order; the rest said and left aside."""

import pytest

from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import SheetRead, Workbook
from eprunes.fleet.importing.columns import SHEETS
from eprunes.fleet.importing.layouts import recognise
from tests.support.fleet_files import VEHICLE, VEHICLE_HEADINGS, counts, planned


def recognised(*sheets):
    return recognise(Workbook([SheetRead(name, rows) for name, rows in sheets]))


@pytest.mark.parametrize(
    ("sheet", "heading", "field"),
    [
        ("VEHICULES", "IMMATRICULATION", "plate"),
        ("véhicule", " n°  d’immatriculation ", "plate"),
        ("Parc", "n° d’immatriculation", "plate"),
        ("conducteurs", "MATRICULE", "staff_number"),
        ("Salariés", "matricule salarie", "staff_number"),
    ],
)
def test_a_sheet_and_its_key_column_are_recognised_by_synonyms_too(sheet, heading, field):
    [table] = recognised((sheet, [[heading], ["x"]])).tables
    assert table.places == {field: 0}


def test_every_heading_of_the_template_is_recognised_as_itself():
    for kind in SHEETS:
        headings = [column.heading for column in kind.columns]
        [table] = recognised((kind.title, [headings, ["x"] * len(headings)])).tables
        assert table.places == {column.name: place for place, column in enumerate(kind.columns)}


def test_columns_may_stand_in_any_order():
    shuffled = [list(reversed(VEHICLE_HEADINGS)), list(reversed(VEHICLE))]
    plan = planned([("Véhicules", shuffled)])
    assert counts(plan) == {"vehicles": (1, 0, 0, 0)}
    assert plan.vehicles[0].values["site"] == "Lyon"


def test_a_title_above_the_headings_does_no_harm_and_lines_keep_the_files_numbers():
    rows = [["Parc au 1er mars", None, None, None, None], [None] * 5, VEHICLE_HEADINGS, ["nulle", *VEHICLE[1:]]]
    plan = planned([("Véhicules", rows)])
    assert [problem.line for problem in plan.problems] == [4]


def test_an_unknown_sheet_and_column_are_said_and_do_not_stop_the_rest():
    rows = [[*VEHICLE_HEADINGS, "Couleur"], [*VEHICLE, "rouge"]]
    plan = planned([("Notes", [["bonjour"]]), ("Véhicules", rows)])
    assert plan.notes == [
        "Feuille «\u00a0Notes\u00a0» non reconnue\u00a0: ignorée.",
        "Colonne «\u00a0Couleur\u00a0» de la feuille «\u00a0Véhicules\u00a0» non reconnue\u00a0: ignorée.",
    ]
    assert counts(plan) == {"vehicles": (1, 0, 0, 0)}


def test_the_reasons_column_of_our_own_refused_lines_is_not_remarked_on():
    plan = planned([("Véhicules", [[*VEHICLE_HEADINGS, "Motif du refus"], [*VEHICLE, "trop tard"]])])
    assert plan.notes == []


def test_a_column_given_twice_counts_once():
    rows = [["Immatriculation", "Plaque", "Date d’entrée"], ["AB-123-CD", "EF-456-GH", VEHICLE[2]]]
    plan = planned([("Véhicules", rows)])
    assert [act.plate for act in plan.vehicles] == ["AB-123-CD"]
    assert "dit déjà la même chose" in plan.notes[0]


def test_a_second_sheet_of_the_same_kind_is_said_and_ignored():
    rows = [VEHICLE_HEADINGS, VEHICLE]
    plan = planned([("Véhicules", rows), ("Parc", rows)])
    assert counts(plan) == {"vehicles": (1, 0, 0, 0)}
    assert "«\u00a0Véhicules\u00a0» tient déjà ce rôle" in plan.notes[0]


def test_a_missing_required_column_refuses_its_sheet_alone():
    plan = planned(
        [("Véhicules", [VEHICLE_HEADINGS, VEHICLE]), ("Attributions", [["Immatriculation", "Du"], ["AB-123-CD", "x"]])]
    )
    assert counts(plan) == {"vehicles": (1, 0, 0, 0), "assignments": (0, 0, 0, 1)}
    assert plan.notes == [
        "Feuille «\u00a0Attributions\u00a0» refusée\u00a0: la colonne «\u00a0Matricule conducteur\u00a0» manque."
    ]


@pytest.mark.parametrize(
    ("sheets", "sentence"),
    [
        ([("Feuil1", [["Immatriculation"], ["AB-123-CD"]])], "Aucune feuille"),
        ([("Véhicules", [["Marque", "Site"], ["Renault", "Lyon"]])], "«\u00a0Immatriculation\u00a0» manque"),
        ([("Véhicules", [])], "aucune ligne"),
        ([("Véhicules", [["Immatriculation"]]), ("Conducteurs", [["Matricule"]])], "aucune ligne"),
        ([], "Aucune feuille"),
    ],
)
def test_a_workbook_without_anything_usable_is_refused(sheets, sentence):
    with pytest.raises(Refused, match=sentence):
        recognised(*sheets)


@pytest.mark.parametrize(
    "known",
    [[("Véhicules", [])], [("Véhicules", [["Immatriculation"]])], [("Véhicules", [["Marque", "Site"], [1, 2]])]],
)
def test_sheets_that_were_not_recognised_are_named_when_nothing_is_left_to_read(known):
    with pytest.raises(Refused) as refusal:
        recognised(*known, ("Vehicules 2026", [["Immatriculation"], ["AB-123-CD"]]))
    assert "Feuille «\u00a0Vehicules 2026\u00a0» non reconnue\u00a0: ignorée." in str(refusal.value)


def test_the_columns_that_our_exports_add_are_passed_over_on_their_own_sheet_alone():
    rows = [[*VEHICLE_HEADINGS, "Conducteur actuel", "declare a l'antai le"], [*VEHICLE, "DUMAS Caroline", None]]
    assert planned([("Véhicules", rows)]).notes == []
    assert len(planned([("Véhicules", [[*VEHICLE_HEADINGS, "Nom du conducteur"], [*VEHICLE, "x"]])]).notes) == 1
