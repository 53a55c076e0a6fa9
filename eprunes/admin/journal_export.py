"""The journal taken out: everything that a search finds as an Excel workbook, and its signed head (C9-a)."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.admin.journal_search import JournalSearch, Line, found_entries, journal_args, lines_of, names_of_users
from eprunes.core import audit
from eprunes.core.audit import AuditEntry
from eprunes.core.audit_seals import sign_head, write_anchor
from eprunes.core.audit_tables import AuditLink
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.spreadsheets.writing import Cell, Sheet, write_workbook

HEADINGS = [
    "N° dans la chaîne",
    "Date et heure",
    "Acte",
    "Par",
    "Objet",
    "Référence",
    "Précisions",
    "Adresse IP",
    "Appareil",
]


def journal_workbook(actor: Actor, session: TenantSession, search: JournalSearch, as_of: datetime) -> bytes:
    """Every entry that a search finds, newest first; that it was taken out is itself an entry."""
    rows = list(_rows(actor, session, search, as_of))
    details = {"nombre": len(rows), "filtres": journal_args(search)}
    with tenant_session(actor.organisation_id, write=True) as trace:
        audit.record(trace, "journal.exporte", as_of=as_of, actor_id=actor.user_id, details=details)
    return write_workbook([Sheet("Journal", HEADINGS, rows)])


def signed_head(session: TenantSession, as_of: datetime) -> bytes:
    """The journal's signed head, for the client to keep elsewhere."""
    return write_anchor(sign_head(session, as_of))


def _rows(actor: Actor, session: TenantSession, search: JournalSearch, as_of: datetime) -> Iterator[list[Cell]]:
    order = found_entries(actor, search).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    entries, names = session.scalars(order).all(), names_of_users(session, actor)
    for chunk in chunks(entries):
        places = _places(actor, session, chunk)
        for line in lines_of(session, actor, chunk, names, as_of):
            yield _cells(line, places.get(line.entry.id), actor)


def _places(actor: Actor, session: TenantSession, entries: list[AuditEntry]) -> dict:
    query = select(AuditLink.id, AuditLink.seq).where(
        AuditLink.organisation_id == actor.organisation_id, AuditLink.id.in_([entry.id for entry in entries])
    )
    return {row.id: row.seq for row in session.execute(query)}


def _cells(line: Line, place: int | None, actor: Actor) -> list[Cell]:
    entry = line.entry
    return [
        place,
        entry.at.astimezone(actor.zone).replace(tzinfo=None, microsecond=0),
        line.act,
        line.by,
        line.subject,
        str(line.reference) if line.reference else None,
        line.details,
        line.address or None,
        line.device or None,
    ]
