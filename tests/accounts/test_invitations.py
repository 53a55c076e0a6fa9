"""Invitations: one link, once, for 48 hours; the person chooses the password; nobody learns who has an account."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from eprunes.accounts import sessions, tokens
from eprunes.accounts.models import (
    Identity,
    OneTimeToken,
    Organisation,
    OrganisationState,
    TokenPurpose,
    User,
    UserState,
)
from eprunes.accounts.services import clients, invitations, users
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from tests.support.letters import purposes, queued, token_for
from tests.support.people import user_row
from tests.support.worlds import AS_OF, actor, give_password, open_session

NEW = "camille@ailleurs.example"
CHOSEN = "tortue violon brouette lilas"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
OVER = "Ce lien ne vaut plus"


def invite(world, email=NEW, fleet=True, fines=False, as_of=AS_OF):
    return invitations.invite(actor(world.admin, as_of), email, "Camille Dumas", fleet, fines, as_of)


def accept(token, as_of=AS_OF, name="Camille Dumas", password=CHOSEN):
    return invitations.accept(token, name, password, as_of)


def may_enter(email, as_of=AS_OF):
    with platform_session("tests") as session:
        return session.scalar(select(func.count()).where(Identity.email == email)) == 1


def test_an_invited_person_chooses_the_password_and_signs_in(client, world, frozen):
    """C3.2-a, C3.3-a: the administrator never knows the password."""
    invite(world, fines=True)
    path = f"/invitation/{token_for(NEW)}"
    page = client.get(path).text
    assert "Client 0" in page
    assert NEW in page
    assert "au parc" in page
    assert "aux contraventions" in page
    answer = client.post(path, data={"display_name": "Camille Dumas", "password": CHOSEN})
    assert answer.status_code == 200
    assert f'value="{NEW}"' in answer.text
    assert client.get("/").status_code == 302, "accepting opens no session by itself"
    assert client.post("/connexion", data={"email": NEW, "password": CHOSEN}).status_code == 302
    assert client.get("/").status_code == 200
    assert {str(right) for right in actor(NEW).rights} == {"parc", "contraventions"}


def test_password_managers_know_what_to_save(client, world, frozen):
    """C3.3-b"""
    invite(world)
    page = client.get(f"/invitation/{token_for(NEW)}").text
    assert 'autocomplete="username"' in page
    assert 'autocomplete="new-password"' in page


def test_reading_the_page_consumes_nothing(client, world, frozen):
    invite(world)
    token = token_for(NEW)
    for _ in range(3):
        assert OVER not in client.get(f"/invitation/{token}").text
    assert accept(token)


def test_a_used_link_opens_nothing(client, world, frozen):
    invite(world)
    token = token_for(NEW)
    assert accept(token)
    assert not accept(token, password="chameau pupitre orage velours")
    assert tokens.find(token, TokenPurpose.INVITATION, AS_OF) is None, "consumed, whatever becomes of the account"
    assert OVER in client.get(f"/invitation/{token}").text
    assert client.post("/connexion", data={"email": NEW, "password": CHOSEN}).status_code == 302


def test_the_link_ends_after_48_hours(world):
    invite(world)
    token = token_for(NEW)
    last = AS_OF + 48 * HOUR - SECOND
    assert invitations.read(token, last) is not None
    assert invitations.read(token, last + SECOND) is None
    assert not accept(token, last + SECOND)
    assert not may_enter(NEW)
    assert accept(token, last)


def test_a_new_link_voids_the_one_before(world):
    user_id = invite(world)
    first = token_for(NEW)
    later = AS_OF + timedelta(minutes=1)
    invitations.resend(actor(world.admin, later), user_id, later)
    second = token_for(NEW)
    assert first != second
    assert not accept(first, later)
    assert accept(second, AS_OF + 48 * HOUR + timedelta(seconds=59))


def test_a_new_link_waits_for_a_minute(world):
    user_id = invite(world)
    early, due = AS_OF + timedelta(seconds=59), AS_OF + timedelta(seconds=60)
    with pytest.raises(Refused, match="attendez une minute"):
        invitations.resend(actor(world.admin, early), user_id, early)
    invitations.resend(actor(world.admin, due), user_id, due)
    assert purposes(NEW) == ["invitation", "invitation"]


def test_a_revoked_link_opens_nothing_and_the_address_is_free_again(world):
    user_id = invite(world)
    token = token_for(NEW)
    invitations.revoke(actor(world.admin), user_id, AS_OF)
    assert not accept(token)
    assert user_row(world, NEW) is None
    invite(world)
    assert accept(token_for(NEW))


def test_who_has_accepted_is_neither_invited_again_nor_revoked(world):
    user_id = invite(world)
    accept(token_for(NEW))
    for operation in (invitations.resend, invitations.revoke):
        with pytest.raises(NotVisible):
            operation(actor(world.admin), user_id, AS_OF + HOUR)
    assert user_row(world, NEW).state == UserState.ACTIVE


def test_rights_are_those_of_the_moment_it_is_accepted(world):
    """C3.2-c"""
    user_id = invite(world, fleet=True, fines=True)
    users.change_rights(actor(world.admin), user_id, False, True, AS_OF)
    token = token_for(NEW)
    found = invitations.read(token, AS_OF)
    assert (found.fleet, found.fines) == (False, True)
    assert accept(token)
    assert {str(right) for right in actor(NEW).rights} == {"contraventions"}
    assert "rights_changed" not in purposes(NEW), "an invited person is told by the page"


def test_a_tool_that_left_the_contract_gives_nothing(world):
    """C3.2-c, C4.1-b"""
    invite(world, fleet=True, fines=True)
    own = {"organisation_id": world.organisation_id, "vehicles": 5, "effective_from": AS_OF.date(), "as_of": AS_OF}
    clients.new_order_form(tools=("fines",), **own)
    token = token_for(NEW)
    assert not invitations.read(token, AS_OF).fleet
    assert accept(token)
    assert {str(right) for right in actor(NEW).rights} == {"contraventions"}


def test_the_end_of_the_contract_closes_open_invitations(world):
    """C3.4: at 24:00 Europe/Paris of the end date."""
    invite(world)
    token = token_for(NEW)
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    last_second = AS_OF.replace(hour=22, minute=59, second=59)
    assert not accept(token, last_second + SECOND)
    assert accept(token, last_second)


def test_while_the_contract_is_suspended_nobody_comes_in(world):
    """Decision 10: the administrator alone."""
    invite(world)
    for state, comes_in in ((OrganisationState.SUSPENDED, False), (OrganisationState.ACTIVE, True)):
        with platform_session("tests", write=True) as session:
            mine = Organisation.id == world.organisation_id
            session.execute(update(Organisation).where(mine).values(state=state))
        assert accept(token_for(NEW)) is comes_in


@pytest.mark.parametrize("token", ["x", "é", "A" * 43, "A" * 5000])
def test_a_forged_link_reads_like_any_dead_one(client, world, frozen, token):
    user_id = invite(world)
    dead = token_for(NEW)
    invitations.revoke(actor(world.admin), user_id, AS_OF)
    pages = [client.get(f"/invitation/{one}") for one in (token, dead)]
    assert [page.status_code for page in pages] == [200, 200]
    assert OVER in pages[0].text
    assert without_nonces(pages[0].text) == without_nonces(pages[1].text)


def without_nonces(page):
    return re.sub(r'nonce="[^"]*"', "", page)


def test_a_link_to_reset_or_of_another_kind_is_no_invitation(world):
    """A token of another account, or of another purpose."""
    invite(world)
    with platform_session("tests", write=True) as session:
        session.execute(update(OneTimeToken).values(purpose="reinitialisation"))
    assert not accept(token_for(NEW))
    assert not may_enter(NEW)


@pytest.mark.parametrize("state", ["actif", "suspendu", "supprime", "invite"])
def test_an_address_of_ones_own_organisation_is_said_plainly(world, state):
    """C3.2-b"""
    if state == "invite":
        invite(world, email="parc2@client0.example")
        email = "PARC2@client0.example "
    else:
        email, user_id = world.fleet, user_row(world, world.fleet).id
        if state == "suspendu":
            users.suspend_user(actor(world.admin), user_id, AS_OF)
        if state == "supprime":
            users.delete_user(actor(world.admin), user_id, AS_OF)
    with pytest.raises(Refused) as refusal:
        invite(world, email=email)
    assert refusal.value.field == "email"
    assert ("restaurer" in str(refusal.value)) is (state == "supprime")


def test_an_address_used_elsewhere_reads_the_same_and_its_owner_is_told(signed_in, world, other_world, frozen):
    """C3.2-b; nobody finds out here who has an account (enumeration by text)."""
    boss = signed_in(world.admin)
    answers = {}
    for email in (NEW, other_world.fleet):
        data = {"email": email, "display_name": "Camille", "fleet": "y"}
        answers[email] = boss.post("/administration/utilisateurs/inviter", data=data)
        assert answers[email].headers["Location"] == "/administration"
    assert purposes(NEW) == ["invitation"]
    assert purposes(other_world.fleet) == ["account_exists"]
    [told] = queued(to=other_world.fleet)
    assert "/invitation/" not in told.text + told.html
    assert "Client 0" in told.text
    ends = AS_OF + 48 * HOUR
    for moment, words in ((AS_OF, "Invitation envoyée"), (ends, "Invitation expirée")):
        frozen.move_to(moment)
        boss = signed_in_at(boss, world.admin, moment)
        assert boss.get("/administration").text.count(words + "</span>") == 2
        pages = [about(boss, world, email) for email in (NEW, other_world.fleet)]
        assert pages[0] == pages[1]


def signed_in_at(browser, email, moment):
    cookie = browser.application.config["EPRUNES_SESSION_COOKIE"]
    browser.set_cookie(cookie, open_session(email, moment), domain="localhost")
    return browser


def about(browser, world, email):
    row = user_row(world, email)
    page = browser.get(f"/administration/utilisateurs/{row.id}").text
    return without_nonces(page.replace(str(row.id), "").replace(email, ""))


def test_the_same_work_is_done_for_a_used_address_and_a_free_one(world, other_world):
    """Enumeration by time: one row, one link, one mail each."""
    counts = []
    for email in (NEW, other_world.fleet):
        before = rows()
        invite(world, email=email)
        counts.append([after - earlier for after, earlier in zip(rows(), before, strict=True)])
    assert counts[0] == counts[1] == [1, 1]


def rows():
    with platform_session("tests") as session:
        tokens = session.scalar(select(func.count()).select_from(OneTimeToken))
    return [tokens, len(queued(to=NEW)) + len(queued(to="parc@client1.example"))]


def test_an_operators_address_is_used_too(world):
    users.create_operator(email="exploitant@exploitation.example", as_of=AS_OF)
    invite(world, email="exploitant@exploitation.example")
    assert purposes("exploitant@exploitation.example") == ["account_exists"]


def test_of_two_organisations_that_invite_one_address_the_first_accepted_wins(world, other_world):
    """C3.2-b: the address got an account elsewhere meanwhile."""
    invite(world)
    mine = token_for(NEW)
    invite(other_world)
    theirs = token_for(NEW)
    assert accept(mine)
    assert invitations.read(theirs, AS_OF) is None
    assert not accept(theirs)
    assert str(actor(NEW).organisation_id) == str(world.organisation_id)


def test_of_people_who_use_one_link_at_once_one_gets_the_account(app, world):
    invite(world)
    token, comers = token_for(NEW), 6
    assert run_together(app, [lambda: accept(token)] * comers).count(True) == 1
    assert may_enter(NEW)


def test_of_two_links_for_one_address_used_at_once_one_gives_the_account(app, world, other_world):
    """C3.2-b"""
    links = []
    for one in (world, other_world):
        invite(one)
        links.append(token_for(NEW))
    outcomes = run_together(app, [lambda link=link: accept(link) for link in links])
    assert sorted(outcomes) == [False, True]
    assert may_enter(NEW)


def run_together(app, acts):
    together = Barrier(len(acts))

    def come(act):
        with app.app_context():
            together.wait()
            return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(come, act) for act in acts]]


def test_fifty_links_a_day_and_no_more(world):
    """Against flooding other people's mailboxes."""
    for index in range(invitations.PER_DAY):
        invite(world, email=f"personne{index}@ailleurs.example")
    later = AS_OF + timedelta(days=1) - SECOND
    with pytest.raises(Refused, match="réessayez demain"):
        invite(world, as_of=later)
    user_id = user_row(world, "personne0@ailleurs.example").id
    with pytest.raises(Refused, match="réessayez demain"):
        invitations.resend(actor(world.admin, later), user_id, later)
    assert queued(to=NEW) == []
    invite(world, as_of=later + SECOND)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "pas une adresse"}, "email"),
        ({"email": "a@b.example\nBcc: x@y.example"}, "email"),
        ({"fleet": False}, "fleet"),
        ({"display_name": "  "}, "display_name"),
        ({"display_name": "x" * 121}, "display_name"),
        ({"display_name": "\u202e\u200b"}, "display_name"),
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(world, changed, field):
    given = {"email": NEW, "display_name": "Camille", "fleet": True, "fines": False, **changed}
    with pytest.raises(Refused) as refusal:
        invitations.invite(actor(world.admin), **given, as_of=AS_OF)
    assert refusal.value.field == field


