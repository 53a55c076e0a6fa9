"""Bulk operations in the browser: from the boxes of the list to the result, in one's own fleet and right only."""

import io
import re
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select, update

from eprunes.accounts.models import Organisation, OrganisationState
from eprunes.core import work
from eprunes.core.database import platform_session, tenant_session
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.fleet.services import assignments
from eprunes.long_work import run_long_work
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle, fill
from tests.support.worlds import AS_OF, actor, open_session

HANDED = {"etape": "1", "driver": "Marin", "at": "2026-03-03", "at_time": "08:00"}


@pytest.fixture
def three(world) -> list[str]:
    """The ids of three vehicles; Marin holds nothing yet, Dumas the first one."""
    ids = [add_vehicle(world, f"AB-10{number}-CD", make="Renault") for number in (1, 2, 3)]
    dumas, _ = add_driver(world), add_driver(world, "Marin", first_name="Inès")
    assignments.assign(
        actor=actor(world.fleet), vehicle_id=ids[0], driver_id=dumas, starts_at=ENTERED, as_of=AS_OF
    )  # fmt: skip
    return [str(one) for one in ids]


def post(browser, act: str, address: str = "", **data):
    return browser.post(f"/vehicules/groupe/{act}{address}", data=data)


def checked(browser, ids: list[str], act: str = "reattribuer", **typed) -> str:
    """Ask for an act, filled by default as a hand-over, and let it be checked; the path of its page."""
    answer = post(browser, act, v=ids, **(typed or HANDED))
    assert answer.status_code == 302
    run_long_work(AS_OF)
    return answer.location


def stored(world, model) -> list:
    with tenant_session(world.organisation_id) as session:
        return list(session.scalars(select(model).where(model.organisation_id == world.organisation_id)))


def test_no_two_things_of_a_page_have_one_id(app, world, signed_in, three):
    """With the forms' tokens, of which each page has several."""
    browser = signed_in(world.fleet)
    path = checked(browser, three)
    app.config["WTF_CSRF_ENABLED"] = True
    page = browser.get(path).text
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert page.count('name="csrf_token"') == page.count('method="post"') > 2
    assert sorted(ids) == sorted(set(ids))


def test_boxes_ticked_in_the_list_lead_to_a_reassignment(world, signed_in, three):
    """C4.2: the list, the form, what is ready, the agreement, the result and its workbook."""
    browser = signed_in(world.fleet)
    listed = browser.get("/vehicules").text
    assert all(f'form="groupe" name="v" value="{one}"' in listed for one in three)
    form = post(browser, "reattribuer", v=[three[0], three[1], three[0]])
    assert (form.status_code, "Réattribuer 2 véhicules" in form.text) == (200, True)
    answer = post(browser, "reattribuer", v=",".join(three[:2]), **HANDED)
    waiting = browser.get(answer.location).text
    assert "data-refresh" in waiting
    assert "Réattribuer à MARIN Inès à partir du mar. 3 mars 2026, 08:00" in waiting
    run_long_work(AS_OF)
    page = browser.get(answer.location).text
    assert "2 prêts, 0 non prêt" in page
    assert "MARIN Inès tiendra 2 véhicules à la fois." in page
    assert len(stored(world, Assignment)) == 1
    assert browser.post(f"{answer.location}/confirmer").location == answer.location
    assert "Enregistrement en cours" in browser.get(answer.location).text
    run_long_work(AS_OF)
    assert "2 faits, 0 non fait" in browser.get(answer.location).text
    assert len(stored(world, Assignment)) == 3


