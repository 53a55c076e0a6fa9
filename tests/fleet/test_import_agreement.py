"""What people agree to is what is written: from what it was to what it will be, and in whose name."""

import io
from datetime import date, datetime

import pytest
from sqlalchemy import select

from eprunes.accounts.models import User
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.sent import read_sent
from eprunes.fleet import exports
from eprunes.fleet.driver_search import EVERYONE, DriverSearch
from eprunes.fleet.importing.applying import FleetChanged
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.importing.parsing import parse
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.long_work import run_long_work
from tests.fleet.fleets import add_driver
from tests.fleet.test_import_applying import agree, apply_agreed, rows
from tests.fleet.test_import_missing import SOLD
from tests.fleet.test_import_missing import plan as plan_with_closing
from tests.fleet.test_import_missing import write as write_with_closing
from tests.fleet.test_import_pages import prepared, send
from tests.support.fleet_files import (
    DRIVER,
    OTHER_VEHICLE,
    PARIS,
    VEHICLE,
    VEHICLE_HEADINGS,
    fleet_file,
    paris,
    parsed,
    sheets,
    xlsx,
)
from tests.support.worlds import AS_OF, actor, make_world

MORNING = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - a cell has no zone
EVENING = datetime(2026, 1, 9, 18)  # noqa: DTZ001
LATER = datetime(2026, 1, 20, 18)  # noqa: DTZ001
HELD = {"vehicles": [VEHICLE], "drivers": [DRIVER], "assignments": [["AB-123-CD", "E1", MORNING, None]]}


def at_site(site):
    return parsed(sheets(vehicles=[[*VEHICLE[:4], site]]))


def in_city(city):
    return parsed(sheets(drivers=[[*DRIVER[:6], city]]))


def until(end):
    return parsed(sheets(assignments=[["AB-123-CD", "E1", MORNING, end]]))


def planned_now(world, content):
    return make_plan(world.organisation_id, content, PARIS, AS_OF)


def name_of(world, email):
    with tenant_session(world.organisation_id, platform_reason="test") as session:
        return session.scalar(
            select(User.display_name).where(User.organisation_id == world.organisation_id, User.email == email)
        )


@pytest.mark.parametrize(
    ("agreed", "meanwhile"),
    [
        (at_site("SiteC"), at_site("SiteManuel")),
        (in_city("Nantes"), in_city("Lille")),
        (until(EVENING), until(LATER)),
    ],
    ids=["vehicle", "driver", "assignment"],
)
def test_what_somebody_changed_after_the_preview_is_never_written_over(world, agreed, meanwhile):
    """The file would still write the same: but from something else than what was shown."""
    agree(world, parsed(sheets(**HELD)))
    shown = planned_now(world, agreed)
    agree(world, meanwhile)
    again = planned_now(world, agreed)
    assert (again.vehicles, again.drivers, again.assignments) == (shown.vehicles, shown.drivers, shown.assignments)
    with pytest.raises(FleetChanged):
        apply_agreed(world, agreed, shown)
    apply_agreed(world, agreed, again)


@pytest.mark.parametrize(
    ("one", "other"), [(at_site("SiteB"), at_site("SiteC")), (in_city("Nantes"), in_city("Lille"))]
)
def test_of_two_imports_that_were_agreed_to_for_one_line_the_second_is_shown_again(world, one, other):
    agree(world, parsed(sheets(**HELD)))
    first, second = planned_now(world, one), planned_now(world, other)
    apply_agreed(world, one, first)
    with pytest.raises(FleetChanged):
        apply_agreed(world, other, second)
    apply_agreed(world, other, planned_now(world, other))


def test_an_end_that_moved_among_the_vehicles_that_leave_is_shown_again(world):
    held = HELD | {"vehicles": [VEHICLE, OTHER_VEHICLE]}
    agree(world, parsed(sheets(**held)))
    shown = plan_with_closing(world, SOLD, vehicles=[OTHER_VEHICLE])
    agree(world, until(datetime(2026, 3, 20, 18)))  # noqa: DTZ001
    with pytest.raises(FleetChanged):
        write_with_closing(world, shown, SOLD, vehicles=[OTHER_VEHICLE])
    [held] = rows(world, Assignment)
    assert held.ends_at == paris(2026, 3, 20, 18)