def test_the_name_that_somebody_else_typed_is_in_no_mail(world):
    """A mail is no leaflet: nothing that the inviter types reaches a stranger."""
    invitations.invite(actor(world.admin), NEW, "Gagnez https://evil.example", True, False, AS_OF)
    [told] = queued(to=NEW)
    assert "evil" not in told.text + told.html + told.subject


@pytest.mark.parametrize(
    "password", ["court", "aaaaaaaaaaaaaaaa", "Motdepasse2024!", "camille@ailleurs.example", "x" * 129]
)
def test_a_weak_password_is_refused_and_the_link_stays(client, world, frozen, password):
    """C3.3-a; the person's own address makes no password either."""
    invite(world)
    token = token_for(NEW)
    answer = client.post(f"/invitation/{token}", data={"display_name": "Camille", "password": password})
    assert answer.status_code == 422
    assert not may_enter(NEW)
    assert accept(token)


def test_more_fields_than_the_page_has_change_nothing(client, world, frozen):
    """Mass assignment, self-promotion."""
    invite(world)
    data = {"display_name": "Camille", "password": CHOSEN, "is_administrator": "y", "administrator": "1"}
    data |= {
        "fines": "y",
        "fines_right": "1",
        "email": "autre@ailleurs.example",
        "state": "actif",
        "kind": "exploitant",
    }
    data |= {"organisation_id": "x", "user_id": "x", "id": "x", "created_at": "x"}
    client.post(f"/invitation/{token_for(NEW)}", data=data)
    row = user_row(world, NEW)
    assert (row.is_administrator, row.fleet_right, row.fines_right) == (False, True, False)
    assert {str(right) for right in actor(NEW).rights} == {"parc"}


