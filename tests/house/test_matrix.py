"""Every route × every role, with own, foreign and missing ids: nobody goes too far, and nothing leaks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from eprunes.accounts.services import clients, users
from eprunes.antai import review
from eprunes.fleet.importing import tasks
from eprunes.fleet.importing.running import template_workbook
from eprunes.fleet.services import assignments, drivers
from tests.fines.test_pages import post_notice
from tests.fleet.fleets import COMPLETE, add_vehicle
from tests.support.routes import MISSING, calls
from tests.support.worlds import AS_OF, actor, make_world, open_session

CANARIES = (
    "CanariNom", "CANARINOM", "CanariSite", "CanariMarque", "7777777777", "CanariFichier", "CanariPersonne",
    "client1.example",
)  # fmt: skip

FLEET, FINES, BOTH, ADMIN, OPERATOR = "parc", "contraventions", "deux", "admin", "exploitant"
ANYONE_SIGNED_IN = {FLEET, FINES, BOTH, ADMIN, OPERATOR}
WITH_FLEET, WITH_FINES = {FLEET, BOTH, ADMIN}, {FINES, BOTH, ADMIN}

# Who may enter each route. A route without an entry here fails the suite.
WHO = {
    "accounts.sign_in": None,
    "health.alive": None,
    "health.ready": None,
    "wellknown.security": None,
    "accounts.sign_out": ANYONE_SIGNED_IN,
    **dict.fromkeys(
        (
            "accounts.confirm", "accounts.confirm_by_code", "accounts.give_code", "accounts.give_recovery_code",
            "accounts.set_up_second_factor", "accounts.change_second_factor", "accounts.remove_second_factor",
            "accounts.renew_recovery_codes", "accounts.account", "accounts.change_password", "accounts.open_sessions",
            "accounts.end_session", "accounts.end_other_sessions",
        ), ANYONE_SIGNED_IN,
    ),
    "home.home": ANYONE_SIGNED_IN,
    **dict.fromkeys(("accounts.invitation", "accounts.forgotten", "accounts.reset", "accounts.not_me"), None),
    **dict.fromkeys(
        ("accounts.handover", "accounts.accept_handover", "accounts.decline_handover", "accounts.cancel_handover"),
        ANYONE_SIGNED_IN,
    ),
    **dict.fromkeys(
        (
            "admin.export_journal", "admin.journal_head",
            "admin.users", "admin.journal", "admin.user", "admin.invite", "admin.change_rights", "admin.act_on_user",
            "admin.start_handover",
        ), {ADMIN},
    ),
    **dict.fromkeys(
        (
            "provider.clients", "provider.to_review", "provider.replay", "provider.dismiss", "provider.start_visit",
            "provider.end_visit", "provider.accounts", "provider.account", "provider.block_account",
            "provider.unblock_account", "provider.lift_second_factor", "provider.succession",
            "provider.cancel_succession",
        ), {OPERATOR},
    ),
    "antai.exchanges": WITH_FLEET,
    **dict.fromkeys(
        (
            "fines.inbox", "fines.export", "fines.notice_page", "fines.designate", "fines.report_impossible",
            "fines.file_notice", "fines.reopen_notice", "fines.back_to_notice",
        ), WITH_FINES,
    ),
    **dict.fromkeys(
        (
            "fleet.vehicles", "fleet.vehicle", "fleet.add_vehicle", "fleet.change_vehicle", "fleet.leave_fleet",
            "fleet.return_to_fleet", "fleet.assign", "fleet.hand_over", "fleet.drivers", "fleet.driver",
            "fleet.add_driver", "fleet.change_driver", "fleet.driver_left", "fleet.correct_assignment",
            "fleet.cancel_assignment", "fleet.end_assignment", "fleet.export_fleet", "fleet.export_vehicles",
            "fleet.export_drivers", "fleet.export_vehicle_assignments", "fleet.export_driver_assignments",
            "fleet_import.upload", "fleet_import.template", "fleet_import.progress", "fleet_import.confirm",
            "fleet_import.cancel", "fleet_import.refused",
        ), WITH_FLEET,
    ),
}  # fmt: skip
NAMING_WHAT_IS_MISSING = {
    "provider.dismiss", "provider.start_visit", "provider.account", "provider.block_account",
    "provider.unblock_account", "provider.lift_second_factor", "provider.succession",
}  # fmt: skip
"""An operator's pages on any client: their ids are missing in `contents`, their own tests open them."""
SEARCHED = {"fines.inbox", "fleet.vehicles", "fleet.drivers", "fleet.export_vehicles", "fines.export"}
SEARCHES = ("?q=Canari", "?q=7777777777", "?q=FY074KE")