def test_a_namesake_who_came_after_the_preview_is_shown_before_anything_is_written(world):
    born = ["Matricule", "Nom", "Prénom", "Date de naissance"]
    person = ["Prune", "Léa", date(1990, 5, 1)]
    one, other = (parsed([("Conducteurs", [born, [number, *person]])]) for number in ("E7", "E8"))
    shown = planned_now(world, other)
    agree(world, one)
    with pytest.raises(FleetChanged):
        apply_agreed(world, other, shown)
    again = agree(world, other)
    assert [one.sentence.split(",")[0] for one in again.remarks] == ["PRUNE Léa (E7)"]


def test_a_change_by_hand_is_shown_on_the_page_before_it_is_agreed_to_again(world, signed_in):
    agree(world, parsed(sheets(vehicles=[VEHICLE])))
    browser = signed_in(world.fleet)
    path = prepared(browser, vehicles=[[*VEHICLE[:4], "SiteC"]])
    browser.post(f"{path}/confirmer")
    agree(world, at_site("SiteManuel"))
    run_long_work(AS_OF)
    page = browser.get(path).text
    assert "Le parc a changé depuis l’aperçu" in page
    assert "SiteManuel" in page
    assert [one.site for one in rows(world, Vehicle)] == ["SiteManuel"]


# In whose name


@pytest.mark.parametrize("step", ["agreed", "done", "shown again"])
def test_who_sent_the_file_and_who_agreed_to_it_are_both_named(world, signed_in, step):
    sender, other = name_of(world, world.fleet), name_of(world, world.both)
    path = prepared(signed_in(world.fleet), vehicles=[VEHICLE])
    browser = signed_in(world.both)
    assert f"par {sender}</p>" in browser.get(path).text
    browser.post(f"{path}/confirmer")
    if step == "shown again":
        agree(world, at_site("Nantes"))
    if step != "agreed":
        run_long_work(AS_OF)
    told = f"par {sender}" if step == "shown again" else f"par {sender}, confirmé par {other}"
    assert f"{told}</p>" in browser.get(path).text
    assert f"{told.removeprefix('par ')}</td>" in browser.get("/import").text


def test_whoever_agrees_to_their_own_import_is_named_once(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, vehicles=[VEHICLE])
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert "confirmé par" not in browser.get(path).text
    assert f"par {name_of(world, world.fleet)}</p>" in browser.get(path).text


# What the page says before


def test_a_second_sheet_of_vehicles_is_a_warning_above_the_button(world, signed_in):
    browser = signed_in(world.fleet)
    content = xlsx([("Véhicules", [VEHICLE_HEADINGS, VEHICLE]), ("Véhicules 2", [VEHICLE_HEADINGS, OTHER_VEHICLE])])
    path = send(browser, content).location
    run_long_work(AS_OF)
    page = browser.get(path).text
    warning = page.index("La feuille «\u00a0Véhicules 2\u00a0» n’est pas importée")
    assert "alert-warning" in page[:warning].rsplit("<div", 1)[1]
    assert warning < page.index("/confirmer")
    form = {"kind_0": "vehicles", "kind_1": ""}
    browser.post(f"{path}/colonnes", data=form | {f"field_0_{place}": "" for place in (1, 3, 4)}
                 | {"field_0_0": "plate", "field_0_2": "entered_at"})  # fmt: skip
    run_long_work(AS_OF)
    assert "n’est pas importée" in browser.get(path).text
    browser.post(f"{path}/colonnes", data={"kind_0": "", "kind_1": "vehicles"})
    run_long_work(AS_OF)
    page = browser.get(path).text
    assert ("n’est pas importée" in page, "EF-456-GH" in page) == (False, True)


def test_the_preview_shows_what_would_be_created(world, signed_in):
    browser = signed_in(world.fleet)
    path = prepared(browser, **HELD)
    page = browser.get(path).text
    told = ("Véhicules\u00a0: 1 ligne à créer", "Renault, Lyon", "DUMAS Caroline (E1)", "depuis le 05/01/2026 08:00")
    assert [one for one in told if one not in page] == []
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert "Véhicules\u00a0: 1 ligne créée" in browser.get(path).text
    assert "ligne à créer" not in browser.get(prepared(browser, **HELD)).text


