"""The import in the browser: upload, preview, confirmation, result; its own organisation and right only."""

import io
import re
import uuid
import zipfile
from datetime import date, datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import func, select, update

from eprunes.accounts.models import Organisation
from eprunes.core import work
from eprunes.core.crypto import key_store
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.spreadsheets.reading import read_workbook
from eprunes.core.work import WorkState, WorkTask
from eprunes.fleet.importing import steps, tasks
from eprunes.fleet.importing.columns import SHEETS
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.long_work import run_long_work
from tests.support.fleet_files import (
    DRIVER,
    DRIVER_HEADINGS,
    ENTRY,
    OTHER_VEHICLE,
    VEHICLE,
    VEHICLE_HEADINGS,
    fleet_file,
    xlsx,
)
from tests.support.worlds import AS_OF, actor, make_world

MORNING = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - a cell has no zone
GOOD = {"vehicles": [VEHICLE], "drivers": [DRIVER], "assignments": [["AB-123-CD", "E1", MORNING, None]]}
WITH_REFUSED = GOOD | {"vehicles": [VEHICLE, ["AI-999-ZZ", "Renault", ENTRY, None, "Lyon"]]}


def send(browser, content, filename="parc.xlsx"):
    return browser.post("/import", data={"file": (io.BytesIO(content), filename)}, content_type="multipart/form-data")


def upload(browser, **rows):
    """Send a workbook; returns the path of its page."""
    answer = send(browser, fleet_file(**rows))
    assert answer.status_code == 302
    return answer.location


def prepared(browser, **rows):
    """Send a workbook and let its preview be made."""
    path = upload(browser, **rows)
    run_long_work(AS_OF)
    return path


def how_many(world, model):
    with tenant_session(world.organisation_id) as session:
        return session.scalar(
            select(func.count()).select_from(model).where(model.organisation_id == world.organisation_id)
        )


def task_of(world, path):
    with tenant_session(world.organisation_id) as session:
        return session.scalar(
            select(WorkTask).where(
                WorkTask.organisation_id == world.organisation_id, WorkTask.id == uuid.UUID(path.rsplit("/", 1)[1])
            )
        )


def test_a_workbook_goes_from_the_upload_to_the_result(world, signed_in):
    """C4.2"""
    browser = signed_in(world.fleet)
    path = upload(browser, **WITH_REFUSED)
    waiting = browser.get(path)
    assert waiting.status_code == 200
    assert "data-refresh" in waiting.text
    assert "Actualiser" in waiting.text
    run_long_work(AS_OF)
    preview = browser.get(path).text
    assert "data-refresh" not in preview
    assert "ne contient jamais I, O ou U" in preview
    assert "Importer 3 lignes" in preview
    assert how_many(world, Vehicle) == 0
    assert browser.post(f"{path}/confirmer").location == path
    assert "Enregistrement en cours" in browser.get(path).text
    run_long_work(AS_OF)
    result = browser.get(path).text
    assert "L’import est enregistré." in result
    assert "Les lignes refusées ne l’ont pas été" in result
    assert (how_many(world, Vehicle), how_many(world, Assignment)) == (1, 1)


def test_the_second_import_of_a_file_has_nothing_to_confirm(world, signed_in):
    browser = signed_in(world.fleet)
    first = prepared(browser, **GOOD)
    browser.post(f"{first}/confirmer")
    run_long_work(AS_OF)
    second = browser.get(prepared(browser, **GOOD)).text
    assert "Rien à modifier" in second
    assert "/confirmer" not in second


def test_confirming_twice_leads_to_the_result_and_imports_once(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **GOOD)
    for _ in range(2):
        answer = browser.post(f"{path}/confirmer")
        assert (answer.status_code, answer.location) == (302, path)
    run_long_work(AS_OF)
    assert browser.post(f"{path}/confirmer").location == path
    run_long_work(AS_OF)
    assert "L’import est enregistré." in browser.get(path).text
    assert how_many(world, Vehicle) == 1


def test_a_second_person_who_confirms_sees_the_result_too(world, signed_in):
    path = prepared(signed_in(world.fleet), **GOOD)
    signed_in(world.fleet).post(f"{path}/confirmer")
    run_long_work(AS_OF)
    answer = signed_in(world.both).post(f"{path}/confirmer", follow_redirects=True)
    assert answer.status_code == 200
    assert "L’import est enregistré." in answer.text


