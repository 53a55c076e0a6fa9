"""Every route × method × role, with own, foreign and missing ids: nobody goes too far (C3.2-a, C3.2-c)."""

from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy import update

from eprunes.accounts.models import Organisation, OrganisationState
from eprunes.accounts.permissions import PERMISSIONS, Right
from eprunes.accounts.services import clients
from eprunes.antai import review
from eprunes.core.database import platform_session
from tests.house import roles
from tests.house.canaries import contents, provider_ids
from tests.house.roles import ADMIN, ANONYMOUS, BOTH, FINES, FLEET, OF_A_CLIENT, OPERATOR
from tests.house.rows import counted
from tests.support.routes import MISSING, calls
from tests.support.worlds import AS_OF, make_world

ANYONE_SIGNED_IN = {FLEET, FINES, BOTH, ADMIN, OPERATOR}
WITH_FLEET, WITH_FINES = {FLEET, BOTH, ADMIN}, {FINES, BOTH, ADMIN}

RIGHTS = {
    FLEET: {Right.FLEET}, FINES: {Right.FINES}, BOTH: {Right.FLEET, Right.FINES}, OPERATOR: {Right.OPERATOR},
    ADMIN: {Right.ADMINISTRATOR, Right.FLEET, Right.FINES},
}  # fmt: skip

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
    "fines.driver_request": None,
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
            "provider.cancel_succession", "provider.catalogue", "provider.add_offence", "provider.change_offence",
            "provider.replace_offence", "provider.remove_offence",
        ), {OPERATOR},
    ),
    **dict.fromkeys(
        ("fines.letters", "fines.print_letters", "fines.letter_posted", "fines.export_answers",
         "fines.export_answers_csv"), {ADMIN},
    ),
    "antai.exchanges": WITH_FLEET,
    **dict.fromkeys(
        (
            "fines.figures", "fines.export_figures",
            "fines.bulk", "fines.bulks", "fines.bulk_task", "fines.confirm_bulk", "fines.cancel_bulk",
            "fines.bulk_result",
            "fines.export_csv", "fines.vehicle_notices",
            "fines.inbox", "fines.export", "fines.notice_page", "fines.designate", "fines.report_impossible",
            "fines.file_notice", "fines.reopen_notice", "fines.back_to_notice",
            "fines.add_note", "fines.choose_vehicle", "fines.add_file", "fines.notice_file", "fines.remove_file",
            "fines.correction", "fines.correct", "fines.correct_impossible", "fines.back_to_correction",
            "accounts.mails", "fines.ask_driver", "fines.driver_reply", "fines.revoke_request",
            "fines.type_in", "fines.type_in_number", "fines.correct_typed", "fines.note_paper", "fines.reconcile",
            "fines.export_reconciled",
        ), WITH_FINES,
    ),
    **dict.fromkeys(
        (
            "fleet.vehicles", "fleet.vehicle", "fleet.add_vehicle", "fleet.change_vehicle", "fleet.leave_fleet",
            "fleet.return_to_fleet", "fleet.bulk", "fleet.bulks", "fleet.bulk_task", "fleet.confirm_bulk",
            "fleet.cancel_bulk", "fleet.bulk_result", "fleet.assign", "fleet.hand_over", "fleet.choose_vehicle",
            "fleet.drivers", "fleet.driver",
            "fleet.vehicle_documents", "fleet.add_vehicle_document", "fleet.driver_documents",
            "fleet.add_driver_document", "fleet.document", "fleet.remove_document",
            "fleet.add_driver", "fleet.change_driver", "fleet.driver_left", "fleet.duplicates",
            "fleet.merge_driver", "fleet.declare_distinct", "fleet.distinct_drivers", "fleet.undo_distinct",
            "fleet.remove_vehicle", "fleet.remove_driver",
            "fleet.correct_assignment",
            "fleet.due_dates", "fleet.export_due_dates", "fleet.vehicle_due_dates", "fleet.driver_due_dates",
            "fleet.export_due_dates_csv",
            "fleet.add_vehicle_due_date", "fleet.add_driver_due_date", "fleet.change_due_date", "fleet.due_date_done",
            "fleet.remove_due_date",
            "fleet.pool", "fleet.take", "fleet.give_back", "fleet.undo_give_back",
            "fleet.cancel_assignment", "fleet.end_assignment", "fleet.export_fleet", "fleet.export_vehicles",
            "fleet.export_drivers", "fleet.export_vehicle_assignments", "fleet.export_driver_assignments",
            "fleet.vehicle_month", "fleet.driver_month", "fleet.export_vehicles_csv", "fleet.export_drivers_csv",
            "fleet_import.upload", "fleet_import.template", "fleet_import.progress", "fleet_import.confirm",
            "fleet_import.cancel", "fleet_import.refused", "fleet_import.columns", "fleet_import.closing",
            "fleet_import.forget",
        ), WITH_FLEET,
    ),
}  # fmt: skip
MAY_BE_MISSING = {
    "fines.vehicle_notices",
    "fines.driver_request", "fleet_import.refused", "fleet.bulk_result", "fines.bulk_result", "fines.bulk_task",
}  # fmt: skip
"""Files, and the page of a link, that exist only once something was done; a task of somebody else's;
a vehicle's notices, for those who may see its page as well."""
READ_WHILE_SUSPENDED = {
    "antai.exchanges", "fleet.pool", "fleet.vehicles", "fleet.vehicle", "fleet.drivers", "fleet.driver",
    "fleet.export_fleet",
    "fleet.export_vehicles", "fleet.export_drivers", "fleet.export_vehicle_assignments",
    "fleet.export_driver_assignments", "fleet.vehicle_documents", "fleet.driver_documents", "fleet.document",
    "fleet.vehicle_month", "fleet.driver_month",
    "fleet.export_vehicles_csv", "fleet.export_drivers_csv", "fleet.due_dates",
    "fleet.export_due_dates", "fleet.export_due_dates_csv", "fleet.vehicle_due_dates", "fleet.driver_due_dates",
}  # fmt: skip
"""Beside notices, all that the administrator of a suspended client still has of its tools: the fleet, to read."""


