"""The trace of what was done: append-only rows written in the same transaction as the change.

Entries hold opaque references only: ids, states, counts; never a name, an address or a plate.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DDL, JSON, Index, String, event
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, TenantScoped, TenantSession, new_id


class ActorKind(StrEnum):
    USER = "utilisateur"
    OPERATOR = "exploitant"
    SYSTEM = "systeme"


class AuditEntry(TenantScoped, Base):
    """Entrée du journal : one act, who did it, on what, when."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "organisation_id", "at", "id"),)

    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(12))
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str | None] = mapped_column(String(30))
    subject_id: Mapped[UUID | None]
    details: Mapped[dict] = mapped_column(JSON, default=dict)


SQLITE_APPEND_ONLY = (
    "CREATE TRIGGER audit_entries_are_final BEFORE UPDATE ON audit_entries "
    "BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
)
POSTGRESQL_APPEND_ONLY = (
    "CREATE OR REPLACE FUNCTION refuse_audit_update() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$",
    "CREATE TRIGGER audit_entries_are_final BEFORE UPDATE ON audit_entries "
    "FOR EACH ROW EXECUTE FUNCTION refuse_audit_update()",
)
event.listen(AuditEntry.__table__, "after_create", DDL(SQLITE_APPEND_ONLY).execute_if(dialect="sqlite"))
for _statement in POSTGRESQL_APPEND_ONLY:
    event.listen(AuditEntry.__table__, "after_create", DDL(_statement).execute_if(dialect="postgresql"))


def record(
    session: TenantSession,
    action: str,
    *,
    as_of: datetime,
    actor_id: UUID | None = None,
    actor_kind: ActorKind = ActorKind.USER,
    subject: tuple[str, UUID] | None = None,
    details: dict | None = None,
) -> None:
    """Add one entry to the session's transaction. Without `actor_id` the actor is the system itself."""
    subject_kind, subject_id = subject or (None, None)
    session.add(
        AuditEntry(
            organisation_id=session.organisation_id,
            id=new_id(),
            at=as_of,
            actor_kind=ActorKind.SYSTEM if actor_id is None else actor_kind,
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            details=details or {},
        )
    )
