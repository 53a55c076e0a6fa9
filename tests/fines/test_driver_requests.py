"""The driver's part: a signed link without account, for one notice, revocable, dead once answered."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from eprunes.accounts.models import Organisation, OrganisationState
from eprunes.accounts.sessions import hash_of
from eprunes.core.audit import AuditConnection, AuditEntry
from eprunes.core.calendar import end_of_day
from eprunes.core.crypto import key_store
from eprunes.core.database import platform_session, tenant_session
from eprunes.fines import events
from eprunes.fines.alert_jobs import send_digests
from eprunes.fines.answering import FilingReason, NoticeState
from eprunes.fines.asking import driver_requests
from eprunes.fines.asking.driver_requests import Inquiry
from eprunes.fines.bulk import readiness
from eprunes.fines.bulk.checking import look_at
from eprunes.fines.bulk.lines import lines_to_agree_to
from eprunes.fines.bulk.tasks import Named
from eprunes.fines.designation_rules import DENIED
from eprunes.fines.models import DriverRequest, Notice
from eprunes.fines.queries import thread_of
from eprunes.fines.services import designating, filing, requesting, typing_in
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.models import Driver, DriverKind
from eprunes.fleet.services.drivers import change_driver
from tests.fines.test_typing_in import TYPED
from tests.support import letters
from tests.support.desk import DUMAS, designation_of
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
MAIL = "caroline.dumas@ailleurs.example"
ADDRESS = {"address_line": "3 impasse Neuve", "postcode": "30000", "city": "Nîmes", "country": "FR"}
WHO = {"civility": "Mme", "last_name": "Dumas", "first_name": "Caroline", "birth_date": "1974-12-29"}
MINE = {"reply": "moi", "licence_number": "269134022100", "licence_country": "FR", "remark": "Bonjour."} | ADDRESS | WHO
NOT_MINE = {
    "reply": "pas_moi",
    "civility": "",
    "country": "FR",
    "licence_country": "FR",
    "remark": "Je l’avais confié à l’atelier.",
}


def ask(desk, *, by_mail: bool = False, as_of: datetime = AS_OF, email: str | None = None) -> str:
    """Ask as a user of the fines tool; the path of the link."""
    world, _, driver_id, notice_id = desk
    how = {"driver_id": driver_id, "by_mail": by_mail, "as_of": as_of}
    link = requesting.ask(actor(email or world.fines, as_of), notice_id, **how)
    return link.removeprefix("http://localhost")


def give_mail(desk) -> None:
    world, _, driver_id, _ = desk
    kept = {"staff_number": "E1", "kind": "prepose", "left_on": None}
    change_driver(
        actor=actor(world.fleet), driver_id=driver_id, details=replace(DUMAS, email=MAIL), **kept, as_of=AS_OF
    )


def rows(desk) -> list[DriverRequest]:
    world = desk[0]
    with tenant_session(world.organisation_id) as session:
        query = select(DriverRequest).where(DriverRequest.organisation_id == world.organisation_id)
        return list(session.scalars(query.order_by(DriverRequest.created_at, DriverRequest.id)))


def known(desk) -> DriverDetails:
    world, _, driver_id, _ = desk
    with tenant_session(world.organisation_id) as session:
        query = select(Driver).where(Driver.organisation_id == world.organisation_id, Driver.id == driver_id)
        return open_details(key_store(), session.scalars(query).all())[driver_id]


def is_over(client, path: str) -> bool:
    """Whether a link reads exactly as one that nobody ever made."""
    answers = [client.get(one) for one in (path, f"/conducteur/{'x' * 43}.{'0' * 32}", "/conducteur/x")]
    assert len({(one.status_code, one.data) for one in answers[1:]}) == 1
    return (answers[0].status_code, answers[0].data) == (answers[1].status_code, answers[1].data)


def proposed_way(page: str) -> list[str]:
    """The ways that are chosen on a form."""
    return [
        re.search(r'value="(\w+)"', one)[1]
        for one in re.findall(r'<input[^>]*name="way"[^>]*>', page)
        if "checked" in one
    ]


def test_the_page_of_a_link_shows_the_day_the_place_and_the_plate_and_nothing_else(desk, client, frozen):
    """C9-b: no offence, no speed, no number, no hour, and of the file nothing but the name."""
    answer = client.get(ask(desk))
    page = answer.text
    for shown in ("ven. 20 févr. 2026", "A6 PR 12+300, 48279 Menard", "FY-074-KE", "Caroline DUMAS", "Client 0"):
        assert shown in page, shown
    hidden = ("8272760796", "25386", "59", "km/h", "20:47", "21:47", "12, rue des Tests", "269134022100", "1974")
    assert [one for one in hidden if one in re.sub(r"<(svg|head).*?</\1>", "", page, flags=re.S)] == []
    assert '<meta name="referrer" content="strict-origin">' in page
    assert '<meta name="robots" content="noindex">' in page
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_mail_takes_the_link_to_the_drivers_own_address_and_names_no_offence(desk, signed_in):
    world, _, driver_id, notice_id = desk
    browser, path = signed_in(world.fines), f"/contraventions/{notice_id}/demander"
    body = {"driver_id": str(driver_id), "way": "courriel"}
    refused = browser.post(path, data=body)
    assert refused.status_code == 422
    assert "n’a pas d’adresse e-mail" in refused.text
    assert proposed_way(browser.get(f"{path}?conducteur={driver_id}").text) == ["lien"]
    give_mail(desk)
    assert proposed_way(browser.get(f"{path}?conducteur={driver_id}").text) == ["courriel"]
    assert browser.post(path, data=body).headers["Location"] == f"/contraventions/{notice_id}"
    [letter] = letters.queued("notice_request")
    assert (letter.to, letter.is_delivered) == (MAIL, True)
    assert rows(desk)[0].token_hash == hash_of(letter.token)
    written = (letter.subject + letter.text + letter.html.partition("<body>")[2]).replace(letter.token, "")
    for word in ("FY-074-KE", "FY074KE", "A6", "Menard", "20 févr", "827276", "Dumas", "DUMAS", "vitesse"):
        assert word not in written


def test_a_link_to_copy_is_shown_once_and_kept_nowhere(desk, signed_in, client):
    world, _, driver_id, notice_id = desk
    browser = signed_in(world.fines)
    page = browser.post(f"/contraventions/{notice_id}/demander", data={"driver_id": str(driver_id), "way": "lien"}).text
    [link] = re.findall(r"http://localhost(/conducteur/\S+?)<", page)
    assert client.get(link).status_code == 200
    assert "/conducteur/" not in browser.get(f"/contraventions/{notice_id}?conducteur={driver_id}").text
    assert letters.queued("notice_request") == []
    [row] = rows(desk)
    assert (row.expires_at - row.created_at, row.box) == (30 * DAY, None)


def remarks_on(desk) -> list[str]:
    """What a bulk designation says of the notice before somebody agrees to it."""
    world, notice_id = desk[0], desk[3]
    with tenant_session(world.organisation_id) as session:
        seen = look_at(session, actor(world.fines), [notice_id], AS_OF).ready[notice_id].seen
        [line] = lines_to_agree_to(session, actor(world.fines), [Named(notice_id, "1", seen=seen)], AS_OF)
    return line.remarks


def test_what_the_driver_writes_changes_nothing_until_a_user_takes_it_over(desk, client, signed_in):
    """C9-a: sealed with the notice; the driver's file is the manager's decision, their phone and e-mail stay."""
    world, _, driver_id, notice_id = desk
    give_mail(desk)
    path, browser, sign = ask(desk), signed_in(world.fines), "Réponse du conducteur"
    awaiting = browser.get("/contraventions").text
    assert (sign in awaiting, "Conducteur interrogé" in awaiting) == (False, True)
    assert remarks_on(desk) == [readiness.INQUIRIES[Inquiry.AWAITED]]
    assert "votre réponse est envoyée" in client.post(path, data=MINE, headers={"User-Agent": "Telephone"}).text
    assert known(desk).address_line == "12, rue des Tests"
    assert is_over(client, path)
    assert sign in browser.get("/contraventions").text
    assert remarks_on(desk) == [readiness.INQUIRIES[Inquiry.REPLIED]]
    [row] = rows(desk)
    assert "Dit avoir conduit" in browser.get(f"/contraventions/{notice_id}").text
    reply = f"/contraventions/{notice_id}/demandes/{row.id}"
    shown = browser.get(reply).text
    assert "3 impasse Neuve, 30000 Nîmes" in shown
    assert "12, rue des Tests" in shown
    assert browser.post(reply).headers["Location"].endswith(f"/contraventions/{notice_id}?conducteur={driver_id}")
    assert (known(desk).address_line, known(desk).city, known(desk).email) == ("3 impasse Neuve", "Nîmes", MAIL)
    with tenant_session(world.organisation_id) as session:
        facts = [one.kind for one in session.scalars(thread_of(world.organisation_id, notice_id))]
        entries = select(AuditEntry).where(AuditEntry.organisation_id == world.organisation_id)
        written = {one.action: one for one in session.scalars(entries)}
        beside = select(AuditConnection.facts).where(AuditConnection.organisation_id == world.organisation_id)
        connections = list(session.scalars(beside))
    assert [one for one in facts if one != events.OPENED][1:] == [
        events.DRIVER_ASKED,
        events.DRIVER_REPLIED,
        events.REPLY_TAKEN,
    ]
    assert {"address": "127.0.0.1", "device": "Telephone"} in connections
    for action in ("conducteur_interroge", "conducteur_a_repondu", "reponse_reprise"):
        assert written[f"avis.{action}"].details == {}


def test_a_driver_who_did_not_drive_says_so_in_words_and_gives_nothing(desk, client, signed_in, frozen):
    """The users are told that there is something to read."""
    world, _, _, notice_id = desk
    path = ask(desk)
    frozen.move_to(AS_OF + timedelta(minutes=5))
    assert "Dites en quelques mots" in client.post(path, data={"reply": "pas_moi"}).text
    assert client.post(path, data=MINE | NOT_MINE).status_code == 200
    with tenant_session(world.organisation_id) as session:
        own = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        [asked] = driver_requests.asked_of(session, session.scalars(select(Notice).where(*own)).one(), AS_OF)
    assert (asked.request.reply, asked.details, asked.remark) == ("pas_moi", None, "Je l’avais confié à l’atelier.")
    assert "Je l’avais confié à l’atelier." in signed_in(world.fines).get(f"/contraventions/{notice_id}").text
    with tenant_session(world.organisation_id) as session:
        assert look_at(session, actor(world.fines), [notice_id], AS_OF).reasons == {notice_id: readiness.DENIED}
    browser, page = signed_in(world.fines), f"/contraventions/{notice_id}"
    shown = browser.get(page).text
    assert "Cette personne a répondu que ce n’était pas elle" in shown
    assert "c’est elle qu’il faut désigner" not in shown
    unexplained = browser.post(f"{page}/designer", data=designation_of(desk[2]))
    assert (unexplained.status_code, DENIED in unexplained.text) == (422, True)
    send_digests(AS_OF + DAY)
    assert "Réponses de conducteurs à lire\u00a0: 1" in letters.queued("notice_digest", to=world.fines)[-1].text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reply": ""}, "Dites qui conduisait."),
        ({"address_line": ""}, "Indiquez le numéro et la rue."),
        ({"birth_date": ""}, "Indiquez votre date de naissance."),
        ({"licence_number": ""}, "Indiquez le numéro de votre permis."),
        ({"licence_issued_on": "2026-02-21"}, "Le permis ne peut pas être délivré après l’infraction"),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_once_and_kept_open(desk, client, frozen, changes, sentence):
    path = ask(desk)
    answer = client.post(path, data=MINE | changes)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert rows(desk)[0].answered_at is None
    assert client.post(path, data=MINE).status_code == 200


def answer_it(desk) -> None:
    world, _, driver_id, notice_id = desk
    named = {"driver_id": driver_id, "kind": DriverKind.EMPLOYEE, "details": DUMAS, "keep_in_fleet": False}
    designating.designate(actor(world.fines), notice_id, **named, as_of=AS_OF)


def set_organisation(desk, **columns) -> None:
    with platform_session("tests", write=True) as session:
        session.execute(update(Organisation).where(Organisation.id == desk[0].organisation_id).values(**columns))


def revoke(desk) -> None:
    requesting.revoke(actor(desk[0].fines), desk[3], rows(desk)[-1].id, as_of=AS_OF)


KILLED = {
    "revoked": revoke,
    "replaced": ask,
    "answered": answer_it,
    "filed": lambda desk: filing.file_notice(actor(desk[0].fines), desk[3], reason=FilingReason.PAID, as_of=AS_OF),
    "suspended": lambda desk: set_organisation(desk, state=OrganisationState.SUSPENDED),
    "contract over": lambda desk: set_organisation(desk, contract_ends_on=(AS_OF - DAY).date()),
}


@pytest.mark.parametrize("how", KILLED)
def test_a_dead_link_reads_as_one_that_never_was_and_takes_nothing(desk, client, frozen, how):
    path = ask(desk)
    KILLED[how](desk)
    assert is_over(client, path)
    assert client.post(path, data=MINE).status_code == 404
    assert rows(desk)[0].answered_at is None


def test_a_link_that_dies_while_its_page_is_sent_reads_as_dead_too(desk, client, frozen, monkeypatch):
    """A double click: the first is kept, and the second isn't told to mend anything."""
    path, reply = ask(desk), requesting.reply

    def twice(*told, **how):
        reply(*told, **how)
        reply(*told, **how)

    monkeypatch.setattr(requesting, "reply", twice)
    second = client.post(path, data=MINE)
    assert (second.status_code, "Ce lien ne fonctionne pas" in second.text) == (404, True)
    assert "Seule la première réponse envoyée par ce lien est transmise" in second.text
    assert "Si vous avez répondu, votre réponse est transmise" in client.get(path).text
    assert rows(desk)[0].reply == "moi"


