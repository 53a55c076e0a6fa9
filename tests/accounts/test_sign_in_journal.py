"""Attempts to sign in, copied into the journal of the client concerned; and forgotten after twelve months."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts import throttling
from eprunes.accounts.jobs import record_sign_ins
from eprunes.accounts.models import SignInEvent, Throttle
from eprunes.accounts.services import blocking, clients, signing_in, users
from eprunes.accounts.services.signing_in import Outcome
from eprunes.core import audit
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import Refused
from tests.support.worlds import AS_OF, PASSWORD, World, actor, give_password

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
LATER = AS_OF + timedelta(minutes=1)


def attempt(email: str, password: str = PASSWORD, as_of=AS_OF, address: str = "192.0.2.1") -> None:
    with suppress(Refused):
        signing_in.sign_in(email=email, password=password, address=address, device=FIREFOX, as_of=as_of)


def journal(world: World) -> list[audit.AuditEntry]:
    with tenant_session(world.organisation_id) as session:
        query = select(audit.AuditEntry).where(
            audit.AuditEntry.organisation_id == world.organisation_id,
            audit.AuditEntry.action.startswith("connexion"),
        )
        return list(session.scalars(query.order_by(audit.AuditEntry.at, audit.AuditEntry.id)))


def connections(world: World) -> list[dict]:
    with tenant_session(world.organisation_id) as session:
        query = select(audit.AuditConnection).where(audit.AuditConnection.organisation_id == world.organisation_id)
        return [row.facts for row in session.scalars(query)]


def test_sign_ins_and_failures_come_into_the_clients_journal(world, other_world):
    """C11, C9-a: who signed in, who failed, when, from where; each client's in its own journal."""
    give_password(world.fleet)
    attempt(world.fleet)
    attempt(world.fleet, "pas le bon", as_of=LATER)
    attempt(other_world.fleet, "pas le bon")
    attempt("personne@ailleurs.example", "pas le bon")
    assert record_sign_ins(LATER)["recorded"] == 3
    user_id = actor(world.fleet).user_id
    assert [(e.at, e.action, e.actor_kind, e.actor_id, e.subject_id, e.details) for e in journal(world)] == [
        (AS_OF, "connexion", "utilisateur", user_id, user_id, {}),
        (LATER, "connexion.refusee", "systeme", None, user_id, {"motif": "refusee"}),
    ]
    assert [entry.action for entry in journal(other_world)] == ["connexion.refusee"]
    assert connections(world) == [{"address": "192.0.2.1", "device": FIREFOX}] * 2


def _over(world: World) -> None:
    yesterday = AS_OF - timedelta(days=1)
    clients.end_contract(organisation_id=world.organisation_id, on=yesterday.date(), as_of=yesterday)


@pytest.mark.parametrize(
    ("shut_out", "cause"),
    [
        (lambda world, who: blocking.block_user(actor(world.admin), who, AS_OF), Outcome.BLOCKED),
        (lambda world, who: users.suspend_user(actor(world.admin), who, AS_OF), Outcome.SUSPENDED),
        (lambda world, who: users.delete_user(actor(world.admin), who, AS_OF), Outcome.DELETED),
        (lambda world, who: _over(world), Outcome.NO_CONTRACT),
        (lambda world, who: None, Outcome.OPENED),
    ],
)
def test_what_kept_the_right_password_out_is_told_by_its_own_cause(world, shut_out, cause):
    """C11: a blocked account, a suspended one, a deleted one and the end of the contract are four things."""
    give_password(world.fleet)
    shut_out(world, actor(world.fleet).user_id)
    attempt(world.fleet, as_of=LATER)
    with platform_session("tests") as session:
        assert session.scalars(select(SignInEvent.outcome)).all() == [cause]


def test_each_attempt_is_copied_once_however_often_the_job_runs(app, world):
    give_password(world.fleet)
    for minute in range(3):
        attempt(world.fleet, as_of=AS_OF + timedelta(minutes=minute))

    def run(_: int) -> None:
        with app.app_context():
            record_sign_ins(LATER)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    record_sign_ins(LATER)
    assert len(journal(world)) == 3


def test_a_flood_of_braked_attempts_makes_one_entry(world):
    for _ in range(throttling.PERSON.free + 30):
        attempt(world.fleet, "pas le bon")
    record_sign_ins(LATER)
    assert [entry.details for entry in journal(world)] == [
        *[{"motif": "refusee"}] * throttling.PERSON.free,
        {"motif": "freinee", "nombre": 30},
    ]


def test_operators_and_strangers_are_in_no_clients_journal(world):
    users.create_operator(email="exploitant@exploitation.example", as_of=AS_OF)
    give_password("exploitant@exploitation.example")
    attempt("exploitant@exploitation.example")
    attempt("personne@ailleurs.example")
    assert record_sign_ins(LATER)["recorded"] == 0
    assert journal(world) == []


@pytest.mark.parametrize(("day", "left"), [(3, 1), (4, 0)])
def test_attempts_are_forgotten_after_twelve_months(world, day, left):
    """C11: kept as evidence for twelve months, then erased."""
    attempt(world.fleet, "pas le bon")
    record_sign_ins(AS_OF.replace(year=AS_OF.year + 1, day=day))
    with platform_session("tests") as session:
        assert len(session.scalars(select(SignInEvent)).all()) == left


def test_brakes_that_no_longer_count_are_forgotten(world):
    attempt(world.fleet, "pas le bon")
    assert record_sign_ins(AS_OF + throttling.FORGOTTEN_AFTER)["brakes_forgotten"] == 0
    assert record_sign_ins(AS_OF + throttling.FORGOTTEN_AFTER + timedelta(seconds=1))["brakes_forgotten"] > 0
    with platform_session("tests") as session:
        assert session.scalars(select(Throttle)).all() == []
