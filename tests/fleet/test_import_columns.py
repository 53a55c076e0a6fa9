"""Sheets and columns recognised whatever their case, accents, language and order; the rest said and left aside."""

from datetime import date

import pytest

from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import SheetRead, Workbook
from eprunes.fleet.importing import cells
from eprunes.fleet.importing.columns import KINDS, SHEETS, spellings
from eprunes.fleet.importing.layouts import recognise, understand
from tests.support.fleet_files import VEHICLE, VEHICLE_HEADINGS, counts, paris, planned


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
    [warning] = plan.warnings
    assert "La feuille «\u00a0Parc\u00a0» n’est pas importée" in warning
    assert "comme «\u00a0Véhicules\u00a0»" in warning
    empty = planned([("Véhicules", rows), ("Parc", rows[:1])])
    assert empty.warnings == []
    assert "«\u00a0Véhicules\u00a0» tient déjà ce rôle" in empty.notes[0]


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


# French and English, and little words


@pytest.mark.parametrize("kind", SHEETS, ids=lambda kind: kind.name)
def test_no_heading_means_two_columns_of_a_sheet(kind):
    meant = {}
    for column in kind.columns:
        for heading in (column.heading, *column.synonyms):
            for spelling in spellings(heading):
                assert meant.setdefault(spelling, column.name) == column.name, heading
    assert all(meant), "an empty heading means nothing"
    assert not {spelling for heading in kind.exported for spelling in spellings(heading)} & set(meant)


def test_no_title_means_two_sheets():
    meant = {}
    for kind in SHEETS:
        for title in (kind.title, *kind.synonyms):
            for spelling in spellings(title):
                assert meant.setdefault(spelling, kind.name) == kind.name, title


@pytest.mark.parametrize("kind", SHEETS, ids=lambda kind: kind.name)
def test_every_heading_that_is_known_is_read_as_its_column(kind):
    for column in kind.columns:
        for heading in (column.heading, *column.synonyms):
            assert read(kind.name, heading) == column.name, heading
            assert read(kind.name, heading.upper().replace(" ", "_").replace("’", "'")) == column.name, heading


def read(kind, heading):
    """The field that a heading is read as on a sheet of this kind, if any."""
    content = Workbook([SheetRead(KINDS[kind].title, [[heading], ["x"]])])
    return understand(content, {}).layouts[0].fields[0]


@pytest.mark.parametrize(
    ("kind", "heading", "field"),
    [
        ("vehicles", "Date entrée", "entered_at"),
        ("vehicles", "Date sortie", "left_at"),
        ("vehicles", "Motif de la sortie", "left_because"),
        ("vehicles", "Motif sortie", "left_because"),
        ("vehicles", "No d'immatriculation", "plate"),
        ("vehicles", "Nº immatriculation", "plate"),
        ("vehicles", "Numéro châssis", "vin"),
        ("vehicles", "Date 1ère mise en circulation", "first_registered_on"),
        ("vehicles", "Première mise en circulation", "first_registered_on"),
        ("vehicles", "Cost center", "cost_centre"),
        ("vehicles", "Licence plate no.", "plate"),
        ("drivers", "No permis", "licence_number"),
        ("drivers", "N° permis", "licence_number"),
        ("drivers", "Date de délivrance permis", "licence_issued_on"),
        ("drivers", "Date naissance", "birth_date"),
        ("drivers", "Num. téléphone", "phone"),
        ("drivers", "License number", "licence_number"),
        ("drivers", "Driver's license #", "licence_number"),
        ("drivers", "last_name", "last_name"),
        ("assignments", "Du", "starts_at"),
        ("assignments", "To", "ends_at"),
    ],
)
def test_little_words_and_ways_to_write_a_number_do_not_matter(kind, heading, field):
    assert read(kind, heading) == field


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("vehicles", "Date d’immatriculation"),
        ("vehicles", "Location"),
        ("vehicles", "Le"),
        ("drivers", "N° de voie"),
        ("drivers", "Name"),
        ("drivers", "Number"),
        ("assignments", "De la"),
        ("assignments", ""),
    ],
)
def test_a_heading_that_may_mean_another_thing_is_left_to_people(kind, heading):
    assert read(kind, heading) == ""