def test_a_link_asks_no_more_about_a_notice_that_was_typed_anew(desk, client, frozen):
    """Nobody says « c’était moi » of something else than what they read."""
    world, vehicle_id, driver_id, _ = desk
    someone = actor(world.fines)
    notice_id = typing_in.type_in(someone, TYPED, as_of=AS_OF)
    path = requesting.ask(someone, notice_id, driver_id=driver_id, by_mail=False, as_of=AS_OF).removeprefix(
        "http://localhost"
    )
    assert client.get(path).status_code == 200
    typing_in.correct(someone, notice_id, replace(TYPED, plate="CD-345-EF"), as_of=AS_OF)
    assert is_over(client, path)


def test_a_link_ends_with_the_shared_window_or_after_thirty_days(desk, client, frozen):
    """C4.3-e: posted ten days ago, the window is open for thirty-five more; asked five days before its end."""
    path, late = ask(desk), AS_OF + 30 * DAY
    frozen.move_to(late - timedelta(seconds=1))
    assert client.get(path).status_code == 200
    frozen.move_to(late)
    assert is_over(client, path)
    later = ask(desk, as_of=late)
    window_ends = end_of_day((AS_OF + 35 * DAY).date())
    frozen.move_to(window_ends - timedelta(seconds=1))
    assert client.get(later).status_code == 200
    frozen.move_to(window_ends)
    assert is_over(client, later)
    assert client.post(later, data=MINE).status_code == 404


