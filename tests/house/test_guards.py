"""What stands between a session and a page beside rights: the second factor, and proving again who one is."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from eprunes.accounts import sessions
from eprunes.accounts.models import Identity, UserSession
from eprunes.accounts.permissions import CONFIRMED_FOR, SENT_WITHIN, Pending
from eprunes.core.database import platform_session
from tests.accounts.factors import open_by_password
from tests.house import roles
from tests.house.canaries import contents, provider_ids
from tests.house.roles import ADMIN, FLEET, OPERATOR
from tests.house.rows import counted
from tests.house.test_matrix import WHO, is_let_in
from tests.support.routes import calls
from tests.support.worlds import AS_OF, open_session

ASKS_AGAIN = {
    "accounts.accept_handover", "accounts.cancel_handover", "accounts.change_second_factor",
    "accounts.remove_second_factor", "accounts.renew_recovery_codes", "admin.act_on_user", "admin.change_rights",
    "admin.export_journal", "admin.invite", "admin.start_handover", "fines.export", "fines.export_figures",
    "fines.export_csv",
    "fines.export_answers", "fines.export_answers_csv",
    "fleet.export_driver_assignments",
    "fleet.export_drivers", "fleet.export_due_dates", "fleet.export_fleet", "fleet.export_vehicle_assignments",
    "fleet.export_vehicles", "fleet.export_vehicles_csv", "fleet.export_drivers_csv", "fleet.export_due_dates_csv",
    "provider.add_offence", "provider.block_account", "provider.cancel_succession", "provider.change_offence",
    "provider.lift_second_factor", "provider.remove_offence", "provider.replace_offence", "provider.start_visit",
    "provider.succession", "provider.unblock_account",
}  # fmt: skip
"""Exports, rights, hand-overs, accounts, second factors, visits: a quarter of an hour after the last proof."""
BEFORE_THE_SECOND_FACTOR = {
    "accounts.give_code", "accounts.give_recovery_code", "accounts.set_up_second_factor", "accounts.sign_out",
}  # fmt: skip
PAGES = {Pending.CODE: "/connexion/code", Pending.SET_UP: "/connexion/double-authentification"}


def is_asked(browser, endpoint: str, method: str, path: str) -> bool:
    return endpoint != "accounts.confirm_by_code" and leads_to(browser.open(path, method=method), "/confirmation")


@pytest.mark.parametrize("role", [ADMIN, OPERATOR])
def test_what_can_harm_asks_again_who_one_is(app, world, people, frozen, role):
    """Step-up: the list is closed, a second before the quarter of an hour and at it; a form that was opened in time
    may be sent during as long again."""
    ids = contents(world) | provider_ids(world)
    entered = [(*call, people[role]) for call in calls(app, ids) if is_let_in(call[0], role)]
    pages = [(endpoint, path, browser) for endpoint, method, path, browser in entered if method == "GET"]
    sent = [(endpoint, path, browser) for endpoint, method, path, browser in entered if method == "POST"]
    asking = {endpoint for endpoint in ASKS_AGAIN if is_let_in(endpoint, role)}
    with_page = {endpoint for endpoint, _, _ in pages}
    frozen.move_to(AS_OF + CONFIRMED_FOR - timedelta(seconds=1))
    assert not [endpoint for endpoint, path, browser in pages if is_asked(browser, endpoint, "GET", path)]
    frozen.move_to(AS_OF + CONFIRMED_FOR)
    asked = {endpoint for endpoint, path, browser in pages if is_asked(browser, endpoint, "GET", path)}
    bare = [one for one in sent if one[0] in asking - with_page]
    asked |= {endpoint for endpoint, path, browser in bare if is_asked(browser, endpoint, "POST", path)}
    assert asked == asking
    frozen.move_to(AS_OF + SENT_WITHIN)
    late = [one for one in sent if one[0] in asking]
    assert [endpoint for endpoint, path, browser in late if not is_asked(browser, endpoint, "POST", path)] == []


def leads_to(answer, page: str) -> bool:
    return answer.status_code == 302 and answer.headers["Location"].partition("?")[0] == page


def session_without_factor(email: str, pending: Pending) -> str:
    """A session of somebody who has given the password and nothing more, whether or not a factor is set up."""
    is_set = AS_OF if pending is Pending.CODE else None
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == email).values(totp_confirmed_at=is_set))
    return open_by_password(email)


@pytest.mark.parametrize(
    ("role", "pending"),
    [
        (FLEET, Pending.CODE), (ADMIN, Pending.CODE), (OPERATOR, Pending.CODE),
        (ADMIN, Pending.SET_UP), (OPERATOR, Pending.SET_UP),
    ],
)  # fmt: skip
def test_before_the_second_factor_no_address_opens_anything(app, world, frozen, role, pending):
    """C3.2-a, the second factor skipped by URL: every route, both methods, with ids that exist; nothing is changed."""
    roles.add_operator()
    ids = contents(world) | provider_ids(world)
    browser = roles.browser_of(app, session_without_factor(roles.emails(world)[role], pending))
    before = counted(world)
    for endpoint, method, path in calls(app, ids):
        if WHO[endpoint] is not None and endpoint not in BEFORE_THE_SECOND_FACTOR:
            assert leads_to(browser.open(path, method=method), PAGES[pending]), (method, endpoint)
    assert counted(world) == before


def test_a_blocked_account_is_shut_even_where_a_session_of_it_is_still_open(world, frozen):
    """C3.3-d, the second bolt: whatever left a session open, the account is asked at every request."""
    token = open_session(world.fleet)
    assert sessions.actor_for(token, AS_OF)
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == world.fleet).values(blocked_at=AS_OF))
    assert sessions.actor_for(token, AS_OF) is None


def test_a_users_session_never_reads_as_an_operators(world, frozen):
    """A token that names no client is an operator's: one whose account is a user's opens nothing."""
    token = f"{'x' * 43}."
    opened = sessions.hash_of(open_session(world.fleet))
    with platform_session("tests", write=True) as session:
        mine = update(UserSession).where(UserSession.token_hash == opened)
        session.execute(mine.values(token_hash=sessions.hash_of(token)))
    assert sessions.actor_for(token, AS_OF) is None
