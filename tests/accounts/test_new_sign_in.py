"""The mail that tells of a sign-in from where one never was: « Ce n’est pas moi » (C3.3-d)."""

from datetime import timedelta

import pytest

from eprunes.accounts.services import signing_in
from eprunes.core.refusals import Refused
from tests.support import letters
from tests.support.worlds import AS_OF, PASSWORD, give_password

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
UPDATED = "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"


@pytest.fixture
def fleet(world) -> str:
    """Somebody who signed in once, with Firefox, from 192.0.2.1."""
    give_password(world.fleet)
    sign_in(world.fleet)
    return world.fleet


def sign_in(
    email: str, device: str = FIREFOX, address: str = "192.0.2.1", password: str = PASSWORD, as_of=AS_OF
) -> str:
    return signing_in.sign_in(email=email, password=password, address=address, device=device, as_of=as_of)


def told() -> int:
    return len(letters.queued("new_sign_in"))


def test_the_first_sign_in_ever_is_expected(fleet):
    assert told() == 0


@pytest.mark.parametrize(
    ("device", "address", "is_new"),
    [
        (FIREFOX, "192.0.2.1", False),
        (UPDATED, "192.0.2.1", False),
        (CHROME, "192.0.2.1", True),
        (FIREFOX, "192.0.2.2", True),
        ("", "192.0.2.1", True),
    ],
)
def test_the_owner_is_told_of_a_place_that_is_new(fleet, device, address, is_new):
    sign_in(fleet, device, address)
    assert told() == is_new
    sign_in(fleet, device, address)
    assert told() == is_new


def test_another_address_of_the_same_ipv6_network_is_no_new_place(fleet):
    for address, count in (("2001:db8:1:2::1", 1), ("2001:db8:1:2:ffff::1", 1), ("2001:db8:1:3::1", 2)):
        sign_in(fleet, address=address)
        assert told() == count


@pytest.mark.parametrize(("days", "is_new"), [(364, False), (365, True)])
def test_a_place_is_remembered_for_twelve_months(fleet, days, is_new):
    later = AS_OF + timedelta(days=days)
    sign_in(fleet, CHROME, as_of=later - timedelta(hours=1))
    before = told()
    sign_in(fleet, as_of=later)
    assert told() - before == is_new


def test_a_failure_tells_nobody(fleet):
    with pytest.raises(Refused):
        sign_in(fleet, CHROME, password="pas le bon")
    assert told() == 0


def test_the_mail_says_when_where_and_what_to_do(fleet, client, frozen):
    sign_in(fleet, CHROME, "198.51.100.9")
    [letter] = letters.queued("new_sign_in")
    assert letter.to == fleet
    assert letter.is_delivered
    assert "mar. 3 mars 2026, 10:00 (heure de Paris)" in letter.text
    assert "Chrome sur Windows, adresse 198.51.100.9" in letter.text
    assert "Ce n’est pas moi" in letter.html
    assert client.get(letter.path).status_code == 200


def test_nothing_that_a_browser_says_of_itself_is_repeated_in_the_mail(fleet):
    """A mail of ours must not carry a stranger's words, nor lines of a header."""
    sign_in(fleet, "Firefox/1 Compte bloqué, appelez http://evil.example\r\nBcc: tous@evil.example", "evil.example")
    [letter] = letters.queued("new_sign_in")
    assert "evil" not in (letter.text + letter.html + letter.subject).replace("adresse evil.example", "")