@pytest.mark.parametrize(
    ("rows", "word", "tone"),
    [
        ({"vehicles": [["AI-999-ZZ", "Renault", ENTRY, None, "Lyon"]]}, "Tout est refusé", "bad"),
        ({"vehicles": [VEHICLE, ["AI-999-ZZ", "Renault", ENTRY, None, "Lyon"]]}, "À confirmer", "warn"),
    ],
)
def test_a_preview_in_which_every_line_is_refused_says_so_in_the_list_too(world, signed_in, rows, word, tone):
    browser = signed_in(world.fleet)
    path = prepared(browser, **rows)
    for page in (browser.get(path).text, browser.get("/import").text):
        badge = page.split('<span class="state state-')[1]
        assert badge.startswith(tone)
        assert word in badge.split("</span>")[0] + badge.split("</svg>")[-1]
        assert "Rien à modifier" not in page


def test_a_preview_with_unchanged_lines_has_nothing_to_change(world, signed_in):
    browser = signed_in(world.fleet)
    browser.post(f"{prepared(browser, **GOOD)}/confirmer")
    run_long_work(AS_OF)
    page = browser.get(prepared(browser, **WITH_REFUSED)).text
    assert "Rien à modifier" in page
    assert "Tout est refusé" not in page


def test_a_file_name_that_turns_the_direction_of_reading_is_straightened(world, signed_in):
    browser = signed_in(world.fleet)
    send(browser, fleet_file(**GOOD), "parc\u202exslx.exe")
    run_long_work(AS_OF)
    page = browser.get("/import").text
    assert "\u202e" not in page
    assert "parcxslx.exe" in page


def test_unknown_sheets_and_columns_are_said_in_the_preview(world, signed_in):
    browser = signed_in(world.fleet)
    content = xlsx([("Notes", [["x"]]), ("Véhicules", [[*VEHICLE_HEADINGS, "Couleur"], [*VEHICLE, "rouge"]])])
    path = send(browser, content).location
    run_long_work(AS_OF)
    page = browser.get(path).text
    assert "Feuille «\u00a0Notes\u00a0» non reconnue\u00a0: ignorée." in page
    assert "Colonne «\u00a0Couleur\u00a0» de la feuille «\u00a0Véhicules\u00a0» non reconnue\u00a0: ignorée." in page
    assert "Importer 1 ligne" in page


def test_what_was_not_read_is_said_before_anything_is_asked(world, signed_in):
    browser = signed_in(world.fleet)
    browser.post(f"{prepared(browser, **GOOD)}/confirmer")
    run_long_work(AS_OF)
    content = xlsx([("Véhicules", [[*VEHICLE_HEADINGS, "Couleur"], [*OTHER_VEHICLE, "rouge"]])])
    path = send(browser, content).location
    run_long_work(AS_OF)
    page = browser.get(path).text
    asked = [page.index(one) for one in ("Ce qui n’a pas été lu", "/vehicules-absents", "/confirmer")]
    assert asked == sorted(asked)


def opened(page):
    """Whether the columns' fold stands open."""
    return " open" in page.split('id="colonnes"')[0].rsplit("<details", 1)[1]


@pytest.mark.parametrize(
    ("headings", "line", "lacking"),
    [
        (VEHICLE_HEADINGS, VEHICLE, None),
        ([*VEHICLE_HEADINGS, "Couleur"], [*VEHICLE, "rouge"], None),
        (VEHICLE_HEADINGS, ["nulle", *VEHICLE[1:]], None),
        (["Immatriculation", "Marque", "Mis au parc"], VEHICLE[:3], "Date d’entrée"),
        (["Notre n°", "Marque", "Date d’entrée"], VEHICLE[:3], "Immatriculation"),
    ],
)
def test_the_columns_stand_open_where_lines_are_refused_for_want_of_one(world, signed_in, headings, line, lacking):
    browser = signed_in(world.fleet)
    path = send(browser, xlsx([("Véhicules", [headings, line]), ("Conducteurs", [DRIVER_HEADINGS, DRIVER])])).location
    run_long_work(AS_OF)
    page = browser.get(path).text
    assert opened(page) is (lacking is not None)
    assert (f"des lignes sont refusées\u00a0: «\u00a0{lacking}\u00a0»" in page) is (lacking is not None)