def test_what_is_not_ready_stands_on_the_page_and_in_the_workbook_with_its_reason(world, signed_in, three):
    browser = signed_in(world.fleet)
    path = checked(browser, three, "terminer", etape="1", at="2026-03-03", at_time="09:00")
    page = browser.get(path).text
    assert "1 prêt, 2 non prêts" in page
    assert page.count("Personne ne tient ce véhicule à cet instant.") == 2
    assert sheets(browser, path) == {"Prêts": ["AB-101-CD"], "Non prêts": ["AB-102-CD", "AB-103-CD"]}
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)
    assert "1 fait, 2 non faits" in browser.get(path).text
    assert sheets(browser, path) == {"Faits": ["AB-101-CD"], "Non faits": ["AB-102-CD", "AB-103-CD"]}


def sheets(browser, path: str) -> dict[str, list[str]]:
    answer = browser.get(f"{path}/vehicules.xlsx")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    return {sheet.title: [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book}


def test_everything_found_keeps_the_filters_of_the_search(world, signed_in):
    fill(world, vehicle_count=100, driver_count=2)
    browser = signed_in(world.fleet)
    listed = browser.get("/vehicules?site=Lyon").text
    assert "Les 20 trouvés" not in listed  # they all stand on the page
    assert "Les 100 trouvés" in browser.get("/vehicules").text
    form = post(browser, "modifier", "?site=Lyon", trouves="1").text
    assert "20 véhicules" in form
    assert 'action="/vehicules/groupe/modifier?site=Lyon"' in form
    answer = post(browser, "modifier", "?site=Lyon", trouves="1", etape="1", cost_centre="L-1")
    run_long_work(AS_OF)
    browser.post(f"{answer.location}/confirmer")
    run_long_work(AS_OF)
    written = [one.site for one in stored(world, Vehicle) if one.cost_centre == "L-1"]
    assert written == ["Lyon"] * 20


def test_the_box_of_the_whole_page_holds_the_ids_of_its_rows(world, signed_in):
    fill(world, vehicle_count=90, driver_count=1)
    browser = signed_in(world.fleet)
    page = browser.get("/vehicules").text
    [ids] = [piece.split('"')[0] for piece in page.split('name="v" value="')[1:] if "," in piece.split('"')[0]]
    assert len(ids.split(",")) == 80
    assert "80 véhicules" in post(browser, "terminer", v=ids).text


def test_nothing_ticked_leads_back_to_the_list_with_its_filters(world, signed_in, three):
    browser = signed_in(world.fleet)
    for ticked in ([], ["pas-un-id"], [""]):
        answer = post(browser, "reattribuer", "?site=Lyon&endpoint=x", v=ticked)
        assert (answer.status_code, answer.location) == (302, "/vehicules?site=Lyon")
    assert "Choisissez d’abord des véhicules" in browser.get("/vehicules").text


@pytest.mark.parametrize(
    ("act", "typed", "sentence"),
    [
        ("reattribuer", {"driver": "", "at": "2026-03-03"}, "Indiquez le conducteur."),
        ("reattribuer", {"driver": "Personne", "at": "2026-03-03"}, "Aucun conducteur ne correspond"),
        ("reattribuer", {"driver": "Marin", "at": ""}, "Indiquez le jour du passage."),
        ("reattribuer", {"driver": "Marin", "at": "2026-03-29", "at_time": "02:30"}, "n’existe pas"),
        ("terminer", {"at": "le 3"}, "Indiquez une date"),
        ("modifier", {}, "Indiquez ce qui change."),
        ("modifier", {"site": "Lyon", "clear_site": "y"}, "pas les deux"),
        ("modifier", {"site": "x" * 81}, "80 caractères au plus."),
        ("modifier", {"cost_centre": "x" * 41}, "40 caractères au plus."),
    ],
)
def test_a_form_that_is_wrong_says_so_and_keeps_the_selection(world, signed_in, three, act, typed, sentence):
    answer = post(signed_in(world.fleet), act, v=",".join(three), etape="1", **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert all(one in answer.text for one in three)


def test_texts_of_the_longest_length_are_taken(world, signed_in, three):
    checked(signed_in(world.fleet), three, "modifier", etape="1", site="x" * 80, cost_centre="y" * 40)


def test_who_may_only_look_has_no_boxes(world, signed_in, three):
    """C3.2-c: on a page that reads, nothing to change."""
    assert 'name="v"' in signed_in(world.admin).get("/vehicules").text
    boss = signed_in(world.admin)
    suspend(world)
    page = boss.get("/vehicules").text
    assert "AB-101-CD" in page
    assert 'name="v"' not in page
    assert "/vehicules/groupe" not in page


def suspend(world) -> None:
    with platform_session("tests", write=True) as session:
        mine = update(Organisation).where(Organisation.id == world.organisation_id)
        session.execute(mine.values(state=OrganisationState.SUSPENDED))


def test_ids_of_another_client_read_as_ids_that_nobody_has(world, other_world, signed_in, three):
    theirs = str(add_vehicle(other_world, "ZZ-999-ZZ", make="Secrète"))
    browser, nobody = signed_in(world.fleet), "00000000-0000-7000-8000-000000000000"
    alone = [post(browser, "modifier", v=one) for one in (theirs, nobody)]
    assert [one.status_code for one in alone] == [302, 302]
    browser.get("/vehicules")  # shows what was flashed
    pages = [post(browser, "modifier", v=[one, three[0]]).text for one in (theirs, nobody)]
    assert pages[0] == pages[1]
    assert theirs not in pages[0]
    path = checked(browser, [theirs, three[0]], "modifier", etape="1", site="Lyon")
    page = browser.get(path).text
    assert "1 prêt, 0 non prêt" in page
    assert "ZZ-999-ZZ" not in page
    assert signed_in(other_world.fleet).get(path).status_code == 404


def test_an_operation_can_be_given_up_until_it_is_done(world, signed_in, three):
    browser = signed_in(world.fleet)
    path = checked(browser, three)
    answer = browser.post(f"{path}/abandonner")
    assert (answer.status_code, answer.location) == (302, "/vehicules")
    assert browser.get(path).status_code == 404
    path = checked(browser, three)
    browser.post(f"{path}/confirmer")
    assert "Abandonner" not in browser.get(path).text
    run_long_work(AS_OF)
    answer = browser.post(f"{path}/abandonner", follow_redirects=True)
    assert (answer.request.path, "ne peut plus être abandonnée" in answer.text) == ("/vehicules/groupe", True)
    assert len(stored(world, Assignment)) == 4


def test_an_operation_without_anything_ready_cannot_be_agreed_to(world, signed_in, three):
    browser = signed_in(world.fleet)
    path = checked(browser, three[1:], "terminer", etape="1", at="2026-03-03")
    page = browser.get(path).text
    assert "Aucun véhicule ne peut être modifié ainsi." in page
    assert "/confirmer" not in page
    assert browser.post(f"{path}/confirmer").status_code == 422


def test_recent_operations_are_found_again_for_a_day(app, world, signed_in, three, frozen):
    """A browser closed in the middle comes back to them."""
    browser = signed_in(world.fleet)
    assert "Aucune opération groupée" in browser.get("/vehicules/groupe").text
    path = checked(browser, three)
    page = browser.get("/vehicules/groupe").text
    assert f'href="{path}"' in page
    assert "Réattribuer à MARIN Inès" in page
    for later, status in ((work.KEPT_FOR - timedelta(seconds=1), 200), (work.KEPT_FOR, 404)):
        frozen.move_to(AS_OF + later)
        token = open_session(world.fleet, AS_OF + later)
        browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], token, domain="localhost")
        assert browser.get(path).status_code == status


def test_a_name_or_a_site_is_never_markup(world, signed_in, three):
    browser = signed_in(world.fleet)
    path = checked(browser, three, "modifier", etape="1", site="<b>Lyon</b>")
    for page in (browser.get(path).text, browser.get("/vehicules/groupe").text):
        assert "<b>Lyon" not in page
        assert "&lt;b&gt;Lyon" in page