def contents(world) -> dict[str, str]:
    """One of everything that has an id in a route, marked with canaries."""
    boss = actor(world.admin)
    vehicle = add_vehicle(world, "FY-074-KE", make="CanariMarque", site="CanariSite")
    person = replace(COMPLETE, last_name="CanariNom")
    driver = drivers.add_driver(actor=boss, details=person, staff_number="E1", as_of=AS_OF)
    since = AS_OF - timedelta(days=90)
    assignment = assignments.assign(actor=boss, vehicle_id=vehicle, driver_id=driver, starts_at=since, as_of=AS_OF)
    task = tasks.start_import(actor=boss, filename="CanariFichier.xlsx", content=template_workbook(), as_of=AS_OF)
    notice = post_notice(world, vehicle, "7777777777")
    ids = {"vehicle_id": vehicle, "driver_id": driver, "assignment_id": assignment}
    ids |= {"task_id": task, "notice_id": notice, "session_id": boss.session_id}
    email = f"tiers@{world.admin.partition('@')[2]}"
    who = {"organisation_id": world.organisation_id, "email": email, "display_name": "CanariPersonne"}
    person = users.create_user(**who, fleet=True, fines=False, as_of=AS_OF)
    ids["user_id"] = person
    return {name: str(one) for name, one in ids.items()}


@pytest.fixture
def people(app, world, frozen):
    """A browser for each role of the first organisation, and one that is not signed in."""
    users.create_operator(email="exploitant@exploitation.example", as_of=AS_OF)
    emails = {FLEET: world.fleet, FINES: world.fines, BOTH: world.both, ADMIN: world.admin}
    emails[OPERATOR] = "exploitant@exploitation.example"
    browsers = {None: app.test_client()}
    for role, email in emails.items():
        browsers[role] = app.test_client()
        browsers[role].set_cookie(app.config["EPRUNES_SESSION_COOKIE"], open_session(email), domain="localhost")
    return browsers


def test_every_route_has_its_entry_here(installed_app):
    assert {endpoint for endpoint, _, _ in calls(installed_app)} == set(WHO)


def test_each_role_enters_what_its_right_opens_and_nothing_else(app, world, people):
    """C3.2-c: the fleet tool, the fines tool, or both; C3.2-a: the administrator holds every tool."""
    ids = contents(world)
    for role, browser in people.items():
        for endpoint, method, path in calls(app, ids):
            if endpoint in NAMING_WHAT_IS_MISSING:
                continue
            if method == "POST":
                continue
            status = browser.open(path, method=method).status_code
            who = WHO[endpoint]
            if role is None:
                assert status == (200 if who is None else 302), (role, endpoint)
            elif who is None or role in who:
                assert status in (200, 302, 404) if endpoint == "fleet_import.refused" else status in (200, 302), (
                    role,
                    endpoint,
                    status,
                )
            else:
                assert status == 404, (role, endpoint)


def test_a_post_without_the_right_answers_404_and_changes_nothing(app, world, people):
    ids = contents(world)
    for role, browser in people.items():
        for endpoint, method, path in calls(app, ids):
            who = WHO[endpoint]
            if method != "POST" or who is None or role in who:
                continue
            assert browser.post(path).status_code == (302 if role is None else 404), (role, endpoint)


def test_a_foreign_id_answers_exactly_as_a_missing_one(app, world, people):
    """Decision 1 and the tenant rule, for every route with an id, both methods, every role."""
    theirs = contents(make_world(1))
    missing = dict.fromkeys(theirs, MISSING)
    for role in (FLEET, FINES, BOTH, ADMIN, OPERATOR):
        pairs = zip(calls(app, theirs), calls(app, missing), strict=True)
        for (endpoint, method, path), (_, _, absent_path) in pairs:
            if path == absent_path:
                continue
            foreign = people[role].open(path, method=method)
            absent = people[role].open(absent_path, method=method)
            assert foreign.status_code == absent.status_code == 404, (role, method, endpoint)
            assert foreign.data == absent.data, (role, method, endpoint)


def test_no_page_and_no_file_shows_the_other_organisations_canaries(app, world, people, caplog):
    contents(make_world(1))
    for role, browser in people.items():
        for endpoint, method, path in calls(app):
            if method != "GET":
                continue
            for search in ("", *(SEARCHES if endpoint in SEARCHED else ())):
                answer = browser.get(path + search)
                text = answer.get_data(as_text=False).decode("utf-8", "replace").replace(search[3:] or "\0", "")
                for canary in CANARIES:
                    assert canary not in text, (role, endpoint, canary)
    for canary in CANARIES:
        assert canary not in caplog.text


def test_users_of_an_ended_contract_enter_nothing(app, world, people, frozen):
    """C3.4, C12.3-a."""
    ids = contents(world)
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    frozen.move_to(AS_OF + timedelta(days=1))
    for role in (FLEET, FINES, BOTH, ADMIN):
        for endpoint, method, path in calls(app, ids):
            if WHO[endpoint] is None:
                continue
            answer = people[role].open(path, method=method)
            assert answer.status_code == 302, (role, endpoint)
            assert "/connexion" in answer.headers["Location"]


def test_the_operator_settles_records_that_are_waiting(app, people):
    review.keep({"numeroAco": "1"}, "Illisible.", AS_OF)
    [(record, _)] = review.list_waiting()
    assert people[OPERATOR].get(f"/exploitation/a-examiner/{record.id}/ecarter").status_code == 200
    assert people[OPERATOR].post(f"/exploitation/a-examiner/{record.id}/ecarter").status_code == 302
    assert review.count_waiting() == 0
