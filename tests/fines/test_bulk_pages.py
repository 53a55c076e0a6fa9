"""Bulk designations in the browser: from the boxes of the inbox to the result, each reader within their own window."""

import io
import re

import openpyxl
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.fines.bulk.checking import MOVED
from eprunes.fines.models import Answer
from eprunes.fleet.models import Driver, DriverKind
from eprunes.long_work import run_long_work
from tests.support.desk import post_notice
from tests.support.worlds import AS_OF

NUMBER, NAME, PLATE = "8272760796", "DUMAS Caroline", "FY-074-KE"


def asked(browser, query: str = "", **data) -> str:
    """The path of the task's page, once it was looked at."""
    answer = browser.post(f"/contraventions/groupe{query}", data=data)
    assert answer.status_code == 302
    run_long_work(AS_OF)
    return answer.location


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_selection_is_checked_agreed_to_and_told(world, signed_in, desk):
    """C4.3-c, C4.3-e and C4.3-f: before, whoever answers reads all of it; after, the number alone, but for the
    administrator."""
    *_, notice_id = desk
    bare = post_notice(world, None, "8272760797")
    browser, boss = signed_in(world.fines), signed_in(world.admin)
    listed = browser.get("/contraventions").text
    assert f'form="groupe" name="v" value="{notice_id}"' in listed
    waiting = browser.post("/contraventions/groupe", data={"v": f"{notice_id},{bare}"})
    page = browser.get(waiting.location).text
    assert ("data-refresh" in page, "Abandonner" in page) == (True, True)
    run_long_work(AS_OF)
    page = browser.get(waiting.location).text
    words = text_of(page)
    assert "1 prête, 1 non prête" in words
    assert "Une fausse déclaration est punie par la loi." in words
    assert "Ce véhicule n’est pas dans votre parc." in words
    assert [one in words for one in (NUMBER, NAME, PLATE, "ven. 20 févr. 2026")] == [True] * 4
    assert browser.post(f"{waiting.location}/confirmer").location == waiting.location
    assert "Abandonner" not in browser.get(waiting.location).text
    run_long_work(AS_OF)
    told = browser.post(f"{waiting.location}/abandonner", follow_redirects=True).text
    assert "Ces désignations sont déjà en cours ou terminées" in told

    words = text_of(browser.get(waiting.location).text)
    assert "1 conducteur désigné, 1 avis non traité" in words
    assert [one in words for one in (NUMBER, NAME, PLATE)] == [True, False, False]
    assert words.count("20 févr. 2026") == 1  # of the other one, which is still open
    assert browser.get(f"/contraventions/{notice_id}").status_code == 404
    words = text_of(boss.get(waiting.location).text)
    assert [one in words for one in (NUMBER, NAME)] == [True, True]
    assert signed_in(world.both).get(waiting.location).status_code == 404
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{waiting.location}/avis.xlsx").data))
    cells = [[[cell.value or "" for cell in row] for row in sheet.iter_rows(min_row=2)] for sheet in book]
    assert cells == [[[NUMBER, ""]], [["8272760797", "Ce véhicule n’est pas dans votre parc."]]]
    own = AuditEntry.organisation_id == world.organisation_id, AuditEntry.action == "avis.liste_consultee"
    with tenant_session(world.organisation_id) as session:
        seen = [one.details for one in session.scalars(select(AuditEntry).where(*own))]
    assert [one["nombre"] for one in seen if one["vue"] == "groupe"] == [2, 2, 2]


def test_the_check_shows_no_driver_who_would_not_be_sent(world, signed_in, desk):
    """What moved since the check is told before the agreement, too."""
    *_, driver_id, notice_id = desk
    browser = signed_in(world.fines)
    path = asked(browser, v=str(notice_id))
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Driver.organisation_id == world.organisation_id, Driver.id == driver_id
        session.scalars(select(Driver).where(*mine)).one().kind = DriverKind.RENTER
    words = text_of(browser.get(path).text)
    assert (text_of(MOVED.driver) in words, NAME in words) == (True, False)
    assert "0 prête, 0 non prête, 1 qui n’est plus prête" in words
    assert "Confirmer" not in words


def test_nothing_chosen_leads_back_to_the_same_list(world, signed_in, desk):
    browser = signed_in(world.fines)
    answer = browser.post("/contraventions/groupe?vue=urgentes&q=dumas", data={})
    assert answer.location == "/contraventions?vue=urgentes&q=dumas"
    assert "Choisissez d’abord des avis dans la liste." in browser.get(answer.location).text
    assert "/contraventions/groupe" in browser.get("/contraventions").text
    assert 'name="v"' not in browser.get("/contraventions?vue=classees").text


def test_everything_found_can_be_given_up_and_nothing_is_declared(world, signed_in, desk):
    browser = signed_in(world.fines)
    path = asked(browser, "?q=dumas", trouves="1")
    page = browser.get(path).text
    assert "1 prête, 0 non prête" in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))
    assert NAME not in browser.get("/contraventions/groupe").text
    assert browser.post(f"{path}/abandonner").location == "/contraventions"
    assert browser.get(path).status_code == 404
    with tenant_session(world.organisation_id) as session:
        assert session.scalars(select(Answer).where(Answer.organisation_id == world.organisation_id)).all() == []