@pytest.fixture
def own(world, people) -> dict[str, str]:
    """The ids of the first client, those of the operator's routes included."""
    return contents(world) | provider_ids(world)


def is_let_in(endpoint: str, role: str | None) -> bool:
    who = WHO[endpoint]
    return who is None or role in who


def assert_signed_out(answer, *place) -> None:
    assert answer.status_code == 302, place
    assert answer.headers["Location"].startswith("/connexion"), place


def test_every_route_has_its_entry_here(installed_app):
    assert {endpoint for endpoint, _, _ in calls(installed_app)} == set(WHO)


def test_each_route_declares_the_permission_of_its_entry(installed_app):
    """Also where the service behind a route would refuse by itself."""
    for endpoint in set(WHO) - {"provider.end_visit"}:  # during a visit nobody may operate; the view looks itself
        needed = installed_app.view_functions[endpoint].required_permission
        holders = {role for role, rights in RIGHTS.items() if any(needed in PERMISSIONS[one] for one in rights)}
        assert (holders or None) == WHO[endpoint], endpoint


def test_each_role_enters_what_its_right_opens_and_nothing_else(app, own, people):
    """C3.2-c: the fleet tool, the fines tool, or both; C3.2-a: the administrator holds every tool."""
    for role, browser in people.items():
        for endpoint, method, path in calls(app, own):
            if method == "POST":
                continue
            answer = browser.get(path)
            if is_let_in(endpoint, role):
                accepted = {200, 302, 404} if endpoint in MAY_BE_MISSING else {200, 302}
                assert answer.status_code in accepted, (role, endpoint)
                assert "/connexion?" not in answer.headers.get("Location", ""), (role, endpoint)
            elif role is ANONYMOUS:
                assert_signed_out(answer, endpoint)
            else:
                assert answer.status_code == 404, (role, endpoint)


