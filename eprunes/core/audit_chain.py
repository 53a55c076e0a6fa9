"""One chain of entries per organisation: `hash = SHA-256(previous hash ‖ canonical entry)`.

The canonical entry is the JSON of its place and of all its columns: keys sorted, no blanks, characters beyond
ASCII escaped, instants in UTC with microseconds, ids with their dashes, bytes in hexadecimal. The first
previous hash is SHA-256 of `eprunes-audit-1` and the organisation's sixteen bytes.

Changes are linked when their transaction commits, the last thing it does, so that the head is locked briefly
and never waited for by a transaction that others wait for. Views, exports and sign-ins wait for no lock: they
are noted as pending and linked by a job.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import and_, delete, event, insert, select, update

from eprunes.core.audit_tables import AuditConnection, AuditEntry, AuditHead, AuditLink, AuditPending
from eprunes.core.database import TenantSession, expect_growth, insert_absent, new_id, tenant_session

SALT_BYTES = 32
BATCH = 500
CHAINED_LATER = frozenset(
    {
        "avis.consulte",
        "avis.chiffres_exportes",
        "avis.exportes",
        "avis.liste_consultee",
        "avis.piece_telechargee",
        "document.telecharge",
        "journal.exporte",
        "parc.exporte",
        "visite.page",
    }
)
CHAINED_LATER_PREFIX = "connexion"
"""Sign-ins and what became of them: `connexion`, `connexion.…`."""

_HEADS = AuditHead.__table__
_WAITING = "audit entries of this transaction"
_MANY = 100


class ChainForked(Exception):
    """The head moved under the lock: someone changes the chain by other ways."""


@dataclass(frozen=True)
class Head:
    """The last link of a chain; of an empty one, its place is 0."""

    seq: int
    hash: bytes


@dataclass(frozen=True)
class PlainEntry:
    """An entry whose row was inserted among thousands, without the object that would stand for it."""

    organisation_id: UUID
    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    action: str
    subject_kind: str | None
    subject_id: UUID | None
    details: dict
    commitment: None = None


Entry = AuditEntry | PlainEntry


def genesis(organisation_id: UUID) -> bytes:
    """What stands before the first entry."""
    return hashlib.sha256(b"eprunes-audit-1" + organisation_id.bytes).digest()


def canonical(entry: Entry, seq: int) -> bytes:
    """The entry at its place as the bytes that are hashed, the same whatever the database."""
    return canonical_json(
        {
            "seq": seq,
            "organisation_id": str(entry.organisation_id),
            "id": str(entry.id),
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor_kind": entry.actor_kind,
            "actor_id": str(entry.actor_id) if entry.actor_id else None,
            "action": entry.action,
            "subject_kind": entry.subject_kind,
            "subject_id": str(entry.subject_id) if entry.subject_id else None,
            "details": entry.details,
            "commitment": entry.commitment.hex() if entry.commitment else None,
        }
    )


def canonical_json(facts: dict) -> bytes:
    """JSON with one possible spelling."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def link_hash(previous: bytes, entry: Entry, seq: int) -> bytes:
    """The hash of the link of an entry at its place."""
    return hashlib.sha256(previous + canonical(entry, seq)).digest()


def commitment(salt: bytes, facts: dict) -> bytes:
    """What an entry says of facts kept beside it; once they and their salt are erased, it says nothing."""
    return hashlib.sha256(salt + canonical_json(facts)).digest()


def is_chained_later(action: str) -> bool:
    """True for acts that change nothing: views, exports and sign-ins."""
    return action in CHAINED_LATER or action.partition(".")[0] == CHAINED_LATER_PREFIX


def await_commit(session: TenantSession, entry: Entry, beside: dict | None) -> None:
    """Link or note the entry when its transaction commits; `beside` are its connection data and their salt."""
    session.info.setdefault(_WAITING, []).append((entry, beside))


def read_head(session: TenantSession) -> Head:
    """The head of the organisation's chain as it stands."""
    found = session.execute(_head_of(session)).first()
    return Head(found.seq, found.hash) if found else Head(0, genesis(session.organisation_id))


def chain_pending(organisation_id: UUID) -> int:
    """Link the entries that wait for it, by instant; returns how many. Harmless when repeated or run twice at once."""
    linked = 0
    while count := _chain_batch(organisation_id):
        linked += count
    return linked


@event.listens_for(TenantSession, "before_commit")
def _complete_trace(session: TenantSession) -> None:
    if session.in_nested_transaction() or not session.info.get(_WAITING):
        return
    found = session.info.pop(_WAITING)
    waiting = [(entry, beside) for entry, beside in found if isinstance(entry, PlainEntry) or entry in session]
    entries, own = [entry for entry, _ in waiting], session.organisation_id
    connections = [
        {"organisation_id": own, "id": entry.id, "at": entry.at, **beside} for entry, beside in waiting if beside
    ]
    if connections:
        session.execute(insert(AuditConnection.__table__), connections)
    if entries and all(is_chained_later(entry.action) for entry in entries):
        session.execute(insert(AuditPending.__table__), [{"organisation_id": own, "id": entry.id} for entry in entries])
    elif entries:
        _link(session, _locked_head(session), entries)


def _chain_batch(organisation_id: UUID) -> int:
    own = AuditPending.organisation_id == organisation_id
    with tenant_session(organisation_id) as session:  # most often there is nothing, and nothing is locked
        if session.scalar(select(AuditPending.id).where(own).limit(1)) is None:
            return 0
    with tenant_session(organisation_id, write=True) as session:
        head = _locked_head(session)
        same = and_(AuditPending.organisation_id == AuditEntry.organisation_id, AuditPending.id == AuditEntry.id)
        query = select(AuditEntry).join(AuditPending, same).where(own)
        entries = session.scalars(query.order_by(AuditEntry.at, AuditEntry.id).limit(BATCH)).all()
        if entries:
            _link(session, head, entries)
            done = delete(AuditPending).where(own, AuditPending.id.in_([entry.id for entry in entries]))
            session.execute(done.execution_options(synchronize_session=False))
        return len(entries)


def _locked_head(session: TenantSession) -> Head:
    """The head, locked until the transaction ends (on SQLite the whole file is); made when there is none yet."""
    query = _head_of(session).with_for_update()
    found = session.execute(query).first()
    if found is None:
        own = session.organisation_id
        insert_absent(session, AuditHead, [{"organisation_id": own, "id": new_id(), "seq": 0, "hash": genesis(own)}])
        found = session.execute(query).one()
    return Head(found.seq, found.hash)


def _link(session: TenantSession, head: Head, entries: Sequence[Entry]) -> None:
    own, seq, last, rows = session.organisation_id, head.seq, head.hash, []
    for seq, entry in enumerate(entries, start=head.seq + 1):
        last = link_hash(last, entry, seq)
        rows.append({"organisation_id": own, "id": entry.id, "seq": seq, "hash": last})
    if len(rows) > _MANY:
        expect_growth(session)
    session.execute(insert(AuditLink.__table__), rows)
    here = _HEADS.c.organisation_id == own, _HEADS.c.seq == head.seq, _HEADS.c.hash == head.hash
    if session.execute(update(_HEADS).where(*here).values(seq=seq, hash=last)).rowcount != 1:
        raise ChainForked(f"organisation {own}: head {head.seq} moved")


def _head_of(session: TenantSession):
    return select(_HEADS.c.seq, _HEADS.c.hash).where(_HEADS.c.organisation_id == session.organisation_id)
