"""What the columns of a workbook are: shown, chosen otherwise, remembered for the client's next ones, forgotten."""

import pytest
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.reading import SheetRead, Workbook, read_workbook
from eprunes.fleet.importing.layouts import recognise, understand
from eprunes.fleet.importing.mappings import SheetChoice, chosen_layouts
from eprunes.fleet.models import ImportMapping, Vehicle
from eprunes.long_work import run_long_work
from tests.fleet.test_import_pages import how_many, send, task_of
from tests.support.fleet_files import DRIVER, DRIVER_HEADINGS, ENTRY, VEHICLE, VEHICLE_HEADINGS, xlsx
from tests.support.worlds import AS_OF

OWN_HEADINGS = ["N° de parc", "Marque", "Date d’entrée", "Couleur"]
OWN_LINE = ["AB-123-CD", "Renault", ENTRY, "rouge"]
BEFORE = "D’après votre import précédent"


def prepared(browser, *sheets):
    """Send these sheets and let their preview be made; the path of its page."""
    path = send(browser, xlsx([(name, rows) for name, rows in sheets])).location
    run_long_work(AS_OF)
    return path


def choose(browser, path, **chosen):
    """Choose otherwise than the page says, and let the preview be made again."""
    answer = browser.post(f"{path}/colonnes", data=as_shown(browser.get(path)) | chosen)
    if answer.status_code == 302:
        run_long_work(AS_OF)
    return answer


def as_shown(page):
    """What the form of columns would send as it stands."""
    found = {}
    for part in page.text.split("<select ")[1:]:
        name, options = part.split('name="')[1].split('"')[0], part.split("</select>")[0]
        chosen = next((one for one in options.split("<option ")[1:] if one.startswith("selected")), 'value=""')
        if name.startswith(("kind_", "field_")):
            found[name] = chosen.split('value="')[1].split('"')[0]
    return found


def remembered(world):
    own = ImportMapping.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id) as session:
        return {(one.sheet, one.heading): one.field for one in session.scalars(select(ImportMapping).where(own))}


def vehicles(world):
    with tenant_session(world.organisation_id) as session:
        return session.scalars(select(Vehicle).where(Vehicle.organisation_id == world.organisation_id)).all()


def test_the_preview_shows_how_each_column_is_understood(world, signed_in):
    """C4.2"""
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [[*VEHICLE_HEADINGS, "Couleur"], [*VEHICLE, "rouge"]]))
    page = browser.get(path)
    assert as_shown(page) == {
        "kind_0": "vehicles", "field_0_0": "plate", "field_0_1": "make", "field_0_2": "entered_at",
        "field_0_3": "left_at", "field_0_4": "site", "field_0_5": "",
    }  # fmt: skip
    assert "Par exemple «\u00a0AB-123-CD\u00a0»" in page.text.replace("« ", "«\u00a0").replace(" »", "\u00a0»")


def test_a_column_that_was_not_understood_can_be_chosen(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [[*VEHICLE_HEADINGS[:4], "Rattachement"], VEHICLE]))
    assert choose(browser, path, field_0_4="site").location == path
    assert as_shown(browser.get(path))["field_0_4"] == "site"
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert [one.site for one in vehicles(world)] == ["Lyon"]


def test_a_column_can_be_left_aside(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [VEHICLE_HEADINGS, VEHICLE]))
    choose(browser, path, field_0_4="")
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert [(one.make, one.site) for one in vehicles(world)] == [("Renault", "")]


def test_a_workbook_of_unknown_headings_leads_to_the_choice_and_not_to_a_refusal(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Feuil1", [OWN_HEADINGS, OWN_LINE]))
    page = browser.get(path)
    assert page.status_code == 422
    assert "Aucune feuille n’est reconnue" in page.text
    assert as_shown(page) == {"kind_0": ""}
    assert "Colonnes à choisir" in browser.get("/import").text
    assert browser.post(f"{path}/confirmer").status_code == 422
    choose(browser, path, kind_0="vehicles")
    page = browser.get(path)
    assert "la colonne «\u00a0Immatriculation\u00a0» manque" in page.text
    assert as_shown(page)["field_0_0"] == ""
    choose(browser, path, field_0_0="plate")
    page = browser.get(path)
    assert page.status_code == 200
    assert "Importer 1 ligne" in page.text
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert [one.plate for one in vehicles(world)] == ["AB-123-CD"]


def test_the_choice_is_proposed_for_the_next_workbook_and_said(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [OWN_HEADINGS, OWN_LINE]))
    choose(browser, path, field_0_0="plate")
    assert remembered(world) == {("vehicles", "ndeparc"): "plate"}
    again = browser.get(prepared(browser, ("Véhicules", [["N° DE PARC", "Date d’entrée"], ["AB-123-CD", ENTRY]])))
    assert again.status_code == 200
    assert as_shown(again)["field_0_0"] == "plate"
    assert "1 colonne reconnue" in again.text
    assert again.text.count(BEFORE) == 1


