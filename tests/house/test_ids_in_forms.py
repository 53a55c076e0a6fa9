"""Ids of others inside forms and addresses of one's own: they read as ids that nobody has, and change nothing."""

import pytest

from eprunes.fleet.services import drivers
from tests.house.canaries import contents, driver_details, leave_traces, provider_ids, word
from tests.house.roles import ADMIN, BOTH, OPERATOR
from tests.house.rows import everything
from tests.support.desk import designation_of
from tests.support.routes import MISSING, calls
from tests.support.worlds import AS_OF, World, actor, make_world

POSTED = [
    ("fleet.assign", BOTH, "driver_id", {"driver": "Nom", "starts_at": "2025-03-01", "ends_at": "2025-04-01"}),
    ("fleet.hand_over", BOTH, "driver_id", {"driver": "Nom", "at": "2026-03-03"}),
    ("fleet.correct_assignment", BOTH, "driver_id", {"driver": "Nom", "starts_at": "2025-12-03"}),
    ("fines.designate", BOTH, "driver_id", designation_of(None)),
    ("admin.start_handover", ADMIN, "to_user_id", {}),
    ("provider.succession", OPERATOR, "to_user_id", {"proof": "Extrait du registre."}),
]
ASKED = [
    ("fines.notice_page", BOTH, "conducteur", "driver_id"),
    ("fines.inbox", BOTH, "page", "notice_id"),
    ("fleet.vehicles", BOTH, "page", "vehicle_id"),
    ("fleet.drivers", BOTH, "page", "driver_id"),
    ("admin.journal", ADMIN, "page", "user_id"),
]


@pytest.fixture
def two(app, world, people) -> tuple[World, dict[str, str], World, dict[str, str]]:
    """Two clients with one of everything, and their ids."""
    other = make_world(1)
    mine, theirs = contents(world), contents(other)
    leave_traces(other, theirs)
    namesake = {"details": driver_details(world), "staff_number": "E2", "as_of": AS_OF}
    drivers.add_driver(actor=actor(world.admin), **namesake)  # so that a name is not enough to choose
    return world, mine | provider_ids(world), other, theirs


def path_of(app, endpoint: str, method: str, ids: dict[str, str]) -> str:
    return next(path for name, how, path in calls(app, ids) if (name, how) == (endpoint, method))


def beside_the_journal(world: World) -> dict:
    """All that a client has; that an operator looked is noted in its journal."""
    return {table: rows for table, rows in everything(world).items() if not table.startswith("audit_")}


@pytest.mark.parametrize(("endpoint", "role", "field", "typed"), POSTED)
def test_an_id_of_another_client_in_a_form_is_refused_as_one_that_nobody_has(
    app, two, people, endpoint, role, field, typed
):
    """Ids of others inside forms that choose among one's own: drivers, and people."""
    world, mine, other, theirs = two
    path = path_of(app, endpoint, "POST", mine)
    named = "driver_id" if field == "driver_id" else "user_id"
    before = [beside_the_journal(world), beside_the_journal(other)]
    answers = []
    for one in (theirs[named], MISSING):
        answer = people[role].post(path, data=typed | {field: one})
        assert answer.status_code == (404 if field == "to_user_id" and role == ADMIN else 422)
        answers.append(answer.text.replace(one, ""))
    assert answers[0] == answers[1]
    assert [beside_the_journal(world), beside_the_journal(other)] == before
    assert word(other) not in answers[0]


@pytest.mark.parametrize(("endpoint", "role", "argument", "named"), ASKED)
def test_an_id_of_another_client_in_an_address_shows_nothing(app, two, people, endpoint, role, argument, named):
    _, mine, other, theirs = two
    path, answers = path_of(app, endpoint, "GET", mine), []
    people[role].get(path)  # that one has read it stands on the page from then on
    for one in (theirs[named], MISSING):
        answer = people[role].get(path, query_string={argument: one})
        assert answer.status_code == 200
        answers.append(answer.text.replace(one, ""))
    assert answers[0] == answers[1]
    assert word(other) not in answers[0]
