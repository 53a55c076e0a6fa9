"""« Mon compte » : what one reads of oneself, the password, one's own open sessions and nobody else's."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from eprunes.accounts import sessions, tokens
from eprunes.accounts.devices import device_in_words
from eprunes.accounts.models import OneTimeToken, TokenPurpose, UserSession
from eprunes.accounts.services import own_account, users
from eprunes.core.database import platform_session
from eprunes.core.refusals import NotVisible
from tests.accounts.factors import (
    acts,
    at_once,
    browser_with,
    give_factor,
    identity_of,
    open_by_password,
    token_in,
)
from tests.support.letters import purposes
from tests.support.worlds import AS_OF, PASSWORD, actor, give_password, open_session

OPERATOR = "exploitant@exploitation.example"
NEW = "neuf tracteurs bleu pâle"
MISSING = "00000000-0000-7000-8000-000000000000"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


def session_id_of(token: str) -> UUID:
    with platform_session("tests") as session:
        found = select(UserSession.id).where(UserSession.token_hash == sessions.hash_of(token))
        return session.scalars(found).one()


def change(browser, current=PASSWORD, new=NEW):
    return browser.post("/mon-compte/mot-de-passe", data={"current": current, "new": new})


def reset_token(email: str, purpose=TokenPurpose.RESET) -> str:
    with platform_session("tests", write=True) as session:
        return tokens.issue(session, purpose, as_of=AS_OF, identity_id=identity_of(email).id)


@pytest.mark.parametrize(
    ("who", "rights"),
    [
        ("fleet", "Parc"),
        ("fines", "Contraventions"),
        ("both", "Parc, Contraventions"),
        ("admin", "Administrateur, Parc, Contraventions"),
    ],
)
def test_one_reads_who_one_is_and_what_one_may_do(world, signed_in, who, rights):
    """C3.2-c: rights in words."""
    page = signed_in(getattr(world, who)).get("/mon-compte").text
    assert f"<dd>{rights}</dd>" in page
    assert f"<dd>{getattr(world, who)}</dd>" in page
    assert "<dd>Client 0</dd>" in page


def test_the_top_bar_leads_there(world, signed_in):
    assert 'href="/mon-compte"' in signed_in(world.fleet).get("/").text


def test_a_new_password_replaces_the_old_one_for_good(app, world, signed_in):
    give_password(world.fleet)
    browser, other = signed_in(world.fleet), open_session(world.fleet)
    before = token_in(app, browser)
    assert change(browser).headers["Location"] == "/mon-compte"
    assert sessions.actor_for(before, AS_OF) is None, "replay: the token of before is dead"
    assert sessions.actor_for(other, AS_OF) is None, "other sessions have ended"
    assert "Mot de passe changé" in browser.get("/mon-compte").text
    for password, status in ((PASSWORD, 422), (NEW, 302)):
        sign_in = {"email": world.fleet, "password": password}
        assert app.test_client().post("/connexion", data=sign_in).status_code == status
    assert purposes(world.fleet)[0] == "password_changed"
    assert "mot_de_passe.change" in acts(world)


def test_links_to_reset_the_password_are_void_and_the_alarm_in_a_mail_is_not(world, signed_in):
    """Whoever changed the password with a stolen session must not take « ce n’est pas moi » from its owner."""
    give_password(world.fleet)
    reset, alarm = reset_token(world.fleet), reset_token(world.fleet, TokenPurpose.NOT_ME)
    theirs = reset_token(world.fines)
    change(signed_in(world.fleet))
    assert tokens.find(reset, TokenPurpose.RESET, AS_OF) is None
    assert isinstance(tokens.find(alarm, TokenPurpose.NOT_ME, AS_OF), OneTimeToken)
    assert tokens.find(theirs, TokenPurpose.RESET, AS_OF)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("pas le bon mot de passe", NEW, "current"),
        ("", NEW, "current"),
        (PASSWORD, "trop court", "new"),
        (PASSWORD, "Motdepasse2024!", "new"),
        (PASSWORD, "contraventions0 client0", "new"),
        (PASSWORD, PASSWORD, "new"),
        (PASSWORD, "", "new"),
        (PASSWORD, "é" * 129, "new"),
        ("x" * 129, NEW, "current"),
    ],
)
def test_what_does_not_meet_the_rules_changes_nothing(world, signed_in, current, new, field):
    """C3.3-b."""
    give_password(world.fines)
    before = identity_of(world.fines).password_hash
    other = open_session(world.fines)
    answer = change(signed_in(world.fines), current, new)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert identity_of(world.fines).password_hash == before
    assert sessions.actor_for(other, AS_OF)
    assert purposes(world.fines) == []


def test_guessing_the_current_password_is_slowed_down_for_all_sessions(world, signed_in, frozen):
    """A stolen session does not serve to find the password; the brake lets go after a while."""
    give_password(world.fleet)
    for number in range(6):
        answer = change(signed_in(world.fleet), f"essai numéro {number}")
    assert "Trop d’essais" in answer.text
    assert change(signed_in(world.fleet)).status_code == 422
    frozen.move_to(AS_OF + timedelta(minutes=16))
    assert change(signed_in(world.fleet)).status_code == 302


def test_of_two_changes_at_once_one_counts(app, world):
    give_password(world.fleet)
    actors = [actor(world.fleet) for _ in range(2)]
    passwords = [NEW, "onze camions gris perle"]

    def change_it(number):
        own_account.change_password(actor=actors[number], current=PASSWORD, new=passwords[number], as_of=AS_OF)
        return "changed"

    assert at_once(app, change_it, 2).count("changed") == 1


def test_an_operator_changes_the_own_password_too(app, signed_in, frozen):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    give_password(OPERATOR)
    browser = signed_in(OPERATOR)
    assert change(browser).headers["Location"] == "/mon-compte"
    page = browser.get("/mon-compte").text
    assert "Exploitant de la plateforme" in page
    assert purposes(OPERATOR) == ["password_changed"]


def test_open_sessions_are_listed_with_what_one_recognises(app, world, signed_in, frozen):
    open_by_password(world.fleet, AS_OF - timedelta(minutes=59), WINDOWS)
    open_by_password(world.fleet, AS_OF - timedelta(minutes=60), PHONE)
    page = signed_in(world.fleet).get("/mon-compte/sessions").text
    assert "Firefox sur Windows" in page
    assert "192.0.2.7" in page
    assert "iPhone" not in page, "a session that has lapsed is not open"
    assert page.count("Cette session") == 1
    assert page.count('/fermer"') == 1


def test_sessions_of_others_are_not_listed(app, world, other_world, signed_in):
    open_by_password(world.both, device=WINDOWS)
    open_by_password(other_world.fleet, device=PHONE)
    page = signed_in(world.fleet).get("/mon-compte/sessions").text
    assert "Windows" not in page
    assert "iPhone" not in page


def test_one_ends_one_of_the_own_sessions(app, world, signed_in):
    other, third = open_session(world.fleet), open_session(world.fleet)
    browser = signed_in(world.fleet)
    answer = browser.post(f"/mon-compte/sessions/{session_id_of(other)}/fermer")
    assert answer.headers["Location"] == "/mon-compte/sessions"
    assert sessions.actor_for(other, AS_OF) is None
    assert sessions.actor_for(third, AS_OF)
    assert browser.get("/").status_code == 200
    assert browser.post(f"/mon-compte/sessions/{session_id_of(other)}/fermer").status_code == 404
    assert acts(world)[-1] == "sessions.fermees"


def test_the_session_of_somebody_else_cannot_be_ended_and_answers_as_a_missing_one(app, world, other_world, signed_in):
    """C3.2-c: another user's session id, of the same client, of another one, of an administrator."""
    browser = signed_in(world.fleet)
    absent = browser.post(f"/mon-compte/sessions/{MISSING}/fermer")
    assert absent.status_code == 404
    for email in (world.both, world.admin, other_world.fleet):
        token = open_session(email)
        answer = browser.post(f"/mon-compte/sessions/{session_id_of(token)}/fermer")
        assert answer.status_code == 404
        assert answer.data == absent.data
        assert sessions.actor_for(token, AS_OF)
    with pytest.raises(NotVisible):
        own_account.end_one(actor=actor(world.admin), session_id=session_id_of(open_session(world.fleet)), as_of=AS_OF)


