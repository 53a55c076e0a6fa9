"""The fines pages in a browser's eyes: inbox, notice, the three outcomes, and who may see what."""

from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select, update

from eprunes.core.audit import AuditEntry
from eprunes.core.calendar import PARIS
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.fines import catalogue
from eprunes.fines.answering import NoticeState
from eprunes.fines.models import Answer, Notice
from eprunes.fleet import queries
from eprunes.fleet.driver_details import open_details
from eprunes.fleet.models import Driver
from eprunes.fleet.services.assignments import assign
from eprunes.fleet.services.drivers import add_driver
from eprunes.fleet.services.vehicles import VehicleDetails, add_vehicle
from tests.support import fleet
from tests.support.desk import DUMAS, designation_of, post_notice
from tests.support.worlds import AS_OF, actor


def test_the_inbox_shows_the_notice_with_its_proposed_driver_and_days_left(desk, signed_in):
    """C4.3-a, C4.3-d, C1-b: and the page asks to keep an eye on the post."""
    world, *_ = desk
    page = signed_in(world.fines).get("/contraventions").text
    assert "FY-074-KE" in page
    assert "DUMAS Caroline" in page
    assert "dans 35 jours" in page
    assert "59 km/h retenus pour 50" in page
    assert "surveillez votre courrier" in page


def test_the_inbox_of_a_new_client_has_nothing_to_do(world, signed_in):
    assert "Aucun avis à traiter" in signed_in(world.fines).get("/contraventions").text


def test_a_search_that_finds_nothing_offers_to_clear_itself(desk, signed_in):
    world, *_ = desk
    page = signed_in(world.fines).get("/contraventions?q=ZZ999").text
    assert "Aucun avis ne correspond" in page
    assert "Effacer la recherche" in page


@pytest.mark.parametrize("search", ["8272760796", "82 7276 0796", "074-k", "fy074ke"])
def test_a_notice_is_found_by_its_number_or_a_piece_of_its_plate(desk, signed_in, search):
    world, *_ = desk
    assert "FY-074-KE" in signed_in(world.fines).get("/contraventions", query_string={"q": search}).text


def test_the_fleet_right_alone_opens_no_fines_page(desk, signed_in):
    world, _, _, notice_id = desk
    browser = signed_in(world.fleet)
    assert browser.get("/contraventions").status_code == 404
    assert browser.get(f"/contraventions/{notice_id}").status_code == 404
    assert "avis" not in browser.get("/").text


def test_the_fines_right_alone_opens_no_fleet_page(desk, signed_in):
    world, vehicle_id, driver_id, _ = desk
    browser = signed_in(world.fines)
    for path in ("/vehicules", f"/vehicules/{vehicle_id}", "/conducteurs", f"/conducteurs/{driver_id}"):
        assert browser.get(path).status_code == 404, path


def test_a_known_driver_is_designated_with_one_post(desk, signed_in):
    """C4.3-c."""
    world, _, driver_id, notice_id = desk
    answer = signed_in(world.fines).post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id))
    assert answer.status_code == 302
    with tenant_session(world.organisation_id) as session:
        stored = session.scalars(select(Answer).where(Answer.organisation_id == world.organisation_id)).one()
    assert (stored.kind, stored.state, stored.driver_id) == ("designation", "confirmee", driver_id)


