"""« Mot de passe oublié ? » (C3.3-c): the link, what it is worth, and when it is worth nothing any more."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from eprunes.accounts import passwords, sessions, throttling
from eprunes.accounts.models import Identity, OneTimeToken, Organisation, OrganisationState
from eprunes.accounts.services import blocking, clients, own_account, resets, signing_in, users
from eprunes.core import audit
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import Refused
from tests.support import letters
from tests.support.statements import statements_of
from tests.support.worlds import AS_OF, PASSWORD, actor, give_password, open_session

NEW = "agrafe cheval bougie nuage"
OPERATOR = "exploitant@exploitation.example"
UNKNOWN = "personne@ailleurs.example"


def ask(email: str, as_of=AS_OF, address: str = "192.0.2.1") -> letters.Letter:
    """Ask for a link; returns the mail queued for it."""
    resets.ask(email=email, address=address, as_of=as_of)
    return letters.queued("reset")[-1]


def choose(token: str, password: str = NEW, as_of=AS_OF) -> None:
    resets.choose_password(token=token, password=password, address="192.0.2.1", as_of=as_of)


def password_of(email: str) -> str | None:
    with platform_session("tests") as session:
        return session.scalar(select(Identity.password_hash).where(Identity.email == email))


def identity_id(email: str):
    with platform_session("tests") as session:
        return session.scalars(select(Identity.id).where(Identity.email == email)).one()


def test_from_the_sign_in_page_to_a_new_password(client, world, frozen):
    """C3.3-c: the link on the sign-in page, the mail, the page, and signing in with what was chosen."""
    give_password(world.fleet)
    assert 'href="/mot-de-passe-oublie"' in client.get("/connexion").text
    assert "un lien vient de partir" in client.post("/mot-de-passe-oublie", data={"email": world.fleet}).text
    [letter] = letters.queued("reset")
    assert letter.to == world.fleet
    assert letter.is_delivered
    page = client.get(letter.path)
    assert page.status_code == 200
    assert 'autocomplete="new-password"' in page.text
    assert f'autocomplete="username" value="{world.fleet}"' in page.text
    done = client.post(letter.path, data={"password": NEW}, follow_redirects=True)
    assert "Mot de passe enregistré" in done.text
    assert client.post("/connexion", data={"email": world.fleet, "password": PASSWORD}).status_code == 422
    assert client.post("/connexion", data={"email": world.fleet, "password": NEW}).status_code == 302


def test_reading_the_page_consumes_nothing_and_a_refused_password_neither(client, world, frozen):
    link = ask(world.fleet).path
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    refused = client.post(link, data={"password": "Motdepasse2024!"})
    assert refused.status_code == 422
    assert "parmi les plus courants" in refused.text
    assert client.post(link, data={"password": NEW}).status_code == 302


def test_a_used_link_opens_nothing(client, world, frozen):
    link = ask(world.fleet).path
    client.post(link, data={"password": NEW})
    assert "ne fonctionne plus" in client.get(link).text
    assert "ne fonctionne plus" in client.post(link, data={"password": "un autre mot de passe long"}).text
    assert passwords.verify(password_of(world.fleet), NEW)


def test_a_link_used_twice_at_once_serves_once(app, world):
    """The password of the one who came first stays; the other reads that the link is worth nothing."""
    token = ask(world.fleet).token

    def choose_one(number: int) -> bool:
        with app.app_context():
            try:
                choose(token, f"{NEW} {number}")
            except Refused:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        served = list(pool.map(choose_one, range(4)))
    assert served.count(True) == 1
    assert passwords.verify(password_of(world.fleet), f"{NEW} {served.index(True)}")


@pytest.mark.parametrize(("minutes", "works"), [(59.99, True), (60, False)])
def test_a_link_lasts_sixty_minutes(world, minutes, works):
    token = ask(world.fleet).token
    assert (resets.owner_of(token, AS_OF + timedelta(minutes=minutes)) is not None) is works


def test_a_newer_link_makes_the_one_before_worthless(world):
    first, second = ask(world.fleet), ask(world.fleet)
    with pytest.raises(Refused, match="ne fonctionne plus"):
        choose(first.token)
    choose(second.token)


def test_the_link_of_one_person_is_of_no_use_for_another(world, other_world):
    theirs, mine = ask(other_world.fleet).token, ask(world.fleet).token
    choose(mine)
    assert password_of(other_world.fleet) is None
    assert resets.owner_of(theirs, AS_OF).identity.email == other_world.fleet


def test_a_link_for_another_purpose_lets_choose_no_password(world):
    give_password(world.fleet)
    for device in ("Firefox/1", "Chrome/1"):
        _sign_in(world.fleet, device)
    [letter] = letters.queued("new_sign_in")
    with pytest.raises(Refused):
        choose(letter.token)
    assert blocking.owner_of_link(ask(world.fleet).token, AS_OF) is None


@pytest.mark.parametrize("token", ["", "x", "é" * 50, "../../etc/passwd", "%00", "a" * 5000])
def test_an_invented_link_opens_nothing(client, world, frozen, token):
    assert resets.owner_of(token, AS_OF) is None
    answer = client.get(f"/mot-de-passe/{token}")
    assert answer.status_code in (200, 404)
    assert 'type="password"' not in answer.text


def test_the_database_keeps_no_token(world):
    token = ask(world.fleet).token
    with platform_session("tests") as session:
        [row] = session.scalars(select(OneTimeToken))
    assert row.token_hash == sessions.hash_of(token)
    assert token.encode() not in row.token_hash


def test_all_sessions_end_and_nobody_is_signed_in_by_it(client, world, frozen):
    """The second factor stays to be given: whoever reads the mailbox alone gets in nowhere."""
    opened = [open_session(world.admin) for _ in range(2)]
    link = ask(world.admin).path
    answer = client.post(link, data={"password": NEW})
    assert answer.headers["Location"] == "/connexion"
    assert client.get("/").status_code == 302
    assert [sessions.actor_for(token, AS_OF) for token in opened] == [None, None]
    client.post("/connexion", data={"email": world.admin, "password": NEW})
    assert "/connexion/code" in client.get("/").headers["Location"]


def test_the_owner_is_told_and_the_journal_knows(world):
    choose(ask(world.fleet).token)
    [letter] = letters.queued("password_reset")
    assert letter.to == world.fleet
    assert letter.is_delivered
    with tenant_session(world.organisation_id) as session:
        query = select(audit.AuditEntry).where(
            audit.AuditEntry.organisation_id == world.organisation_id,
            audit.AuditEntry.action == "mot_de_passe.reinitialise",
        )
        [entry] = session.scalars(query)
    assert entry.actor_id == entry.subject_id == actor(world.fleet).user_id


def test_an_operator_chooses_a_new_password_too(app):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    choose(ask(OPERATOR).token)
    assert passwords.verify(password_of(OPERATOR), NEW)


def test_what_is_known_of_the_person_makes_no_password(world):
    with pytest.raises(Refused, match="Votre adresse ou votre organisation"):
        choose(ask(world.fleet).token, "Client0.example")


def _block(world) -> None:
    blocking.block_user(actor(world.admin), actor(world.fleet).user_id, AS_OF)


def _suspend(world) -> None:
    users.suspend_user(actor(world.admin), actor(world.fleet).user_id, AS_OF)


def _delete(world) -> None:
    users.delete_user(actor(world.admin), actor(world.fleet).user_id, AS_OF)


def _end_contract(world) -> None:
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    with tenant_session(world.organisation_id, write=True, platform_reason="tests") as session:
        yesterday = AS_OF.date() - timedelta(days=1)
        session.execute(
            update(Organisation).where(Organisation.id == world.organisation_id).values(contract_ends_on=yesterday)
        )


def _suspend_contract(world) -> None:
    with platform_session("tests", write=True) as session:
        suspended = update(Organisation).where(Organisation.id == world.organisation_id)
        session.execute(suspended.values(state=OrganisationState.SUSPENDED))


def _change_password(world) -> None:
    give_password(world.fleet)
    own_account.change_password(actor=actor(world.fleet), current=PASSWORD, new=f"{NEW} bis", as_of=AS_OF)


SHUT_OUT = [_block, _suspend, _delete, _end_contract, _suspend_contract]


@pytest.mark.parametrize("shut_out", [*SHUT_OUT, _change_password])
def test_a_link_dies_with_what_it_was_given_for(client, world, frozen, shut_out):
    """Suspension, deletion, blocking (C3.3-d), end of the contract (C3.4), a password changed meanwhile."""
    link, token = (letter := ask(world.fleet)).path, letter.token
    shut_out(world)
    before = password_of(world.fleet)
    assert "ne fonctionne plus" in client.get(link).text
    with pytest.raises(Refused, match="ne fonctionne plus"):
        choose(token)
    assert password_of(world.fleet) == before


@pytest.mark.parametrize("shut_out", SHUT_OUT)
def test_to_who_may_not_enter_nothing_is_delivered(client, world, frozen, shut_out):
    """C3.3-c, C3.3-d: the page reads as for everybody else, the mail goes nowhere and its link opens nothing."""
    shut_out(world)
    seen = client.post("/mot-de-passe-oublie", data={"email": world.fleet})
    other = client.post("/mot-de-passe-oublie", data={"email": UNKNOWN})
    assert seen.status_code == other.status_code == 200
    assert seen.data == other.data.replace(UNKNOWN.encode(), world.fleet.encode())
    for letter in letters.queued("reset"):
        assert not letter.is_delivered
        assert resets.owner_of(letter.token, AS_OF) is None


def test_asking_does_the_same_for_every_address(client, world, frozen):
    """User enumeration by text and by time: the same page, the same statements, a mail row and a link each."""
    ask("echauffement@ailleurs.example")
    answers = {}

    def post(email: str):
        answers[email] = client.post("/mot-de-passe-oublie", data={"email": email})

    done = [statements_of(lambda email=email: post(email)) for email in (world.fleet, UNKNOWN)]
    assert done[0] == done[1]
    assert answers[world.fleet].data.replace(world.fleet.encode(), b"") == answers[UNKNOWN].data.replace(
        UNKNOWN.encode(), b""
    )
    letter, phantom = letters.queued("reset")[-2:]
    assert (letter.is_delivered, phantom.is_delivered) == (True, False)
    assert resets.owner_of(phantom.token, AS_OF) is None


def test_a_mailbox_is_not_flooded(client, world, frozen):
    """Mail bombing: three links, then a wait that is the same for an address without an account."""
    for email in (world.fleet, UNKNOWN):
        for number in range(throttling.MAILBOX.free):
            ask(email, address=f"192.0.2.{number}")
        refused = client.post("/mot-de-passe-oublie", data={"email": f" {email.upper()} "})
        assert refused.status_code == 422
        assert "Trop d’essais\u00a0: réessayez dans 1\u00a0minute." in refused.text
    assert len(letters.queued("reset")) == 2 * throttling.MAILBOX.free


def test_one_address_does_not_flood_many_mailboxes(world):
    for number in range(throttling.ADDRESS.free):
        ask(f"personne{number}@ailleurs.example")
    with pytest.raises(Refused, match="Trop d’essais"):
        ask(world.fleet)
    assert ask(world.fleet, address="198.51.100.1").is_delivered


def test_a_new_password_opens_at_once_whatever_was_tried_before(client, world, frozen):
    give_password(world.fleet)
    for _ in range(throttling.PERSON.free):
        client.post("/connexion", data={"email": world.fleet, "password": "pas le bon"})
    client.post(ask(world.fleet).path, data={"password": NEW})
    assert client.post("/connexion", data={"email": world.fleet, "password": NEW}).status_code == 302


def test_the_link_leads_to_the_configured_address(client, world, frozen):
    """Host header injection: links are built from the configured base URL."""
    options = {"headers": {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}}
    client.post("/mot-de-passe-oublie", data={"email": world.fleet}, **options)
    [letter] = letters.queued("reset")
    assert letter.path.startswith("/mot-de-passe/")
    assert "evil" not in letter.text + letter.html
    bad = client.post("/mot-de-passe-oublie", data={"email": world.fleet}, headers={"Host": "evil.example"})
    assert bad.status_code == 400
    assert len(letters.queued("reset")) == 1


@pytest.mark.parametrize("email", ["parc@client0.example\r\nBcc: tous@evil.example", "a\x00b@c.example", "x" * 255])
def test_an_address_with_lines_or_signs_of_its_own_reaches_nobody_else(client, world, frozen, email):
    """Header injection."""
    client.post("/mot-de-passe-oublie", data={"email": email})
    for letter in letters.queued("reset"):
        assert letter.to.isprintable()
        assert not letter.is_delivered


def test_the_page_of_a_link_tells_other_sites_nothing(client, world, frozen):
    """The token stands in its address: nothing but the site's name is sent on, and nothing is kept."""
    answer = client.get(ask(world.fleet).path)
    assert '<meta name="referrer" content="strict-origin">' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("referrer", "status"), [("https://localhost/", 302), ("https://evil.example/", 400), ("", 400)]
)
def test_over_https_the_sites_name_alone_lets_the_form_through(app, client, world, frozen, referrer, status):
    """Why the page of a link sends its origin on: forms that come without any are refused."""
    app.config["WTF_CSRF_ENABLED"] = True
    link = ask(world.fleet).path
    page = client.get(link, base_url="https://localhost")
    [token] = re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)
    body, headers = {"csrf_token": token, "password": NEW}, {"Referer": referrer} if referrer else {}
    assert client.post(link, data=body, headers=headers, base_url="https://localhost").status_code == status


def test_choosing_a_password_asks_for_its_token(app, client, world, frozen):
    app.config["WTF_CSRF_ENABLED"] = True
    link = ask(world.fleet).path
    assert client.post(link, data={"password": NEW}).status_code == 400
    assert client.post("/mot-de-passe-oublie", data={"email": world.fleet}).status_code == 400


def _sign_in(email: str, device: str) -> str:
    return signing_in.sign_in(email=email, password=PASSWORD, address="192.0.2.1", device=device, as_of=AS_OF)