def test_a_post_without_the_right_answers_404_and_changes_nothing(app, world, own, people):
    before = counted(world)
    for role, browser in people.items():
        for endpoint, method, path in calls(app, own):
            if method != "POST" or is_let_in(endpoint, role):
                continue
            answer = browser.post(path)
            if role is ANONYMOUS:
                assert_signed_out(answer, endpoint)
            else:
                assert answer.status_code == 404, (role, endpoint)
    assert counted(world) == before


def test_no_route_knows_another_method(app, people):
    assert {method for _, method, _ in calls(app)} == {"GET", "POST"}
    for path in ("/", "/connexion", "/vehicules", "/contraventions", "/administration"):
        for method in ("PUT", "PATCH", "DELETE"):
            assert people[ADMIN].open(path, method=method).status_code == 405, (path, method)


def test_a_foreign_id_answers_exactly_as_a_missing_one(app, world, own, people):
    """Decision 1 and the tenant rule: every route with an id, both methods, every role, both ways round; who may not
    enter a route at all is answered before its id is read."""
    other = make_world(1)
    theirs = contents(other)
    tries = [(role, browser, theirs) for role, browser in people.items()]
    tries.append(("visite", roles.visitor(app, world), theirs))
    tries.append(("administrateur d’un autre client", roles.browsers(app, other)[ADMIN], own))
    before = counted(world), counted(other)
    for role, browser, foreign in tries:
        pairs = zip(calls(app, foreign), calls(app, dict.fromkeys(foreign, MISSING)), strict=True)
        for (endpoint, method, path), (_, _, missing_path) in pairs:
            if path == missing_path or (role in people and not is_let_in(endpoint, role)):
                continue
            answer, missing = browser.open(path, method=method), browser.open(missing_path, method=method)
            assert answer.status_code == missing.status_code == (302 if role is ANONYMOUS else 404), (role, endpoint)
            assert answer.data.replace(path.encode(), b"") == missing.data.replace(missing_path.encode(), b"")
    assert (counted(world), counted(other)) == before


def test_users_of_an_ended_contract_enter_nothing(app, world, own, people, frozen):
    """C3.4, C12.3-a: neither by a session of before nor by one of after, in turn."""
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    frozen.move_to(AS_OF + timedelta(days=1))
    in_turn = cycle((people, roles.browsers(app, world, AS_OF + timedelta(days=1))))
    for role in OF_A_CLIENT:
        for endpoint, method, path in calls(app, own):
            if WHO[endpoint]:
                browser = next(in_turn)[role]
                assert_signed_out(browser.open(path, method=method), role, endpoint)


def test_users_of_a_suspended_contract_enter_nothing_and_its_administrator_only_reads(app, world, own, people):
    """Decision 10: exports and live notices stay, changes and users wait."""
    with platform_session("tests", write=True) as session:
        mine = update(Organisation).where(Organisation.id == world.organisation_id)
        session.execute(mine.values(state=OrganisationState.SUSPENDED))
    for endpoint, method, path in calls(app, own):
        for role in (FLEET, FINES, BOTH) if WHO[endpoint] else ():
            assert_signed_out(people[role].open(path, method=method), role, endpoint)
        if not is_let_in(endpoint, ADMIN) or WHO[endpoint] in (None, ANYONE_SIGNED_IN, WITH_FINES):
            continue
        if endpoint.startswith("fines."):
            continue
        status = people[ADMIN].open(path, method=method).status_code
        assert status == (200 if endpoint in READ_WHILE_SUSPENDED else 404), (endpoint, method)


def test_the_operator_settles_records_that_are_waiting(app, people):
    review.keep({"numeroAco": "1"}, "Illisible.", AS_OF)
    [(record, _)] = review.list_waiting()
    assert people[OPERATOR].get(f"/exploitation/a-examiner/{record.id}/ecarter").status_code == 200
    assert people[OPERATOR].post(f"/exploitation/a-examiner/{record.id}/ecarter").status_code == 302
    assert review.count_waiting() == 0
