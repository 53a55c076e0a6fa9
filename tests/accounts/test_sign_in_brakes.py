"""Guessing at the sign-in page: from one address, from many, in parallel; and what it tells of accounts."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from eprunes.accounts import passwords, throttling
from eprunes.accounts.models import SignInEvent
from eprunes.accounts.services import blocking, signing_in, users
from eprunes.core.database import platform_session
from eprunes.core.refusals import Refused
from tests.support.statements import statements_of
from tests.support.worlds import AS_OF, PASSWORD, actor, give_password

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
UNKNOWN = "personne@ailleurs.example"
WRONG = "pas le bon mot de passe"


def sign_in(email: str, password: str = PASSWORD, address: str = "192.0.2.1", as_of=AS_OF) -> str:
    return signing_in.sign_in(email=email, password=password, address=address, device=FIREFOX, as_of=as_of)


def outcome(email: str, password: str = WRONG, address: str = "192.0.2.1", as_of=AS_OF) -> str:
    try:
        sign_in(email, password, address, as_of)
    except Refused as refusal:
        return "freinée" if "Trop d’essais" in str(refusal) else "refusée"
    return "ouverte"


def post(client, email: str, password: str = WRONG, address: str = "192.0.2.1"):
    body = {"email": email, "password": password}
    return client.post("/connexion", data=body, environ_base={"REMOTE_ADDR": address})


@pytest.mark.parametrize("email", ["parc@client0.example", UNKNOWN])
def test_after_five_guesses_one_waits_whether_or_not_there_is_an_account(client, world, frozen, email):
    """C3.3-b; user enumeration by text: the same sentences for an address without an account."""
    give_password(world.fleet)
    for _ in range(throttling.PERSON.free):
        assert "Adresse e-mail ou mot de passe incorrect." in post(client, email).text
    for given in (WRONG, PASSWORD):
        answer = post(client, email, given)
        assert answer.status_code == 422
        assert "Trop d’essais\u00a0: réessayez dans 1\u00a0minute." in answer.text
    frozen.tick(timedelta(minutes=1))
    assert post(client, email, PASSWORD).status_code == (302 if email == world.fleet else 422)


def test_writing_the_address_otherwise_gives_no_more_guesses(world):
    for email in (world.fleet, world.fleet.upper(), f" {world.fleet}", f"{world.fleet}\u200b", f"\x00{world.fleet}"):
        assert outcome(email) == "refusée"
    assert outcome(world.fleet) == "freinée"


def test_a_success_forgets_the_guesses_before_it(world):
    give_password(world.fleet)
    for _ in range(3):
        for _ in range(throttling.PERSON.free - 1):
            assert outcome(world.fleet) == "refusée"
        assert outcome(world.fleet, PASSWORD) == "ouverte"


def test_guessing_one_account_from_many_addresses_is_slowed_down(world):
    give_password(world.fleet)
    for number in range(throttling.ACCOUNT.free):
        assert outcome(world.fleet, address=f"198.51.100.{number}") == "refusée"
    assert outcome(world.fleet, PASSWORD, address="198.51.100.200") == "freinée"


def test_who_is_attacked_from_elsewhere_still_gets_in_from_where_they_work(world):
    """No lock: otherwise anybody who knows an address could shut its owner out."""
    give_password(world.fleet)
    sign_in(world.fleet, address="192.0.2.1")
    for number in range(2 * throttling.ACCOUNT.free):
        outcome(world.fleet, address=f"198.51.100.{number}")
    assert outcome(world.fleet, PASSWORD, address="198.51.100.200") == "freinée"
    assert outcome(world.fleet, PASSWORD, address="192.0.2.1") == "ouverte"
    assert outcome(world.fleet, PASSWORD, address="192.0.2.2", as_of=AS_OF + throttling.LONGEST) == "ouverte"


def test_guessing_many_accounts_from_one_address_is_slowed_down(world):
    give_password(world.fleet)
    for number in range(throttling.ADDRESS.free):
        assert outcome(f"personne{number}@ailleurs.example") == "refusée"
    assert outcome(world.fleet, PASSWORD) == "freinée"
    assert outcome(world.fleet, PASSWORD, address="192.0.2.2") == "ouverte"


def test_the_whole_half_of_an_ipv6_address_is_one_address(world):
    for number in range(throttling.ADDRESS.free):
        assert outcome(f"personne{number}@ailleurs.example", address=f"2001:db8:1:2::{number:x}") == "refusée"
    assert outcome(world.fleet, address="2001:db8:1:2:ffff::1") == "freinée"
    assert outcome(world.fleet, address="2001:db8:1:3::1") == "refusée"


def test_colleagues_behind_one_address_sign_in_all_day(world):
    """Successes are given back: they use up neither their address nor their account."""
    give_password(world.fleet)
    for _ in range(throttling.ADDRESS.free + throttling.ACCOUNT.free):
        assert outcome(world.fleet, PASSWORD) == "ouverte"
    assert outcome(world.both) == "refusée"


def test_guesses_sent_at_once_do_not_slip_through(app, world):
    def guess(_: int) -> str:
        with app.app_context():
            return outcome(world.fleet)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(guess, range(24))).count("refusée") == throttling.PERSON.free


def test_a_refusal_costs_the_same_with_and_without_an_account(world, monkeypatch):
    """User enumeration by time: the same statements, one verification of a password each."""
    give_password(world.fleet)
    outcome("echauffement@ailleurs.example", address="192.0.2.9")
    verified = []
    verify = passwords.verify

    def counting(password_hash, password):
        verified.append(password)
        return verify(password_hash, password)

    monkeypatch.setattr(passwords, "verify", counting)
    blocking.block_user(actor(world.admin), actor(world.both).user_id, AS_OF)
    users.suspend_user(actor(world.admin), actor(world.fines).user_id, AS_OF)
    asked = [world.fleet, UNKNOWN, world.both, world.fines, "pas une adresse"]
    costs = [statements_of(lambda email=email: outcome(email, f"{WRONG} {email}")) for email in asked]
    assert all(cost == costs[0] for cost in costs)
    assert verified == [f"{WRONG} {email}" for email in asked]


def test_every_attempt_is_noted(world):
    """C11: known and unknown alike, with the address and the device that it came from."""
    give_password(world.fleet)
    blocking.block_user(actor(world.admin), actor(world.both).user_id, AS_OF)
    outcome(world.fleet, PASSWORD)
    for _ in range(throttling.PERSON.free + 1):
        outcome(UNKNOWN)
    outcome(world.both)
    with platform_session("tests") as session:
        query = select(SignInEvent.outcome, SignInEvent.identity_id.is_not(None), func.count())
        noted = {tuple(row) for row in session.execute(query.group_by(*query.selected_columns[:2]))}
        assert set(session.execute(select(SignInEvent.address, SignInEvent.device).distinct()).all()) == {
            ("192.0.2.1", FIREFOX)
        }
    assert noted == {("reussie", True, 1), ("refusee", False, 5), ("freinee", False, 1), ("bloquee", True, 1)}


@pytest.mark.parametrize("forged", ["198.51.100.1", "1.2.3.4\r\nX-Admin: 1", "<script>", "x" * 5000])
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(client, world, frozen, forged):
    """Forwarded headers: without a proxy of ours, what a request says of its origin is not believed."""
    sent = {"X-Forwarded-For": re.sub(r"[\r\n]", " ", forged), "X-Real-Ip": "9.9.9.9", "Forwarded": "for=9.9.9.9"}
    for _ in range(throttling.PERSON.free):
        client.post("/connexion", data={"email": world.fleet, "password": WRONG}, headers=sent)
    assert "Trop d’essais" in post(client, world.fleet, address="127.0.0.1").text
    with platform_session("tests") as session:
        assert set(session.scalars(select(SignInEvent.address))) == {"127.0.0.1"}


@pytest.mark.parametrize("field", ["email", "address", "device"])
def test_lines_and_invisible_signs_end_in_no_row(world, caplog, field):
    """Header and log injection, by the address, by what a proxy said, by the browser's name of itself."""
    poison = "x\r\nSet-Cookie: a=b\x00\x1b[2J\u202e" + "y" * 5000
    values = {"email": UNKNOWN, "password": WRONG, "address": "192.0.2.1", "device": FIREFOX}
    with pytest.raises(Refused):
        signing_in.sign_in(**{**values, field: poison}, as_of=AS_OF)
    with platform_session("tests") as session:
        [event] = session.scalars(select(SignInEvent))
    assert event.address.isprintable()
    assert event.device.isprintable()
    assert "Set-Cookie" not in caplog.text
