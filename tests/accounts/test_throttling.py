"""The brake on guessing: its rule, and that nothing slips through on either database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from eprunes.accounts import throttling
from eprunes.accounts.models import Throttle
from eprunes.accounts.throttling import (
    ACCOUNT,
    ADDRESS,
    LONGEST,
    MAILBOX,
    PERSON,
    Attempt,
    Count,
    Limits,
    counted,
    network_of,
)
from eprunes.core.database import platform_session
from eprunes.core.refusals import Refused
from tests.accounts.factors import at_once
from tests.support.worlds import AS_OF

MINUTE = timedelta(minutes=1)


def take(*parts: str, minutes: float = 0, **options) -> None:
    throttling.take("essais", *parts, as_of=AS_OF + minutes * MINUTE, **options)


def is_closed(*parts: str, minutes: float = 0) -> bool:
    try:
        take(*parts, minutes=minutes)
    except Refused:
        return True
    return False


def test_the_first_attempts_are_free_then_the_delays_grow(app):
    for _ in range(PERSON.free):
        take("a")
    now = 0.0
    for delay in (1, 2, 4, 8, 15, 15, 15):
        with pytest.raises(Refused) as refusal:
            take("a", minutes=now)
        plural = "s" if delay > 1 else ""
        assert str(refusal.value) == f"Trop d’essais\u00a0: réessayez dans {delay}\u00a0minute{plural}."
        assert is_closed("a", minutes=now + delay - 0.01)
        now += delay
        take("a", minutes=now)


def test_the_minutes_named_are_rounded_up(app):
    for _ in range(PERSON.free + 1):
        is_closed("a")
    take("a", minutes=1)
    with pytest.raises(Refused, match="dans 2\u00a0minutes"):
        take("a", minutes=1.5)


def test_what_the_brake_refuses_makes_it_no_longer(app):
    """Otherwise whoever knows an address could shut its owner out for ever."""
    for _ in range(100):
        is_closed("a")
    take("a", minutes=1)


@given(st.lists(st.floats(0, 2000), max_size=80), st.sampled_from([PERSON, ACCOUNT, ADDRESS, MAILBOX]))
def test_nobody_ever_waits_longer_than_fifteen_minutes(pauses, limits):
    count, now = Count(0, AS_OF), AS_OF
    for pause in pauses:
        now += pause * MINUTE
        if not throttling.wait_for(count, now):
            count = counted(count, limits, now)
        assert throttling.wait_for(count, now) <= LONGEST


def test_time_forgives_one_attempt_after_the_other():
    count = Count(4, AS_OF)
    before = AS_OF + PERSON.forgiven_every - timedelta(seconds=1)
    assert counted(count, PERSON, before).failures == 5
    assert counted(count, PERSON, before + timedelta(seconds=1)).failures == 4
    assert counted(count, PERSON, AS_OF + timedelta(days=9)).failures == 1


def test_a_clock_that_ran_ahead_shuts_nobody_out(app):
    """A demo's clock, 45 days ahead, then right again."""
    for _ in range(PERSON.free):
        take("a", minutes=45 * 24 * 60)
    take("a")


def test_a_success_forgets_the_attempts_before_it(app):
    for _ in range(PERSON.free):
        take("a")
    assert is_closed("a")
    throttling.clear("essais", "a")
    take("a")


def test_each_thing_is_counted_by_itself(app):
    for _ in range(PERSON.free):
        take("a")
    take("b")
    take("a", "b")
    throttling.take("autre", "a", as_of=AS_OF)
    assert is_closed("a")


def test_an_attempt_refused_for_one_reason_counts_for_none(app):
    tight, wide = Attempt("compte", ("a",)), Attempt("adresse", ("b",), ADDRESS)
    for _ in range(PERSON.free):
        throttling.take_each([tight], AS_OF)
    for _ in range(ADDRESS.free):
        with pytest.raises(Refused):
            throttling.take_each([tight, wide], AS_OF)
    throttling.take_each([wide], AS_OF)


def test_an_attempt_given_back_opens_what_it_shut(app):
    whole = Attempt("essais", ("a",), PERSON)
    for _ in range(PERSON.free):
        take("a")
    with platform_session("tests", write=True) as session:
        throttling.give_back(session, [whole])
    take("a")
    assert is_closed("a")


def test_parallel_attempts_do_not_slip_through(app):
    """Guesses sent at once: as many as are free are let through, not one more."""

    def try_once(_: int) -> bool:
        with app.app_context():
            return not is_closed("a")

    with ThreadPoolExecutor(8) as pool:
        let_through = sum(pool.map(try_once, range(40)))
    assert let_through == PERSON.free


def test_parallel_attempts_on_the_same_things_wait_for_each_other(app):
    """Counted under several fingerprints each, in any order: no deadlock."""
    pairs = [Attempt("x", (str(number),), ADDRESS) for number in range(4)]

    def try_once(number: int) -> None:
        with app.app_context():
            throttling.take_each(pairs if number % 2 else reversed(pairs), AS_OF)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(try_once, range(32)))
    with platform_session("tests") as session:
        assert set(session.scalars(select(Throttle.failures))) == {32}


def test_a_success_elsewhere_never_breaks_an_attempt(app):
    """What a success strikes out may be what an attempt has just looked at."""

    many = Limits(free=10_000, forgiven_every=timedelta(minutes=5))

    def try_or_succeed(number: int) -> None:
        for _ in range(60):
            if number:
                throttling.take("x", "a", as_of=AS_OF, limits=many)
            else:
                throttling.clear("x", "a")

    assert at_once(app, try_or_succeed, 3) == [None] * 3


def test_the_database_knows_neither_addresses_nor_accounts(app):
    take("parc@client0.example", "192.0.2.7")
    with platform_session("tests") as session:
        [row] = session.scalars(select(Throttle))
    assert len(row.key) == 32
    assert b"client0" not in row.key


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("", "?"),
        ("192.0.2.7\r\nX-Admin: 1", "?"),
        ("n’importe quoi", "?"),
    ],
)
def test_an_ipv6_customer_is_one_address_whatever_its_last_half(address, network):
    assert network_of(address) == network