def test_once_answered_the_author_lands_on_the_inbox_and_sees_the_notice_no_more(desk, signed_in):
    """C4.3-e, C4.3-f, decision 1: the sentence names only the notice's number."""
    world, _, driver_id, notice_id = desk
    browser = signed_in(world.fines)
    browser.post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id))
    inbox = browser.get("/contraventions").text
    assert "Réponse confirmée pour l’avis n° 8272760796" in inbox
    assert "DUMAS" not in inbox
    assert "FY-074-KE" not in inbox
    for path in (f"/contraventions/{notice_id}", "/contraventions?vue=transmises", "/contraventions/export.xlsx"):
        answer = browser.get(path)
        assert answer.status_code in (200, 404)
        assert "8272760796" not in answer.get_data(as_text=True) if answer.mimetype == "text/html" else True
    assert browser.get(f"/contraventions/{notice_id}").status_code == 404
    assert signed_in(world.both).get(f"/contraventions/{notice_id}").status_code == 404
    archive = signed_in(world.admin).get(f"/contraventions/{notice_id}")
    assert archive.status_code == 200
    assert "Caroline DUMAS" in archive.text


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("address_line", "Indiquez le numéro et la rue."),
        ("birth_date", "Indiquez la date de naissance."),
        ("licence_number", "Indiquez le numéro de permis."),
    ],
)
def test_an_incomplete_designation_is_refused_on_its_field_and_nothing_is_lost(desk, signed_in, field, sentence):
    world, _, driver_id, notice_id = desk
    typed = designation_of(driver_id, **{field: "", "city": "Ville Corrigée"})
    answer = signed_in(world.fines).post(f"/contraventions/{notice_id}/designer", data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Ville Corrigée" in answer.text


@pytest.mark.parametrize("ticked", [True, False])
def test_the_drivers_file_changes_only_on_a_ticked_box(desk, signed_in, ticked):
    world, _, driver_id, notice_id = desk
    typed = designation_of(driver_id, city="Avignon", **({"keep_in_fleet": "y"} if ticked else {}))
    signed_in(world.fines).post(f"/contraventions/{notice_id}/designer", data=typed)
    with tenant_session(world.organisation_id) as session:
        driver = session.scalars(select(Driver).where(Driver.organisation_id == world.organisation_id)).one()
        about = AuditEntry.organisation_id == world.organisation_id, AuditEntry.subject_id == driver_id
        acts = session.scalars(select(AuditEntry.action).where(*about)).all()
    city = open_details(key_store(), [driver])[driver_id].city
    assert city == ("Avignon" if ticked else "Saint-Gérard")
    assert ("conducteur.modifie" in acts) == ticked


def test_a_driver_who_is_not_in_the_list_can_be_typed(desk, signed_in):
    world, _, _, notice_id = desk
    browser = signed_in(world.fines)
    assert "Nouveau conducteur" in browser.get(f"/contraventions/{notice_id}?conducteur=nouveau").text
    typed = designation_of(None, last_name="Martin", because="Remplaçait Mme Dumas ce soir-là.")
    answer = browser.post(f"/contraventions/{notice_id}/designer", data=typed)
    assert answer.status_code == 302


def test_another_driver_is_found_by_name_inside_the_answer(desk, signed_in):
    world, _, _, notice_id = desk
    boss = actor(world.admin)
    add_driver(
        actor=boss,
        details=replace(DUMAS, last_name="Lefèvre", first_name="Zoé"),
        staff_number="E2",
        kind="prepose",
        as_of=AS_OF,
    )
    page = signed_in(world.fines).get(f"/contraventions/{notice_id}?cherche=lefev").text
    assert "LEFÈVRE Zoé" in page


@pytest.mark.parametrize("made_up", ["00000000-0000-7000-8000-000000000000", "pas-un-id"])
def test_a_made_up_driver_designates_nobody(desk, signed_in, made_up):
    world, _, driver_id, notice_id = desk
    answer = signed_in(world.fines).post(f"/contraventions/{notice_id}/designer", data=designation_of(made_up))
    assert answer.status_code == 422
    assert "Ce conducteur n’existe plus, choisissez-en un autre." in answer.text
    assert f'value="{driver_id}"' in answer.text, "the form starts again from the driver proposed"
    assert made_up not in answer.text
    with tenant_session(world.organisation_id) as session:
        assert session.scalars(select(Answer).where(Answer.organisation_id == world.organisation_id)).all() == []


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"reason": "vol", "first_reference": "PV 123", "first_date": "2026-02-21", "comment": "Retrouvé."}, 302),
        ({"reason": "vol"}, 422),
        ({"reason": "vol", "first_reference": "PV 123"}, 422),
        ({"reason": "cession", "first_reference": "C1", "first_date": "2026-01-05"}, 422),
        (
            {"reason": "cession", "first_reference": "C1", "first_date": "2026-01-05",
             "second_reference": "SIV 9", "second_date": "2026-01-06", "comment": "Mal tenu."}, 302,
        ),
        ({"reason": "force_majeure", "comment": ""}, 422),
        ({"reason": "force_majeure", "comment": "Réquisition."}, 302),
        ({"reason": "pas_notre_vehicule", "comment": "Plaque mal lue."}, 302),
        ({"reason": "invente", "comment": "x"}, 422),
        ({}, 422),
    ],
)  # fmt: skip
def test_an_impossibility_needs_its_proofs(desk, signed_in, typed, status):
    """C4.3-c: the closed list of reasons, each with what it needs."""
    world, _, _, notice_id = desk
    assert signed_in(world.fines).post(f"/contraventions/{notice_id}/impossible", data=typed).status_code == status