def test_after_its_window_a_notice_asks_no_driver_any_more(desk, frozen):
    world, _, driver_id, notice_id = desk
    end = end_of_day((AS_OF + 35 * DAY).date())
    with tenant_session(world.organisation_id, write=True) as session:
        own = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        session.execute(update(Notice).where(*own).values(state=NoticeState.REFUSED))
    with pytest.raises(requesting.Refused):
        ask(desk, as_of=end, email=world.admin)


def test_another_client_neither_sees_nor_uses_nor_withdraws_a_request(desk, other_world, signed_in):
    world, _, driver_id, notice_id = desk
    ask(desk)
    stranger, [row] = signed_in(other_world.admin), rows(desk)
    for path in (f"{row.id}", f"{row.id}/retirer"):
        assert stranger.post(f"/contraventions/{notice_id}/demandes/{path}").status_code == 404
    assert signed_in(world.fleet).post(f"/contraventions/{notice_id}/demandes/{row.id}/retirer").status_code == 404
    assert rows(desk)[0].revoked_at is None


def test_asking_again_and_again_is_slowed_down(desk, client, frozen):
    """Nobody's mailbox is filled; the latest link lives on."""
    paths = [ask(desk) for _ in range(6)]
    with pytest.raises(requesting.Refused, match="Trop d’essais"):
        ask(desk)
    assert [is_over(client, one) for one in paths] == [True] * 5 + [False]


def test_what_is_wrong_leads_to_its_place_on_the_page_a_choice_too(desk, client, frozen):
    page = client.post(ask(desk), data=MINE | {"reply": "", "remark": ""}).text
    places = re.findall(r'<li><a href="#([^"]+)"', page)
    assert places == ["reply"]
    assert 'id="reply"' in page
    assert 'aria-describedby="reply-error"' in page