def test_a_sheet_under_any_name_is_recognised_by_the_columns_that_were_chosen_before(world, signed_in):
    browser = signed_in(world.fleet)
    choose(browser, prepared(browser, ("Véhicules", [OWN_HEADINGS, OWN_LINE])), field_0_0="plate")
    page = browser.get(prepared(browser, ("Feuil1", [OWN_HEADINGS, OWN_LINE])))
    assert as_shown(page)["kind_0"] == "vehicles"


def test_only_what_was_changed_is_remembered_and_coming_back_forgets_it(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [[*VEHICLE_HEADINGS, "Plaque"], [*VEHICLE, "EF-456-GH"]]))
    choose(browser, path)
    assert remembered(world) == {}
    choose(browser, path, field_0_4="")
    assert remembered(world) == {("vehicles", "site"): ""}
    choose(browser, path, field_0_4="site")
    assert remembered(world) == {}


def test_coming_back_to_what_a_heading_says_without_its_little_words_is_forgotten_too(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [["Immatriculation", "Date de l’entrée"], ["AB-123-CD", ENTRY]]))
    choose(browser, path, field_0_1="")
    assert remembered(world) == {("vehicles", "datedelentree"): ""}
    choose(browser, path, field_0_1="entered_at")
    assert remembered(world) == {}


def test_what_was_remembered_can_be_forgotten(world, signed_in):
    browser = signed_in(world.fleet)
    assert "Oublier" not in browser.get("/import").text
    choose(browser, prepared(browser, ("Véhicules", [OWN_HEADINGS, OWN_LINE])), field_0_0="plate")
    assert "Oublier" in browser.get("/import").text
    assert browser.post("/import/colonnes-retenues/oublier").location == "/import"
    assert remembered(world) == {}
    page = browser.get(prepared(browser, ("Véhicules", [OWN_HEADINGS, OWN_LINE])))
    assert as_shown(page)["field_0_0"] == ""
    own = AuditEntry.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id) as session:
        traced = session.scalars(select(AuditEntry).where(own).order_by(AuditEntry.id)).all()
    told = [(one.action, one.details) for one in traced if one.action.startswith("import.")]
    assert told == [("import.colonnes_retenues", {"nombre": 1}), ("import.colonnes_oubliees", {"nombre": 1})]


def test_what_a_client_chose_says_nothing_to_another(world, other_world, signed_in):
    choose(
        signed_in(world.fleet),
        prepared(signed_in(world.fleet), ("Véhicules", [OWN_HEADINGS, OWN_LINE])),
        field_0_0="plate",
    )
    stranger = signed_in(other_world.fleet)
    assert "Oublier" not in stranger.get("/import").text
    stranger.post("/import/colonnes-retenues/oublier")
    assert remembered(world) == {("vehicles", "ndeparc"): "plate"}
    assert as_shown(stranger.get(prepared(stranger, ("Véhicules", [OWN_HEADINGS, OWN_LINE]))))["field_0_0"] == ""


def test_two_columns_for_one_field_are_refused_by_name(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [[*VEHICLE_HEADINGS, "Couleur"], [*VEHICLE, "rouge"]]))
    answer = choose(browser, path, field_0_5="site")
    assert answer.status_code == 422
    assert "les colonnes «\u00a0Site\u00a0» et «\u00a0Couleur\u00a0» ne peuvent pas être toutes deux" in answer.text
    assert 'href="#field_0_5"' in answer.text
    assert remembered(world) == {}


def test_two_sheets_of_one_kind_are_refused(world, signed_in):
    browser = signed_in(world.fleet)
    rows = [VEHICLE_HEADINGS, VEHICLE]
    path = prepared(browser, ("Véhicules", rows), ("Parc", rows))
    answer = choose(browser, path, kind_1="vehicles")
    assert answer.status_code == 422
    assert "ne peuvent pas contenir toutes deux les véhicules" in answer.text
    assert choose(browser, path, kind_0="", kind_1="vehicles").status_code == 302
    assert as_shown(browser.get(path))["kind_1"] == "vehicles"


def test_a_workbook_of_which_nothing_is_left_is_refused(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [VEHICLE_HEADINGS, VEHICLE]))
    answer = choose(browser, path, kind_0="")
    assert answer.status_code == 422
    assert "Dites ce que contient une feuille au moins." in answer.text


def test_a_field_that_is_not_of_the_sheet_is_refused(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [VEHICLE_HEADINGS, VEHICLE]))
    answer = choose(browser, path, field_0_1="last_name")
    assert answer.status_code == 422
    assert "Choisissez dans la liste." in answer.text