def test_who_held_the_vehicle_is_named_before_an_impossibility_is_reported(desk, signed_in):
    """C4.3-c: a vehicle said to be gone while somebody had it wants the facts; a false plate does not."""
    world, _, _, notice_id = desk
    browser, path = signed_in(world.fines), f"/contraventions/{notice_id}/impossible"
    assert "D’après votre parc, Caroline DUMAS avait ce véhicule" in browser.get(f"/contraventions/{notice_id}").text
    proof = {"first_reference": "PV 123", "first_date": "2026-02-21"}
    refused = browser.post(path, data={"reason": "vol", "comment": " ", **proof})
    assert (refused.status_code, 'id="comment-error"' in refused.text) == (422, True)
    assert "exposez les faits" in refused.text
    assert browser.post(path, data={"reason": "usurpation", **proof}).status_code == 302


def test_what_lacks_of_a_sale_is_said_by_the_name_of_the_paper(desk, signed_in):
    world, _, _, notice_id = desk
    typed = {"reason": "cession", "first_reference": "C1", "first_date": "2026-01-05", "second_reference": "SIV 9"}
    page = signed_in(world.fines).post(f"/contraventions/{notice_id}/impossible", data=typed).text
    assert "Accusé d’enregistrement de la cession dans le SIV\u00a0: indiquez sa date." in page
    assert [name for name in ("first_reference", "first_date", "second_reference", "second_date")
            if f'id="{name}-error"' in page] == ["second_date"]  # fmt: skip
    late = typed | {"second_date": "2099-01-01"}
    page = signed_in(world.fines).post(f"/contraventions/{notice_id}/impossible", data=late).text
    assert "dans le SIV\u00a0: cette date est invraisemblable" in page


def test_where_nobody_had_the_vehicle_each_side_says_who_did_or_that_nobody_did(desk, signed_in):
    world, _, driver_id, _ = desk
    lent_later = fleet.add_vehicle(world.organisation_id, fleet.new_plate())
    fleet.assign(world.organisation_id, lent_later, driver_id, starts_at=AS_OF - timedelta(days=5))
    early = post_notice(world, lent_later, "3333333333")
    page = signed_in(world.fines).get(f"/contraventions/{early}").text
    assert "Personne avant." in page
    assert "Personne après." not in page
    assert f"conducteur={driver_id}" in page.split("Après\u00a0:")[1].split("</li>")[0]
    assert "choisissez-en un sous" in page, "nobody to ask yet"
    assert (
        "Demander à Caroline DUMAS"
        in signed_in(world.fines).get(f"/contraventions/{early}?conducteur={driver_id}").text
    )


def test_a_filed_notice_stays_shared_and_can_be_reopened(desk, signed_in):
    """Decision 7: classified without designation is not an answer."""
    world, _, _, notice_id = desk
    browser = signed_in(world.fines)
    assert browser.post(f"/contraventions/{notice_id}/classer", data={"filing_reason": "payee"}).status_code == 302
    assert "Classé sans désignation" in signed_in(world.both).get(f"/contraventions/{notice_id}").text
    assert "FY-074-KE" in browser.get("/contraventions?vue=classees").text
    assert browser.post(f"/contraventions/{notice_id}/rouvrir").status_code == 302
    assert "FY-074-KE" in browser.get("/contraventions").text


def test_a_foreign_notice_answers_as_a_missing_one(desk, other_world, signed_in):
    """Every fines route, own organisation's user against another's notice."""
    _, _, driver_id, notice_id = desk
    browser, missing = signed_in(other_world.fines), "00000000-0000-7000-8000-000000000000"
    for action in ("", "/designer", "/impossible", "/classer", "/rouvrir"):
        send = browser.get if action == "" else browser.post
        data = {} if action == "" else {"data": designation_of(driver_id)}
        foreign = send(f"/contraventions/{notice_id}{action}", **data)
        absent = send(f"/contraventions/{missing}{action}", **data)
        assert foreign.status_code == absent.status_code == 404, action
        assert foreign.text == absent.text


def test_what_is_exported_is_what_is_seen(desk, signed_in):
    """C7-a."""
    world, vehicle_id, driver_id, notice_id = desk
    post_notice(world, vehicle_id, "=cmd|'/c calc'!A1"[:10].replace("=", "9"), offence="2026-02-21T08:00:00")
    browser = signed_in(world.fines)
    sheet = openpyxl.load_workbook(BytesIO(browser.get("/contraventions/export.xlsx").data)).active
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == 2
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d"}
    assert isinstance(rows[0][4].value, datetime)
    assert sheet.freeze_panes == "A2"
    browser.post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id))
    after = openpyxl.load_workbook(BytesIO(browser.get("/contraventions/export.xlsx").data)).active
    assert after.max_row == 2
    sent = browser.get("/contraventions/export.xlsx?vue=transmises")
    assert openpyxl.load_workbook(BytesIO(sent.data)).active.max_row == 2, "a user's view falls back to his own"


