"""Checks one organisation's chain: every link, every entry, what is kept beside it, and every signed head.

A fault is named by its place in the chain, in French, for whoever runs the check. The check reads one state of
the database, so that people may go on working meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.engine import Row

from eprunes.core.audit_chain import commitment, genesis, link_hash, read_head
from eprunes.core.audit_seals import SignedHead
from eprunes.core.audit_tables import AuditConnection, AuditEntry, AuditHead, AuditLink, AuditPending, AuditSeal
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.wording import short_day

CHUNK = 1_000

CHANGED = "l’entrée ou son maillon a été modifié"
REMOVED = "l’entrée a été supprimée, son maillon est resté"
MISSING = "l’entrée et son maillon ont été supprimés"
CUT = "la fin du journal a été coupée"
UNLINKED = "l’entrée a été ajoutée hors de la chaîne"
CONNECTION_CHANGED = "l’adresse ou l’appareil a été modifié"
HEAD_CHANGED = "la tête de la chaîne a été modifiée ou supprimée"


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong: the entry's place, the entry (unknown when it is gone), and what."""

    what: str
    seq: int | None = None
    entry_id: UUID | None = None
    at: datetime | None = None


@dataclass
class Report:
    """What was checked, and the first fault, if any."""

    entries: int = 0
    pending: int = 0
    seals: int = 0
    fault: Fault | None = None


@dataclass
class _Walk:
    """Where a walk along the chain stands. `marks` are the signed heads still ahead, by place."""

    marks: list[tuple[SignedHead, str]]
    last: bytes
    seq: int = 0
    proven: int = field(default=0)


def verify(organisation_id: UUID, anchor: SignedHead | None = None) -> Report:
    """Check one organisation's chain; with `anchor`, also against a signed head that was handed out earlier."""
    with tenant_session(organisation_id) as session:
        _freeze(session)
        seals = [_signed(seal) for seal in session.scalars(_seals(session))]
        report = Report(seals=len(seals), pending=session.scalar(_count(session, AuditPending)))
        report.fault = _forged_signature(seals, anchor) or _walk(session, seals, anchor, report)
        if report.fault is None:
            report.fault = _off_the_chain(session)
    return report


def _freeze(session: TenantSession) -> None:
    """One state of the database for every query; SQLite reads so anyway."""
    if session.bind.dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _forged_signature(seals: list[SignedHead], anchor: SignedHead | None) -> Fault | None:
    for signed in seals:
        if not signed.is_genuine:
            return Fault(f"l’empreinte du {short_day(signed.day)} n’a pas été signée par cette plateforme", signed.seq)
    if anchor is not None and not anchor.is_genuine:
        return Fault("le fichier d’empreinte n’a pas été signé par cette plateforme", anchor.seq)
    return None


def _walk(session: TenantSession, seals: list[SignedHead], anchor: SignedHead | None, report: Report) -> Fault | None:
    marks = [(seal, f"l’empreinte signée le {short_day(seal.day)}") for seal in seals]
    if anchor is not None:
        marks.append((anchor, f"le fichier d’empreinte du {short_day(anchor.day)}"))
    marks.sort(key=lambda mark: mark[0].seq)
    walk = _Walk(marks, genesis(session.organisation_id))
    fault = _contradicted(walk, None)
    if fault is not None:
        return fault
    for row in _links(session):
        fault = _step(walk, row)
        if fault is not None:
            return fault
    report.entries = walk.seq
    return _end(session, walk)


def _step(walk: _Walk, row: Row) -> Fault | None:
    """One link further, or what is wrong with it."""
    link, entry, connection = row
    if link.seq != walk.seq + 1:
        return Fault(MISSING, walk.seq + 1)
    if entry is None:
        return Fault(REMOVED, link.seq, link.id)
    place = link.seq, entry.id, entry.at
    if link.hash != link_hash(walk.last, entry, link.seq):
        return Fault(CHANGED, *place)
    if connection is not None and entry.commitment != commitment(connection.salt, connection.facts):
        return Fault(CONNECTION_CHANGED, *place)
    walk.seq, walk.last = link.seq, link.hash
    return _contradicted(walk, entry)


def _contradicted(walk: _Walk, entry: AuditEntry | None) -> Fault | None:
    """The chain holds together, but is not the one that was signed: it was rewritten and hashed again."""
    while walk.marks and walk.marks[0][0].seq <= walk.seq:
        signed, words = walk.marks.pop(0)
        if signed.hash != walk.last:
            what = (
                f"{words} ne correspond plus\u00a0: une entrée a été réécrite entre le n° {walk.proven + 1} et celle-ci"
            )
            return Fault(what, walk.seq, entry.id if entry else None, entry.at if entry else None)
        walk.proven = walk.seq
    return None


def _end(session: TenantSession, walk: _Walk) -> Fault | None:
    head = read_head(session)
    if head.seq > walk.seq:
        return Fault(CUT, walk.seq + 1)
    for signed, words in walk.marks:
        return Fault(f"{CUT}\u00a0: {words} va jusqu’au n° {signed.seq}", walk.seq + 1)
    is_missing = walk.seq and session.scalar(_count(session, AuditHead)) != 1
    if is_missing or (head.seq, head.hash) != (walk.seq, walk.last):
        return Fault(HEAD_CHANGED, walk.seq)
    return None


def _off_the_chain(session: TenantSession) -> Fault | None:
    """An entry that has no link, and does not wait for one either."""
    own = AuditEntry.organisation_id == session.organisation_id
    query = (
        select(AuditEntry)
        .outerjoin(AuditLink, _same(AuditLink))
        .outerjoin(AuditPending, _same(AuditPending))
        .where(own, AuditLink.id.is_(None), AuditPending.id.is_(None))
    )
    entry = session.scalar(query.order_by(AuditEntry.at, AuditEntry.id).limit(1))
    return Fault(UNLINKED, None, entry.id, entry.at) if entry else None


def _links(session: TenantSession) -> Iterator[Row]:
    """Every link in order with its entry and its connection data, None where they are gone."""
    own, after = AuditLink.organisation_id == session.organisation_id, None
    while True:
        query = (
            select(AuditLink, AuditEntry, AuditConnection)
            .outerjoin(AuditEntry, _same(AuditLink))
            .outerjoin(
                AuditConnection,
                and_(AuditConnection.organisation_id == AuditLink.organisation_id, AuditConnection.id == AuditLink.id),
            )
            .where(own, *([] if after is None else [AuditLink.seq > after]))
        )
        rows = session.execute(query.order_by(AuditLink.seq).limit(CHUNK)).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        after = rows[-1][0].seq
        session.expunge_all()


def _same(other: type):
    return and_(other.organisation_id == AuditEntry.organisation_id, other.id == AuditEntry.id)


def _count(session: TenantSession, model: type):
    return select(func.count()).select_from(model).where(model.organisation_id == session.organisation_id)


def _seals(session: TenantSession):
    own = AuditSeal.organisation_id == session.organisation_id
    return select(AuditSeal).where(own).order_by(AuditSeal.seq, AuditSeal.day)


def _signed(seal: AuditSeal) -> SignedHead:
    return SignedHead(seal.organisation_id, seal.day, seal.seq, seal.hash, seal.signature)