def test_a_clients_choice_comes_before_what_a_heading_says_without_its_little_words():
    content = Workbook([SheetRead("Véhicules", [["Immatriculation", "Date de l’entrée"], ["x", "y"]])])
    assert understand(content, {}).layouts[0].fields == ["plate", "entered_at"]
    assert understand(content, {("vehicles", "datedelentree"): "left_at"}).layouts[0].fields == ["plate", "left_at"]


ENGLISH = [
    (
        "Fleet",
        [
            ["Site", "Fuel", "Start date", "License plate", "Ownership", "Pool vehicle", "Make", "Country"],
            ["Lyon", "Petrol", "03/04/2025", "AB-123-CD", "Leased", "Yes", "Renault", "Germany"],
        ],
    ),
    (
        "Employees",
        [
            [
                "First name",
                "Title",
                "Surname",
                "Date of birth",
                "ZIP code",
                "Town",
                "Employee ID",
                "Licence issue date",
            ],
            ["Caroline", "Mrs", "Dumas", "05/06/1990", 1000, "Bourg", "E1", "07/08/2010"],
        ],
    ),
    (
        "Assignments",
        [["Until", "From", "Driver", "Plate", "Country"], [None, "04/04/2025 08:00", "E1", "AB 123 CD", "DE"]],
    ),
]


@pytest.mark.parametrize("titles", [("Fleet", "Employees", "Assignments"), ("Sheet1", "Sheet2", "Sheet3")])
def test_an_english_workbook_is_read_as_it_stands_its_days_before_its_months(titles):
    """C4.2"""
    plan = planned([(title, rows) for title, (_, rows) in zip(titles, ENGLISH, strict=True)])
    assert plan.problems == []
    assert counts(plan) == {"vehicles": (1, 0, 0, 0), "drivers": (1, 0, 0, 0), "assignments": (1, 0, 0, 0)}
    [vehicle], [driver], [assignment] = plan.vehicles, plan.drivers, plan.assignments
    assert vehicle.key == ("DE", "AB123CD")
    said = [vehicle.values[name] for name in ("make", "energy", "holding", "is_pool", "entered_at")]
    assert said == ["Renault", "essence", "lld", True, paris(2025, 4, 3)]
    details = driver.details
    assert (driver.staff_number, details.civility, details.full_name) == ("E1", "Mme", "Caroline DUMAS")
    assert (details.birth_date, details.licence_issued_on) == (date(1990, 6, 5), date(2010, 8, 7))
    assert (details.postcode, details.city) == ("01000", "Bourg")
    assert assignment.starts_at == paris(2025, 4, 4, 8)


@pytest.mark.parametrize(
    ("reader", "word", "value"),
    [
        (cells.holding, "owned", "propriete"),
        (cells.holding, "LEASED", "lld"),
        (cells.holding, "Lease to buy", "loa"),
        (cells.holding, "Rented", "location"),
        (cells.energy, "Electric", "electricite"),
        (cells.energy, "Hybrid", "hybride"),
        (cells.energy, "Plug-in hybrid", "hybride_rechargeable"),
        (cells.exit_reason, "Sold", "vente"),
        (cells.exit_reason, "returned", "restitution"),
        (cells.exit_reason, "Stolen", "vol"),
        (cells.exit_reason, "Destroyed", "destruction"),
        (cells.driver_kind, "Employee", "prepose"),
        (cells.driver_kind, "Renter", "locataire"),
        (cells.civility, "Mr", "M."),
        (cells.civility, "Ms", "Mme"),
        (cells.yes_or_no, "yes", True),
        (cells.yes_or_no, "NO", False),
        (cells.country, "United Kingdom", "GB"),
        (cells.country, "Royaume-Uni", "GB"),
    ],
)
def test_what_stands_in_english_cells_is_understood(reader, word, value):
    assert reader(word) == value


@pytest.mark.parametrize(
    ("reader", "word"), [(cells.energy, "Gas"), (cells.holding, "Shared"), (cells.country, "Sold")]
)
def test_a_word_that_says_nothing_sure_is_refused(reader, word):
    with pytest.raises(ValueError):
        reader(word)