def test_in_the_doubled_hour_with_two_holders_nobody_is_proposed_and_both_are_shown(world, signed_in, frozen):
    catalogue.load()
    boss, change = actor(world.admin), datetime(2025, 10, 26, 1, 0).astimezone(PARIS)
    change = datetime(2025, 10, 26, 1, 0, tzinfo=AS_OF.tzinfo)
    before = AS_OF - timedelta(days=200)
    vehicle_id = add_vehicle(actor=boss, details=VehicleDetails(plate="FY-074-KE", entered_at=before), as_of=AS_OF)
    first = add_driver(actor=boss, details=DUMAS, staff_number="E1", kind="prepose", as_of=AS_OF)
    second = add_driver(
        actor=boss,
        details=replace(DUMAS, last_name="Martin", first_name="Luc"),
        staff_number="E2",
        kind="prepose",
        as_of=AS_OF,
    )
    assign(actor=boss, vehicle_id=vehicle_id, driver_id=first, starts_at=before, ends_at=change, as_of=AS_OF)
    assign(actor=boss, vehicle_id=vehicle_id, driver_id=second, starts_at=change, as_of=AS_OF)
    notice_id = post_notice(world, vehicle_id, "1111111111", offence="2025-10-26T02:30:00")
    page = signed_in(world.fines).get(f"/contraventions/{notice_id}").text
    assert "deux conducteurs possibles" in page
    assert "Caroline DUMAS" in page
    assert "Luc MARTIN" in page
    with tenant_session(world.organisation_id) as session:
        notice = session.scalars(select(Notice).where(Notice.organisation_id == world.organisation_id)).one()
        around = queries.holders_around(session, world.organisation_id, vehicle_id, notice.offence_at)
    assert around.current.driver_id == first


def test_an_offence_that_takes_no_points_says_that_the_law_asks_no_designation(desk, signed_in):
    world, vehicle_id, *_ = desk
    notice_id = post_notice(world, vehicle_id, "2222222222", natinf="35273", posted_at=AS_OF)
    assert "la loi n’impose pas de désigner" in signed_in(world.fines).get(f"/contraventions/{notice_id}").text


def test_an_unknown_offence_is_shown_as_received_and_to_be_checked(desk, signed_in):
    world, vehicle_id, *_ = desk
    notice_id = post_notice(world, vehicle_id, "3333333333", natinf="99999", posted_at=AS_OF)
    browser = signed_in(world.fines)
    page = browser.get(f"/contraventions/{notice_id}").text
    assert "à vérifier" in page
    assert "135,00" not in page
    assert "NATINF 99999, à vérifier" in browser.get("/contraventions").text
    sheet = openpyxl.load_workbook(BytesIO(browser.get("/contraventions/export.xlsx").data)).active
    offences = {row[10]: row[11] for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert "à vérifier" in offences["99999"]
    assert "à vérifier" not in offences["25386"]


def test_the_number_in_the_trace_is_the_number_on_the_page(desk, signed_in):
    """C11: answers that the agency refused stand on top of the list and are seen too."""
    world, _, _, notice_id = desk
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        session.execute(update(Notice).where(*mine).values(state=NoticeState.REFUSED))
    post_notice(world, desk[1], "4444444444")
    assert "2 avis dans cette vue" in signed_in(world.fines).get("/contraventions").text
    with tenant_session(world.organisation_id) as session:
        mine = AuditEntry.organisation_id == world.organisation_id, AuditEntry.action == "avis.liste_consultee"
        assert session.scalars(select(AuditEntry).where(*mine)).one().details["nombre"] == 2


def test_who_looks_at_the_list_leaves_a_trace_with_the_number_found_and_not_the_search(desk, signed_in):
    """C11: every view of offence data, a list as one entry."""
    world, *_ = desk
    browser = signed_in(world.fines)
    browser.get("/contraventions")
    browser.get("/contraventions?q=0000000000")
    with tenant_session(world.organisation_id) as session:
        mine = AuditEntry.organisation_id == world.organisation_id, AuditEntry.action == "avis.liste_consultee"
        seen = session.scalars(select(AuditEntry).where(*mine).order_by(AuditEntry.id)).all()
    assert [one.details for one in seen] == [
        {"vue": "a-traiter", "nombre": 1, "recherche": False},
        {"vue": "a-traiter", "nombre": 0, "recherche": True},
    ]
    assert {one.actor_id for one in seen} == {actor(world.fines).user_id}
