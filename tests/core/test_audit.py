"""The trace: written with the change, never altered."""

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from eprunes.core import audit
from eprunes.core.audit import ActorKind, AuditEntry
from eprunes.core.database import new_id, tenant_session
from tests.support.worlds import AS_OF


def entries(organisation_id, action):
    with tenant_session(organisation_id) as session:
        query = select(AuditEntry).where(AuditEntry.organisation_id == organisation_id, AuditEntry.action == action)
        return session.scalars(query).all()


def record_one(organisation_id, **options):
    with tenant_session(organisation_id, write=True) as session:
        audit.record(session, "essai", as_of=AS_OF, **options)


def test_an_entry_says_who_did_what_on_what_and_when(world):
    actor, subject = new_id(), new_id()
    record_one(world.organisation_id, actor_id=actor, subject=("avis", subject), details={"nombre": 2})
    [entry] = entries(world.organisation_id, "essai")
    assert (entry.at, entry.actor_kind, entry.actor_id) == (AS_OF, ActorKind.USER, actor)
    assert (entry.subject_kind, entry.subject_id, entry.details) == ("avis", subject, {"nombre": 2})


def test_without_an_actor_the_system_acted(world):
    record_one(world.organisation_id)
    assert [entry.actor_kind for entry in entries(world.organisation_id, "essai")] == [ActorKind.SYSTEM]


def test_an_entry_goes_with_its_change(world):
    def fail():
        with tenant_session(world.organisation_id, write=True) as session:
            audit.record(session, "essai", as_of=AS_OF)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert entries(world.organisation_id, "essai") == []


def test_the_database_refuses_to_alter_an_entry(world):
    record_one(world.organisation_id, details={"nombre": 2})

    def alter():
        with tenant_session(world.organisation_id, write=True) as session:
            own = AuditEntry.organisation_id == world.organisation_id
            session.execute(update(AuditEntry).where(own).values(details={"nombre": 3}))

    with pytest.raises(DBAPIError, match="append-only"):
        alter()
    assert [entry.details for entry in entries(world.organisation_id, "essai")] == [{"nombre": 2}]


def test_the_database_refuses_to_replace_an_entry(world):
    record_one(world.organisation_id)
    [entry] = entries(world.organisation_id, "essai")
    copy = {column.name: getattr(entry, column.name) for column in AuditEntry.__table__.columns}

    def replace():
        with tenant_session(world.organisation_id, write=True) as session:
            session.execute(insert(AuditEntry).values(**copy | {"action": "autre"}))

    with pytest.raises(DBAPIError, match=r"(?i)unique"):
        replace()
