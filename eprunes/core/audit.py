"""The trace of what was done: append-only rows written in the same transaction as the change.

Entries hold opaque references only: ids, states, counts; never a name, an address or a plate. They form one
chain per organisation (`audit_chain`), whose heads are signed (`audit_seals`) and which anyone with the
database can check (`audit_verify`).
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, insert

from eprunes.core import audit_chain
from eprunes.core.audit_tables import AuditConnection, AuditEntry
from eprunes.core.calendar import earliest_day_reaching, paris_day, start_of_day
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession, new_id, tenant_session

__all__ = [
    "ActorKind",
    "AuditConnection",
    "AuditEntry",
    "connections_kept_from",
    "erase_connections",
    "record",
    "record_all",
]

CONNECTION_MONTHS = 12


class ActorKind(StrEnum):
    USER = "utilisateur"
    OPERATOR = "exploitant"
    SYSTEM = "systeme"


def record(
    session: TenantSession,
    action: str,
    *,
    as_of: datetime,
    actor_id: UUID | None = None,
    actor_kind: ActorKind = ActorKind.USER,
    subject: tuple[str, UUID] | None = None,
    details: dict | None = None,
    connection: dict | None = None,
) -> None:
    """Add one entry to the session's transaction. Without `actor_id` the actor is the system itself.

    `connection` (`address`, `device`) is personal: kept beside the entry for twelve months, then erased.
    """
    entry = AuditEntry(**_common(session, as_of, actor_id, actor_kind), **_act(action, subject, details or {}))
    beside = None
    if connection:
        beside = {"salt": os.urandom(audit_chain.SALT_BYTES), "facts": _as_stored(connection)}
        entry.commitment = audit_chain.commitment(**beside)
    session.add(entry)
    audit_chain.await_commit(session, entry, beside)


def record_all(
    session: TenantSession,
    acts: Iterable[tuple[str, tuple[str, UUID] | None, dict]],
    *,
    as_of: datetime,
    actor_id: UUID | None = None,
    actor_kind: ActorKind = ActorKind.USER,
) -> None:
    """As `record` for thousands of acts at once, each its action, subject and details, or for what is done at every
    page: the rows without their objects. Not inside a savepoint."""
    common = _common(session, as_of, actor_id, actor_kind)
    rows = [common | _act(*act) for act in acts]
    for chunk in chunks(rows):
        session.execute(insert(AuditEntry.__table__), chunk)
    for row in rows:
        audit_chain.await_commit(session, audit_chain.PlainEntry(**row), None)


def connections_kept_from(as_of: datetime) -> datetime:
    """The instant before which connection data are no longer shown, and are erased (C11): twelve months."""
    return start_of_day(earliest_day_reaching(paris_day(as_of), CONNECTION_MONTHS))


def erase_connections(organisation_id: UUID, as_of: datetime) -> int:
    """Erase one organisation's connection data older than twelve months; the chain still verifies."""
    with tenant_session(organisation_id, write=True) as session:
        old = AuditConnection.at < connections_kept_from(as_of)
        statement = delete(AuditConnection).where(AuditConnection.organisation_id == organisation_id, old)
        return session.execute(statement.execution_options(synchronize_session=False)).rowcount


def _common(session: TenantSession, as_of: datetime, actor_id: UUID | None, actor_kind: ActorKind) -> dict:
    """Whose chain, when and by whom."""
    kind = ActorKind.SYSTEM if actor_id is None else actor_kind
    return {"organisation_id": session.organisation_id, "at": as_of, "actor_kind": kind, "actor_id": actor_id}


def _act(action: str, subject: tuple[str, UUID] | None, details: dict) -> dict:
    """An entry of its own: what was done, and to what."""
    subject_kind, subject_id = subject or (None, None)
    about = {"subject_kind": subject_kind, "subject_id": subject_id}
    return {"id": new_id(), "action": action, "details": _as_stored(details), **about}


def _as_stored(facts: dict) -> dict:
    """The facts as the database gives them back, so that what is hashed is what is read later."""
    return json.loads(json.dumps(facts, allow_nan=False))