def test_no_two_things_of_a_page_have_one_id(app, world, signed_in):
    """With the forms' tokens, of which each page has several; other people's vehicles are in the fleet."""
    browser = signed_in(world.fleet)
    browser.post(f"{prepared(browser, **GOOD)}/confirmer")
    run_long_work(AS_OF)
    unknown = send(browser, xlsx([("Feuil1", [["x", "y"], [1, 2]])])).location
    paths = [prepared(browser, vehicles=[OTHER_VEHICLE, ["nulle"]]), unknown, "/import"]
    run_long_work(AS_OF)
    choose = {
        "kind_0": "vehicles",
        "field_0_0": "plate",
        "field_0_1": "",
        "field_0_2": "",
        "field_0_3": "",
        "field_0_4": "",
    }
    browser.post(f"{paths[0]}/colonnes", data=choose)
    run_long_work(AS_OF)
    app.config["WTF_CSRF_ENABLED"] = True
    for path in paths:
        page = browser.get(path).text
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert page.count('name="csrf_token"') == page.count('method="post"') > 2, path
        assert sorted(ids) == sorted(set(ids)), path


def test_what_changes_is_shown_before_and_after(world, signed_in):
    browser = signed_in(world.fleet)
    browser.post(f"{prepared(browser, **GOOD)}/confirmer")
    run_long_work(AS_OF)
    page = browser.get(prepared(browser, vehicles=[["AB-123-CD", None, None, None, "Nantes"]])).text
    assert "Modifications" in page
    assert "Lyon" in page
    assert "Nantes" in page


def test_an_import_over_quota_is_said_in_the_preview_and_can_not_be_confirmed(app, signed_in):
    """C4.1-a"""
    world = make_world(0, vehicles=1)
    browser = signed_in(world.fleet)
    path = prepared(browser, vehicles=[VEHICLE, OTHER_VEHICLE])
    page = browser.get(path).text
    assert "il en faudrait 2" in page
    assert "/confirmer" not in page
    refused = browser.post(f"{path}/confirmer")
    assert refused.status_code == 422
    assert "il en faudrait 2" in refused.text
    run_long_work(AS_OF)
    assert how_many(world, Vehicle) == 0


def test_a_fleet_that_changed_after_the_confirmation_goes_back_to_the_preview(world, signed_in):
    one, other = signed_in(world.fleet), signed_in(world.both)
    first = prepared(one, **GOOD)
    second = prepared(other, vehicles=[[*VEHICLE[:4], "Nantes"]])
    for browser, path in ((one, first), (other, second)):
        browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert "L’import est enregistré." in one.get(first).text
    page = other.get(second).text
    assert "Le parc a changé depuis l’aperçu" in page
    assert "À modifier" in page
    other.post(f"{second}/confirmer")
    run_long_work(AS_OF)
    assert "L’import est enregistré." in other.get(second).text
    assert how_many(world, Vehicle) == 1


def test_two_people_may_import_different_things_at_once(world, signed_in):
    one, other = signed_in(world.fleet), signed_in(world.both)
    paths = [(one, prepared(one, vehicles=[VEHICLE])), (other, prepared(other, vehicles=[OTHER_VEHICLE]))]
    for browser, path in paths:
        browser.post(f"{path}/confirmer")
    counts = run_long_work(AS_OF)
    assert counts["applied"] == 2
    assert how_many(world, Vehicle) == 2


def test_the_refused_lines_come_back_as_they_were_with_their_reasons(world, signed_in):
    browser = signed_in(world.fleet)
    lines = [VEHICLE, ["AI-999-ZZ", "=1+1", date(2025, 2, 1), None, "Lyon"], OTHER_VEHICLE]
    path = prepared(browser, vehicles=lines, drivers=[DRIVER])
    answer = browser.get(f"{path}/lignes-refusees.xlsx")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["Véhicules"]
    headings, line = book["Véhicules"].iter_rows(values_only=True)
    assert headings == (*VEHICLE_HEADINGS, "Motif du refus")
    assert line[0] == "AI-999-ZZ"
    assert line[2] == datetime(2025, 2, 1)  # noqa: DTZ001
    assert line[5].startswith("Immatriculation\u00a0: ")
    assert all(cell.data_type != "f" for row in book["Véhicules"] for cell in row)


def test_the_corrected_refused_lines_can_be_sent_again(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **WITH_REFUSED)
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{path}/lignes-refusees.xlsx").data))
    book["Véhicules"]["A2"] = "AA-999-ZZ"
    corrected = io.BytesIO()
    book.save(corrected)
    again = send(browser, corrected.getvalue()).location
    run_long_work(AS_OF)
    page = browser.get(again).text
    assert "Importer 1 ligne" in page
    assert "non reconnue" not in page


def test_there_is_no_file_of_refused_lines_when_none_was_refused(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **GOOD)
    assert "lignes-refusees" not in browser.get(path).text
    assert browser.get(f"{path}/lignes-refusees.xlsx").status_code == 404


