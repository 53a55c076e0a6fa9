"""The number of vehicles of the order form is never passed, whoever comes at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest

from eprunes.accounts import quota
from eprunes.accounts.quota import QuotaExceeded
from eprunes.accounts.services import clients
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from tests.support.worlds import AS_OF, make_world


@pytest.fixture
def own(app):
    return make_world(vehicles=5).organisation_id


def take(organisation_id, places, as_of=AS_OF):
    with tenant_session(organisation_id, write=True) as session:
        quota.take(session, places, as_of)


def used_and_allowed(organisation_id, as_of=AS_OF):
    with tenant_session(organisation_id) as session:
        return quota.usage(session, as_of)


def test_places_are_taken_up_to_the_order_form_and_not_one_more(own):
    """C4.1-a"""
    take(own, 4)
    take(own, 1)
    assert used_and_allowed(own) == (5, 5)
    with pytest.raises(QuotaExceeded, match="prévoit 5 véhicules et 5 sont déjà enregistrés"):
        take(own, 1)
    assert used_and_allowed(own) == (5, 5)


def test_a_batch_that_does_not_fit_takes_nothing(own):
    """C4.1-a"""
    take(own, 3)
    with pytest.raises(QuotaExceeded, match=r"il reste 2 places, il en faudrait 3\.") as refusal:
        take(own, 3)
    assert (refusal.value.used, refusal.value.allowed) == (3, 5)
    assert used_and_allowed(own)[0] == 3


def test_places_given_back_can_be_taken_again(own):
    take(own, 5)
    take(own, -2)
    take(own, 0)
    take(own, 2)
    assert used_and_allowed(own) == (5, 5)


def test_a_failed_transaction_gives_its_places_back(own):
    def fail():
        with tenant_session(own, write=True) as session:
            quota.take(session, 2, AS_OF)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert used_and_allowed(own) == (0, 5)


def test_of_users_who_come_at_once_only_as_many_pass_as_there_are_places(app, own):
    """C4.1-a"""
    comers = 8
    together = Barrier(comers)

    def come():
        with app.app_context():
            together.wait()
            try:
                take(own, 1)
            except QuotaExceeded:
                return False
            return True

    with ThreadPoolExecutor(comers) as pool:
        passed = [future.result() for future in [pool.submit(come) for _ in range(comers)]]
    assert passed.count(True) == 5
    assert used_and_allowed(own) == (5, 5)


def test_a_new_order_form_counts_from_its_day_on(own):
    """C4.1-b: in Paris, whatever the hour in UTC."""
    starts = date(2026, 3, 5)
    clients.new_order_form(organisation_id=own, vehicles=8, tools=("fleet",), effective_from=starts, as_of=AS_OF)
    last_second = AS_OF.replace(day=4, hour=22, minute=59, second=59)
    assert used_and_allowed(own, last_second)[1] == 5
    assert used_and_allowed(own, last_second + timedelta(seconds=1))[1] == 8
    with pytest.raises(QuotaExceeded):
        take(own, 6, last_second)
    take(own, 6, last_second + timedelta(seconds=1))


def test_before_the_first_order_form_no_place_is_allowed(own):
    """C4.1-b"""
    take(own, 2)
    assert used_and_allowed(own, AS_OF - timedelta(days=1)) == (2, 0)
    assert used_and_allowed(own) == (2, 5)


def test_a_smaller_order_form_keeps_what_is_there_and_admits_nothing_new(own):
    """C4.1-a, C4.1-b"""
    take(own, 5)
    clients.new_order_form(organisation_id=own, vehicles=3, tools=("fleet",), effective_from=AS_OF.date(), as_of=AS_OF)
    with pytest.raises(QuotaExceeded, match="il reste 0 place, il en faudrait 1"):
        take(own, 1)
    take(own, -2)
    with pytest.raises(QuotaExceeded):
        take(own, 1)
    take(own, -1)
    take(own, 1)
    assert used_and_allowed(own) == (3, 3)


@pytest.mark.parametrize(
    ("vehicles", "tools", "day", "field"),
    [
        (-1, ("fleet",), AS_OF.date(), "vehicles"),
        (3, (), AS_OF.date(), "tools"),
        (3, ("fleet", "trucks"), AS_OF.date(), "tools"),
        (3, ("fleet",), AS_OF.date() - timedelta(days=1), "effective_from"),
    ],
)
def test_an_order_form_that_makes_no_sense_or_rewrites_the_past_is_refused(own, vehicles, tools, day, field):
    """C4.1-b"""
    with pytest.raises(Refused) as refusal:
        clients.new_order_form(organisation_id=own, vehicles=vehicles, tools=tools, effective_from=day, as_of=AS_OF)
    assert refusal.value.field == field
    assert used_and_allowed(own) == (0, 5)