def test_whoever_was_signed_in_with_the_browser_no_longer_is(app, signed_in, world):
    """Session fixation: the new person starts from the sign-in page."""
    browser = signed_in(world.fleet)
    old = browser.get_cookie(app.config["EPRUNES_SESSION_COOKIE"], domain="localhost").value
    invite(world)
    browser.post(f"/invitation/{token_for(NEW)}", data={"display_name": "Camille", "password": CHOSEN})
    assert browser.get("/").status_code == 302
    assert sessions.actor_for(old, AS_OF) is None


def test_a_post_without_its_token_against_forgery_changes_nothing(app, client, world, frozen):
    invite(world)
    app.config["WTF_CSRF_ENABLED"] = True
    data = {"display_name": "Camille", "password": CHOSEN}
    assert client.post(f"/invitation/{token_for(NEW)}", data=data).status_code == 400
    assert not may_enter(NEW)


def test_the_sign_in_form_at_the_end_is_one_that_can_be_sent(app, client, world, frozen):
    """Its token against forgery is that of the session which starts there."""
    invite(world)
    app.config["WTF_CSRF_ENABLED"] = True
    path = f"/invitation/{token_for(NEW)}"
    page = client.get(path)
    for url, typed in (
        (path, {"display_name": "Camille", "password": CHOSEN}),
        ("/connexion", {"email": NEW, "password": CHOSEN}),
    ):
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
        page = client.post(url, data=typed | {"csrf_token": token})
    assert (page.status_code, page.headers["Location"]) == (302, "/")


