"""The tables of the trace: entries, their links in the organisation's chain, its head, and its signed heads.

Nothing here is ever altered, only added, and destroyed with the organisation; the database itself refuses
changes. The head and the list of entries that wait for their link are the two that move.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import DDL, JSON, Date, ForeignKeyConstraint, Index, LargeBinary, String, event
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, TenantScoped


def _of_entry() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["organisation_id", "id"], ["audit_entries.organisation_id", "audit_entries.id"])


class AuditEntry(TenantScoped, Base):
    """Entrée du journal : one act, who did it, on what, when; `commitment` binds its connection data."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "organisation_id", "at", "id"),
        Index(None, "organisation_id", "subject_id", "at", "id"),
    )

    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(12))
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str | None] = mapped_column(String(30))
    subject_id: Mapped[UUID | None]
    details: Mapped[dict] = mapped_column(JSON, default=dict)
    commitment: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class AuditLink(TenantScoped, Base):
    """Maillon : the place in the organisation's chain of the entry that has the same id."""

    __tablename__ = "audit_links"
    __table_args__ = (_of_entry(), Index(None, "organisation_id", "seq", unique=True))

    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(TenantScoped, Base):
    """Tête de la chaîne : the last link of an organisation; whoever adds links locks this row."""

    __tablename__ = "audit_heads"
    __table_args__ = (Index(None, "organisation_id", unique=True),)

    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditPending(TenantScoped, Base):
    """Entrée à chaîner : the entry that has the same id still waits for its link."""

    __tablename__ = "audit_pending"
    __table_args__ = (_of_entry(),)


class AuditConnection(TenantScoped, Base):
    """Données de connexion : from where the act of the same id was done; personal, erased after twelve months."""

    __tablename__ = "audit_connections"
    __table_args__ = (_of_entry(), Index(None, "organisation_id", "at"))

    at: Mapped[datetime]
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    facts: Mapped[dict] = mapped_column(JSON)


class AuditSeal(TenantScoped, Base):
    """Empreinte signée : the head of the chain as it was signed one night."""

    __tablename__ = "audit_seals"
    __table_args__ = (Index(None, "organisation_id", "day", unique=True),)

    day: Mapped[date] = mapped_column(Date)
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


_POSTGRESQL_REFUSAL = (
    "CREATE OR REPLACE FUNCTION refuse_audit_update() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$"
)


def append_only_statements(table: str, dialect: str) -> list[str]:
    """What makes a database refuse to alter the rows of a table of the trace."""
    if dialect == "sqlite":
        refusal = "BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
        return [f"CREATE TRIGGER {table}_are_final BEFORE UPDATE ON {table} {refusal}"]
    refusal = "FOR EACH ROW EXECUTE FUNCTION refuse_audit_update()"
    return [_POSTGRESQL_REFUSAL, f"CREATE TRIGGER {table}_are_final BEFORE UPDATE ON {table} {refusal}"]


for _model in (AuditEntry, AuditLink, AuditConnection, AuditSeal):
    for _dialect in ("sqlite", "postgresql"):
        for _statement in append_only_statements(_model.__tablename__, _dialect):
            event.listen(_model.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))