@pytest.mark.parametrize(("allowed", "is_over"), [(1, True), (2, False)])
def test_the_exit_of_missing_vehicles_is_offered_where_it_can_be_asked_for(app, signed_in, allowed, is_over):
    """C4.1-a. Over quota it stands open: it is one of the ways out."""
    world = make_world(3, vehicles=allowed)
    agree(world, parsed(sheets(vehicles=[VEHICLE])))
    browser = signed_in(world.fleet)
    path = prepared(browser, vehicles=[OTHER_VEHICLE])
    card = browser.get(path).text.split('id="absents"')
    assert (" open" in card[0].rsplit("<details", 1)[1]) is is_over
    inside = card[1].split("</details>\n")
    assert ("à moins que vous ne demandiez ici leur sortie" in card[1]) is ("/vehicules-absents" in card[1])
    assert len(inside) > 1
    assert ("faites sortir du parc" in card[1]) is is_over


@pytest.mark.parametrize(
    ("again", "title", "advice"),
    [
        ([VEHICLE], "Rien à modifier", "corrigez le fichier et envoyez-le à nouveau"),
        ([["nulle", *VEHICLE[1:]]], "Tout est refusé", "téléchargez les lignes refusées"),
        ([VEHICLE, ["nulle", *VEHICLE[1:]]], "Rien à modifier", "Téléchargez les lignes refusées"),
    ],
)
def test_a_preview_without_anything_to_confirm_says_what_to_do_next(world, signed_in, again, title, advice):
    agree(world, parsed(sheets(vehicles=[VEHICLE])))
    browser = signed_in(world.fleet)
    page = browser.get(prepared(browser, vehicles=again)).text
    assert [one for one in (title, advice, "Envoyer un autre fichier", "Voir les véhicules") if one not in page] == []


# CSV files


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Ce fichier CSV est vide."),
        (b"a;b\x00c", "n’est pas un texte lisible"),
        (b"x;y\n1;2\n", "Les colonnes de ce fichier CSV ne sont pas reconnues"),
        (b"Immatriculation;Marque\n", "Ce fichier CSV ne contient aucune ligne à importer."),
        ("Matricule;Nom;Prénom\n".encode(), "Ce fichier CSV ne contient aucune ligne"),
    ],
)
def test_a_csv_file_is_refused_in_words_of_csv(world, signed_in, content, sentence):
    browser = signed_in(world.fleet)
    answer = browser.post(
        "/import", data={"file": (io.BytesIO(content), "parc.csv")}, content_type="multipart/form-data"
    )
    if answer.status_code == 302:
        run_long_work(AS_OF)
        answer = browser.get(answer.location)
    assert sentence in answer.text
    told = answer.text.split('error-summary"')[1].split("</div>")[0]
    assert [word for word in (".xlsx", "nommez", "Feuille", "classeur") if word in told] == []


def test_the_unicode_text_of_excel_is_imported(world, signed_in):
    browser = signed_in(world.fleet)
    text = "Immatriculation\tMarque\tDate d’entrée\r\nAB-123-CD\tCitroën\t2025-03-03T08:00:00+01:00\r\n"
    path = send(browser, text.encode("utf-16"), "parc.txt").location
    run_long_work(AS_OF)
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    [vehicle] = rows(world, Vehicle)
    assert (vehicle.make, vehicle.entered_at) == ("Citroën", paris(2025, 3, 3, 8))


def test_the_same_file_is_a_workbook_whatever_its_name(world, signed_in):
    assert send(signed_in(world.fleet), fleet_file(vehicles=[VEHICLE]), "parc.csv").status_code == 302


# What was exported


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_exported_drivers_come_back_unchanged_namesakes_without_a_number_included(world, form):
    """C7-a. A telephone number in a CSV file has an apostrophe before its plus."""
    born = {"birth_date": date(1980, 5, 1), "phone": "+33612345678", "city": "=Lyon"}
    add_driver(world, "Prune", "E1", **born)
    add_driver(world, "Prune", None, **born)
    export = exports.drivers_csv if form == "csv" else exports.drivers_workbook
    with tenant_session(world.organisation_id) as session:
        content = export(actor(world.fleet), session, DriverSearch(state=EVERYONE), AS_OF)
    assert (b"'+33612345678" in content) is (form == "csv")
    plan = planned_now(world, parse(recognise(read_sent(content)), PARIS))
    assert plan.problems == plan.changes == plan.remarks == []
    assert (plan.counts["drivers"].unchanged, plan.is_empty) == (2, True)