def test_the_template_has_every_heading_and_is_understood_once_filled(world, signed_in):
    browser = signed_in(world.fleet)
    content = browser.get("/import/modele.xlsx").data
    sheets = {sheet.name: sheet.rows[0] for sheet in read_workbook(content).sheets}
    assert sheets == {kind.title: [column.heading for column in kind.columns] for kind in SHEETS}
    book = openpyxl.load_workbook(io.BytesIO(content))
    line = {"Immatriculation": "AB-123-CD", "Date d’entrée": "01/03/2026"}
    book["Véhicules"].append([line.get(heading) for heading in sheets["Véhicules"]])
    filled = io.BytesIO()
    book.save(filled)
    path = send(browser, filled.getvalue()).location
    run_long_work(AS_OF)
    assert "Importer 1 ligne" in browser.get(path).text


def test_an_abandoned_import_is_gone_with_its_file_and_key(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **GOOD)
    assert browser.post(f"{path}/annuler").location == "/import"
    assert "Import abandonné" in browser.get("/import").text
    assert browser.get(path).status_code == 404
    assert task_of(world, path) is None
    assert key_store().all_keys(world.organisation_id, work.KEY_PURPOSE) == {}


def test_a_finished_import_can_not_be_abandoned(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **GOOD)
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert browser.post(f"{path}/annuler").status_code == 422
    assert how_many(world, Vehicle) == 1


def test_recent_imports_are_listed_with_their_file_and_state(world, signed_in):
    browser = signed_in(world.fleet)
    assert "Aucun import" in browser.get("/import").text
    prepared(browser, **GOOD)
    page = browser.get("/import").text
    assert "parc.xlsx" in page
    assert "À confirmer" in page
    assert "À confirmer" in signed_in(world.admin).get("/import").text


def test_the_file_name_and_the_lines_are_nowhere_in_clear_on_disk(world, signed_in):
    path = prepared(signed_in(world.fleet), **GOOD)
    task = task_of(world, path)
    for box in (task.input_box, task.staged_box, task.result_box):
        assert box
        for secret in (b"parc.xlsx", b"Caroline", b"AB-123-CD", b"Lyon"):
            assert secret not in box


@pytest.mark.parametrize(("late", "is_there"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_an_import_is_gone_after_a_day(world, signed_in, late, is_there):
    path = prepared(signed_in(world.fleet), **WITH_REFUSED)
    task_id, instant = task_of(world, path).id, AS_OF + work.KEPT_FOR + late
    with tenant_session(world.organisation_id) as session:
        reader = actor(world.fleet)
        assert (tasks.find_import(session, reader, task_id, instant) is not None) is is_there
        assert (tasks.refused_lines(session, reader, task_id, instant) is not None) is is_there
        assert bool(tasks.recent_imports(session, reader, instant)) is is_there
    run_long_work(instant)
    assert (task_of(world, path) is not None) is is_there


# Whose it is


@pytest.mark.parametrize("action", ["", "/lignes-refusees.xlsx", "/confirmer", "/annuler"])
def test_the_import_of_another_organisation_is_not_found(world, other_world, signed_in, action):
    path = prepared(signed_in(world.fleet), **WITH_REFUSED)
    stranger = signed_in(other_world.fleet)
    call = stranger.post if action in ("/confirmer", "/annuler") else stranger.get
    missing = call(f"/import/{uuid.uuid4()}{action}")
    foreign = call(path + action)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text == missing.text
    assert task_of(world, path).state == WorkState.PREPARED
    assert "parc.xlsx" not in stranger.get("/import").text


def test_imports_are_closed_to_those_without_the_fleet_right(world, signed_in):
    path = prepared(signed_in(world.fleet), **GOOD)
    browser = signed_in(world.fines)
    for page in ("/import", "/import/modele.xlsx", path):
        assert browser.get(page).status_code == 404
    assert send(browser, fleet_file(**GOOD)).status_code == 404


# Bad files


def bomb_of_one_cell():
    """A file of a few kilobytes whose two cells span the whole sheet."""
    book = openpyxl.Workbook()
    book.active.title = "Véhicules"
    book.active["A1"], book.active["XFD1048576"] = "Immatriculation", "x"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def bomb_of_zeros():
    rows = [["Immatriculation"], ["0" * 32_000]]
    content = io.BytesIO(xlsx([("Véhicules", rows)]))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", b"0" * 30_000_000)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7 parc", "n’est pas un classeur Excel"),
        (b"", "n’est pas un classeur Excel"),
        (b"PK\x03\x04 pas vraiment", "abîmé"),
        (bomb_of_zeros(), "trop de données une fois décompressé"),
    ],
)
def test_what_is_no_safe_workbook_is_refused_at_once(world, signed_in, content, sentence):
    answer = send(signed_in(world.fleet), content)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Classeur Excel" in answer.text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bomb_of_one_cell(), "dépasse"),
        (xlsx([("Feuil1", [["Immatriculation"]])]), "Aucune feuille n’est reconnue"),
        (xlsx([("Véhicules", [VEHICLE_HEADINGS])]), "aucune ligne"),
    ],
)
def test_a_workbook_that_can_not_be_read_is_refused_on_its_page(world, signed_in, content, sentence):
    browser = signed_in(world.fleet)
    path = send(browser, content).location
    run_long_work(AS_OF)
    page = browser.get(path)
    assert page.status_code == 422
    assert sentence in page.text
    assert "Rien n’a été enregistré." in page.text
    assert browser.post(f"{path}/confirmer").status_code == 422
    assert "Refusé" in browser.get("/import").text