def test_one_ends_all_the_others_at_once(app, world, other_world, signed_in):
    others = [open_session(world.fleet) for _ in range(3)]
    foreign = [open_session(world.both), open_session(other_world.fleet)]
    browser = signed_in(world.fleet)
    assert browser.post("/mon-compte/sessions/fermer-les-autres").status_code == 302
    assert all(sessions.actor_for(token, AS_OF) is None for token in others)
    assert all(sessions.actor_for(token, AS_OF) for token in foreign)
    assert browser.get("/mon-compte/sessions").text.count("Cette session") == 1


def test_ending_sessions_asks_for_its_token(app, world, signed_in):
    other = open_session(world.fleet)
    browser = signed_in(world.fleet)
    app.config["WTF_CSRF_ENABLED"] = True
    for path in (f"/mon-compte/sessions/{session_id_of(other)}/fermer", "/mon-compte/sessions/fermer-les-autres"):
        assert browser.post(path).status_code == 400
        assert browser.get(path).status_code in (404, 405)
    assert sessions.actor_for(other, AS_OF)


def test_a_session_that_owes_its_code_is_listed_and_can_be_ended(app, world, frozen):
    """The owner sees whoever has the password and waits at the second factor."""
    give_factor(world.fleet)
    waiting = open_by_password(world.fleet, device=PHONE)
    browser = browser_with(app, open_session(world.fleet))
    page = browser.get("/mon-compte/sessions").text
    assert "Safari sur iPhone" in page
    assert page.count("Code non donné") == 1
    own = browser.get("/mon-compte").text
    assert "1 session ouverte, celle-ci comprise. 1 connexion en attente du code" in own
    assert browser.post(f"/mon-compte/sessions/{session_id_of(waiting)}/fermer").status_code == 302
    assert sessions.actor_for(waiting, AS_OF) is None


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (WINDOWS, "Firefox sur Windows"),
        (PHONE, "Safari sur iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome sur Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge sur Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome sur Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari sur Mac"),
        ("curl/8.0", "Appareil inconnu"),
        ("", "Appareil inconnu"),
        ("<script>Firefox/1\r\nWindows", "Firefox sur Windows"),
    ],
)
def test_a_device_is_told_in_words_and_nothing_it_says_is_repeated(user_agent, words):
    """Header injection: only words of ours are shown."""
    assert device_in_words(user_agent) == words