def test_a_sheet_that_becomes_of_another_kind_has_its_columns_guessed_anew(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Personnel", [DRIVER_HEADINGS, DRIVER]))
    assert as_shown(browser.get(path))["kind_0"] == "drivers"
    choose(browser, path, kind_0="")
    choose(browser, prepared(browser, ("Liste", [["Nom", "x"], ["Dumas", 1]])), kind_0="drivers")
    assert remembered(world) == {}


@pytest.mark.parametrize("then", ["confirmer", "annuler"])
def test_columns_are_no_longer_chosen_once_the_import_is_agreed_to_or_given_up(world, signed_in, then):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [VEHICLE_HEADINGS, VEHICLE]))
    sent = as_shown(browser.get(path)) | {"field_0_4": ""}
    browser.post(f"{path}/{then}")
    answer = browser.post(f"{path}/colonnes", data=sent)
    assert answer.status_code == (404 if then == "annuler" else 422)
    run_long_work(AS_OF)
    assert [one.site for one in vehicles(world)] == ([] if then == "annuler" else ["Lyon"])


def test_an_agreement_to_a_preview_that_somebody_replaced_is_refused(world, signed_in):
    one, other = signed_in(world.fleet), signed_in(world.both)
    path = prepared(one, ("Véhicules", [VEHICLE_HEADINGS, VEHICLE]))
    seen = one.get(path).text.split('name="seen" value="')[1].split('"')[0]
    choose(other, path, field_0_4="")
    answer = one.post(f"{path}/confirmer", data={"seen": seen})
    assert answer.status_code == 422
    assert "n’est plus celui que vous aviez sous les yeux" in answer.text
    now = one.get(path).text.split('name="seen" value="')[1].split('"')[0]
    assert one.post(f"{path}/confirmer", data={"seen": now}).status_code == 302
    run_long_work(AS_OF)
    assert how_many(world, Vehicle) == 1


def test_the_refused_lines_are_those_of_the_columns_that_were_chosen(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Feuil1", [OWN_HEADINGS, ["nulle", "Renault", ENTRY, "rouge"]]))
    choose(browser, path, kind_0="vehicles")
    choose(browser, path, field_0_0="plate")
    assert '<td data-label="Colonne">N° de parc</td>' in browser.get(path).text
    sent = browser.get(f"{path}/lignes-refusees.xlsx").data
    headings, line = read_workbook(sent).sheets[0].rows
    assert headings == [*OWN_HEADINGS, "Motif du refus"]
    assert line[0] == "nulle"
    assert line[4].startswith("N° de parc\u00a0: ")


def test_choices_stand_nowhere_in_clear_with_the_task(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, ("Véhicules", [OWN_HEADINGS, OWN_LINE]))
    choose(browser, path, field_0_0="plate")
    task = task_of(world, path)
    for box in (task.input_box, task.staged_box, task.result_box):
        assert box
        assert b"entered_at" not in box


# Pure


def book(*sheets):
    return Workbook([SheetRead(name, rows) for name, rows in sheets])


def test_a_heading_that_was_set_aside_is_not_remarked_on_again():
    content = book(("Véhicules", [[*VEHICLE_HEADINGS, "Couleur"], [*VEHICLE, "rouge"]]))
    assert len(recognise(content).notes) == 1
    assert recognise(content, {("vehicles", "couleur"): ""}).notes == []


def test_a_choice_for_one_kind_of_sheet_does_not_bind_another():
    content = book(("Conducteurs", [DRIVER_HEADINGS, DRIVER]))
    kept = {("vehicles", "matricule"): ""}
    assert recognise(content, kept).tables[0].places == recognise(content).tables[0].places


def test_columns_without_a_heading_can_be_chosen_too():
    content = book(("Véhicules", [["Immatriculation", "Date d’entrée", None], ["AB-123-CD", ENTRY, "Lyon"]]))
    before = understand(content, {})
    now = chosen_layouts(content, before, [SheetChoice("vehicles", {2: "site"})], {})
    assert now.layouts[0].fields == ["plate", "entered_at", "site"]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([["Parc 2026", None], ["Identifiant", "Entré"], ["AB-123-CD", ENTRY]], 1),
        ([["Identifiant", "Entré"], ["AB-123-CD", ENTRY]], 0),
        ([["Immatriculation", None], ["AB-123-CD", ENTRY]], 0),
        ([["Identifiant"], ["AB-123-CD"]], 0),
    ],
    ids=["below a title", "first line", "one known heading", "one column"],
)
def test_the_line_of_unknown_headings_is_the_first_that_looks_like_one(rows, line):
    assert understand(book(("Véhicules", rows)), {}).layouts[0].heading_row == line