def test_an_upload_without_a_file_is_refused(world, signed_in):
    answer = signed_in(world.fleet).post("/import", data={}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "Choisissez le fichier à importer." in answer.text


def test_a_name_or_a_sentence_from_the_file_is_never_markup(world, signed_in):
    browser = signed_in(world.fleet)
    rows = [["AB-123-CD", "<script>x</script>", "<b>hier</b>", None, None]]
    answer = send(browser, fleet_file(vehicles=rows), filename="<img src=x>.xlsx")
    run_long_work(AS_OF)
    page = browser.get(answer.location).text
    assert "<b>hier" not in page
    assert "<img src=x" not in page
    assert "&lt;b&gt;hier" in page


# Killed in the middle


def state_of(world, path):
    return task_of(world, path).state


@pytest.mark.parametrize("step", ["prepare", "apply"])
def test_an_import_whose_worker_was_killed_goes_on_when_its_lease_has_lapsed(world, signed_in, step):
    browser = signed_in(world.fleet)
    path = prepared(browser, **GOOD) if step == "apply" else upload(browser, **GOOD)
    if step == "apply":
        browser.post(f"{path}/confirmer")
    killed = work.claim_next(world.organisation_id, (steps.KIND,), AS_OF)
    assert killed is not None
    assert run_long_work(AS_OF + work.LEASE - timedelta(seconds=1)) == {"removed": 0}
    run_long_work(AS_OF + work.LEASE)
    assert state_of(world, path) == (WorkState.DONE if step == "apply" else WorkState.PREPARED)
    assert how_many(world, Vehicle) == (1 if step == "apply" else 0)


def test_a_worker_that_wakes_up_after_its_successor_writes_nothing(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **GOOD)
    browser.post(f"{path}/confirmer")
    asleep = work.claim_next(world.organisation_id, (steps.KIND,), AS_OF)
    assert work.claim_next(world.organisation_id, (steps.KIND,), AS_OF + work.LEASE) is not None
    with pytest.raises(work.LeaseLost):
        steps.apply(asleep, AS_OF)
    assert how_many(world, Vehicle) == 0
    run_long_work(AS_OF + 2 * work.LEASE)
    assert state_of(world, path) == WorkState.DONE
    assert (how_many(world, Vehicle), how_many(world, Assignment)) == (1, 1)


def test_an_import_that_always_kills_its_worker_is_given_up_with_a_sentence(world, signed_in, frozen):
    browser = signed_in(world.fleet)
    path = upload(browser, **GOOD)
    instant = AS_OF
    for _ in range(work.MAX_ATTEMPTS):
        assert work.claim_next(world.organisation_id, (steps.KIND,), instant) is not None
        instant += work.LEASE
    assert run_long_work(instant)["abandoned"] == 1
    page = browser.get(path)
    assert page.status_code == 422
    assert "n’a pas pu aboutir" in page.text


def test_nothing_is_begun_any_more_once_the_contract_has_ended(world, signed_in):
    """C3.4"""
    path = upload(signed_in(world.fleet), **GOOD)
    with platform_session("tests", write=True) as session:
        ends = update(Organisation).where(Organisation.id == world.organisation_id)
        session.execute(ends.values(contract_ends_on=AS_OF.date() - timedelta(days=1)))
    run_long_work(AS_OF)
    assert state_of(world, path) == WorkState.WAITING
    assert run_long_work(AS_OF + work.KEPT_FOR)["removed"] == 1