def test_only_a_hash_of_the_link_is_kept(world):
    invite(world)
    with platform_session("tests") as session:
        [row] = session.scalars(select(OneTimeToken)).all()
    assert token_for(NEW).encode() not in row.token_hash
    assert len(row.token_hash) == 32


def test_links_lead_where_the_settings_say_whatever_the_host_header(signed_in, world):
    boss = signed_in(world.admin)
    data = {"email": NEW, "display_name": "Camille", "fleet": "y"}
    boss.post("/administration/utilisateurs/inviter", data=data, headers={"X-Forwarded-Host": "evil.example"})
    [told] = queued(to=NEW)
    assert "http://localhost/invitation/" in told.text
    assert "evil" not in told.text + told.html


def test_whoever_lost_the_account_meanwhile_invites_nobody(world):
    """The rights of the moment of the act, not of the page."""
    boss = actor(world.admin)
    give_password(world.fleet)
    with pytest.raises(NotVisible):
        invitations.invite(actor(world.fleet), NEW, "Camille", True, False, AS_OF)
    assert invitations.invite(boss, NEW, "Camille", True, False, AS_OF)


@pytest.mark.parametrize("state", [UserState.DELETED, UserState.SUSPENDED, UserState.ACTIVE])
def test_only_who_is_still_invited_comes_in(world, state):
    invite(world)
    with tenant_session(world.organisation_id, write=True) as session:
        mine = User.organisation_id == world.organisation_id, User.email == NEW
        session.execute(update(User).where(*mine).values(state=state))
    assert not accept(token_for(NEW))
    assert not may_enter(NEW)
