"""How the fleet's pages speak: tenses, all errors in one round, exports behind one button, valid lists."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from eprunes.fleet.models import DueKind, ExitReason
from eprunes.fleet.services import assignments, due_dates, vehicles
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.fleet.test_due_dates import rows as due_rows
from tests.fleet.test_vehicle_pages import refused, text_of
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
AHEAD = datetime(2026, 12, 5, 7, 0, tzinfo=UTC)


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


@pytest.fixture
def vehicle(world):
    return add_vehicle(world)


def assign(world, vehicle, starts_at, driver="Dumas"):
    chosen = {"vehicle_id": vehicle, "driver_id": add_driver(world, driver), "starts_at": starts_at}
    return assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)


def test_what_is_planned_is_told_in_the_future(browser, world, vehicle):
    planned, since = assign(world, vehicle, AHEAD), "à partir du sam. 5 déc. 2026, 08:00"
    assert f"DUMAS Caroline tiendra ce véhicule {since}." in text_of(browser.get(f"/attributions/{planned}/fin"))
    assert f"DUMAS Caroline tiendra ce véhicule {since}." in text_of(browser.get(f"/attributions/{planned}/corriger"))
    assert f"DUMAS Caroline , {since} ," in text_of(browser.get(f"/attributions/{planned}/annuler"))
    assert f"DUMAS Caroline, {since}" in text_of(browser.get(f"/vehicules/{vehicle}")), "the journal"


def test_what_collides_later_is_told_in_the_future(browser, world, vehicle):
    assign(world, vehicle, AHEAD)
    add_driver(world, "Marin")
    data = {"driver": "marin", "starts_at": "2026-03-02"}
    answer = browser.post(f"/vehicules/{vehicle}/attribuer", data=data)
    assert refused(answer, "ends_at", "Ce véhicule est déjà attribué à DUMAS Caroline à partir du sam. 5 déc. 2026")


@pytest.mark.parametrize(
    ("is_pool", "entered_at", "is_free"), [(True, AS_OF, True), (True, AS_OF + DAY, False), (False, ENTERED, False)]
)
def test_a_shared_vehicle_that_nobody_has_is_free_and_no_worry(browser, world, is_pool, entered_at, is_free):
    page = text_of(browser.get(f"/vehicules/{add_vehicle(world, is_pool=is_pool, entered_at=entered_at)}"))
    assert ("Libre Ce véhicule partagé attend son prochain conducteur" in page) is is_free
    assert ("arriverait sans conducteur proposé" in page) is not is_free


def test_an_exit_tells_a_missing_reason_and_a_wrong_day_at_once(browser, vehicle):
    answer = browser.post(f"/vehicules/{vehicle}/sortie", data={"at": "2024-12-30"})
    assert refused(answer, "at", "Ce véhicule est entré dans le parc le")
    assert refused(answer, "reason", "Indiquez le motif de la sortie.")
    only = browser.post(f"/vehicules/{vehicle}/sortie", data={"at": "2026-03-02"})
    assert refused(only, "reason", "Indiquez le motif de la sortie.")
    assert 'id="at-error"' not in only.text
    skipped = browser.post(f"/vehicules/{vehicle}/sortie", data={"at": "2026-03-29", "at_time": "02:30"})
    assert refused(skipped, "at_time", "Le 29 mars 2026, 02:30 n’existe pas")
    assert refused(skipped, "reason", "Indiquez le motif de la sortie.")


@pytest.mark.parametrize(
    ("period", "field", "sentence"),
    [
        ({"starts_at": "2026-03-02", "ends_at": "2026-03-01"}, "ends_at", "La fin doit être après le début."),
        ({"starts_at": "2024-12-31"}, "starts_at", "Ce véhicule n’est entré dans le parc que le"),
        ({"starts_at": "2026-03-29", "starts_at_time": "02:30"}, "starts_at_time", "Le 29 mars 2026, 02:30"),
        ({"starts_at": "hier"}, "starts_at", "Indiquez une date"),
    ],
)
def test_an_attribution_tells_a_missing_driver_and_a_wrong_period_at_once(browser, vehicle, period, field, sentence):
    answer = browser.post(f"/vehicules/{vehicle}/attribuer", data={"driver": ""} | period)
    assert refused(answer, field, sentence)
    assert refused(answer, "driver", "Indiquez le conducteur.")


def test_handing_over_and_correcting_tell_everything_at_once(browser, world, vehicle):
    held = assign(world, vehicle, ENTERED)
    answer = browser.post(f"/vehicules/{vehicle}/remise", data={"driver": "", "at": "2024-12-31"})
    assert refused(answer, "at", "Ce véhicule n’est entré dans le parc que le")
    assert refused(answer, "driver", "Indiquez le conducteur.")
    wrong = {"driver": "dumas", "starts_at": "2026-03-02", "ends_at": "2026-03-01"}
    answer = browser.post(f"/attributions/{held}/corriger", data=wrong)
    assert refused(answer, "ends_at", "La fin doit être après le début.")
    assert refused(answer, "reason", "Indiquez le motif.")


def test_a_correction_from_the_very_second_of_the_entry_is_within_it(browser, world):
    """No form shows the seconds: the entry at 08:00:30 is no later than a beginning that stands at 08:00."""
    start = datetime(2026, 2, 2, 7, 0, 30, tzinfo=UTC)
    held = assign(world, add_vehicle(world, entered_at=start), start)
    sent = {"driver": "dumas", "starts_at": "2026-02-02", "starts_at_time": "08:00", "reason": "echange"}
    assert browser.post(f"/attributions/{held}/corriger", data=sent | {"ends_at": "2026-03-01"}).status_code == 302


def test_leaving_asks_for_its_proofs_at_once_and_coming_back_no_more(world, vehicle):
    told = {"actor": actor(world.fleet), "vehicle_id": vehicle, "as_of": AS_OF}
    vehicles.leave_fleet(**told, at=AS_OF + DAY, reason=ExitReason.STOLEN)
    assert due_rows(world) == [], "a planned exit has nothing to prove yet"
    vehicles.leave_fleet(**told, at=AS_OF, reason=ExitReason.STOLEN)
    [due] = due_rows(world)
    assert (due.kind, due.due_on, due.is_computed) == (DueKind.EXIT_PROOF, AS_OF.date() + 15 * DAY, True)
    vehicles.return_to_fleet(**told)
    assert due_rows(world) == []


def test_due_dates_are_taken_out_as_csv_too(browser, world, vehicle):
    """C7-a: as the list finds them."""
    for days, kind in ((0, DueKind.INSURANCE), (31, DueKind.LEASE_END)):
        told = {"vehicle_id": vehicle, "kind": kind, "due_on": AS_OF.date() + days * DAY}
        due_dates.add_due_date(actor=actor(world.fleet), **told, as_of=AS_OF)
    answer = browser.get("/echeances/export.csv")
    assert answer.mimetype == "text/csv"
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert [line.split(";")[2] for line in lines] == ["Objet", "Assurance"]
    assert len(browser.get("/echeances/export.csv?vue=toutes").data.decode().splitlines()) == 3
    assert 'href="/echeances/export.csv?vue=toutes"' in browser.get("/echeances?vue=toutes").text


def test_far_days_are_counted_with_the_french_separator(browser, world, vehicle):
    told = {"vehicle_id": vehicle, "kind": DueKind.INSURANCE, "due_on": AS_OF.date() + 1266 * DAY}
    due_dates.add_due_date(actor=actor(world.fleet), **told, as_of=AS_OF)
    assert "Dans 1\u202f266 jours" in browser.get("/echeances?vue=toutes").text


def test_a_label_is_optional_only_where_it_is(browser, world, vehicle):
    page = text_of(browser.get(f"/vehicules/{vehicle}/echeances/nouvelle"))
    assert "Précision Obligatoire pour « Autre »" in page
    ids = {}
    for kind, label in ((DueKind.CUSTOM, "Vidange"), (DueKind.INSURANCE, "")):
        told = {"vehicle_id": vehicle, "kind": kind, "label": label, "due_on": date(2026, 3, 9)}
        ids[kind] = due_dates.add_due_date(actor=actor(world.fleet), **told, as_of=AS_OF)
    assert "(facultatif)" not in text_of(browser.get(f"/echeances/{ids[DueKind.CUSTOM]}/modifier"))
    assert "Précision (facultatif)" in text_of(browser.get(f"/echeances/{ids[DueKind.INSURANCE]}/modifier"))


def test_the_acts_on_a_vehicle_and_on_a_driver_stand_in_one_order(browser, world, vehicle):
    page = text_of(browser.get(f"/conducteurs/{add_driver(world)}"))
    assert page.index("Modifier") < page.index("Départ du conducteur")
    page = text_of(browser.get(f"/vehicules/{vehicle}"))
    assert page.index("Modifier") < page.index("Sortir du parc")


def test_exports_stand_behind_one_button(browser, world, vehicle):
    add_driver(world)
    menu = re.search(r'<details class="menu">(.*?)</details>', browser.get("/vehicules?q=AB").text, re.DOTALL)[1]
    paths = ["/vehicules/export.xlsx?q=AB", "/vehicules/export.csv?q=AB", "/parc/export.xlsx"]
    assert re.findall(r'href="([^"]*)"', menu) == paths
    menu = re.search(r'<details class="menu">(.*?)</details>', browser.get("/vehicules?q=zz").text, re.DOTALL)[1]
    assert re.findall(r'href="([^"]*)"', menu) == paths[2:]
    menu = re.search(r'<details class="menu">(.*?)</details>', browser.get("/conducteurs").text, re.DOTALL)[1]
    assert re.findall(r'href="([^"]*)"', menu) == ["/conducteurs/export.xlsx", "/conducteurs/export.csv"]


def test_a_search_among_drivers_keeps_the_quick_view(browser, world):
    add_driver(world)
    page = browser.get("/conducteurs?fiche=prete").text
    assert '<input type="hidden" name="fiche" value="prete">' in page
    assert 'name="fiche"' not in browser.get("/conducteurs").text


def test_no_block_stands_within_a_line_of_a_list(browser, world, vehicle):
    assign(world, vehicle, ENTERED)
    vehicles.leave_fleet(
        actor=actor(world.fleet), vehicle_id=vehicle, at=AS_OF + DAY, reason=ExitReason.OTHER, as_of=AS_OF
    )
    add_driver(world, "Marin", licence_number="")
    for path, words in (("/vehicules", "Sortie prévue le"), ("/conducteurs", "Manque"), ("/vehicules?q=dumas", "")):
        table = browser.get(path).text.split("<tbody>")[1].split("</tbody>")[0]
        assert words in table
        assert "<div" not in table
