"""The notices of a bulk designation as a page shows them: what the reader may still see, read now; else the number."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from eprunes.accounts.permissions import Actor
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession
from eprunes.fines.answering import NoticeState
from eprunes.fines.bulk import readiness
from eprunes.fines.bulk.checking import look_at, moved
from eprunes.fines.bulk.tasks import Named
from eprunes.fines.models import Notice
from eprunes.fines.notice_rows import Row, rows_of
from eprunes.fines.queries import visible_notices


@dataclass(frozen=True)
class Line:
    """One notice: `row` where the reader may see it now, with what is worth knowing before agreeing."""

    named: Named
    row: Row | None
    reason: str = ""
    remarks: list[str] = field(default_factory=list)


def lines_of(session: TenantSession, actor: Actor, named: Sequence[Named], as_of: datetime) -> list[Line]:
    """One page of notices, each with its reason as it was told."""
    rows = _rows(session, actor, named, as_of)
    return [Line(one, rows.get(one.id), one.reason) for one in named]


def lines_to_agree_to(session: TenantSession, actor: Actor, named: Sequence[Named], as_of: datetime) -> list[Line]:
    """One page of what was ready, looked at again: what is so no more has its reason, and shows no driver."""
    rows = _rows(session, actor, named, as_of)
    verdict = look_at(session, actor, [one.id for one in named], as_of)
    lines = []
    for one in named:
        row, found = rows.get(one.id), verdict.ready.get(one.id)
        reason = moved(one.seen, found.seen) if found else verdict.reasons[one.id]
        told = readiness.remarks(row.notice, row.proposal, row.offence) if row and not reason else []
        if row and row.inquiry:
            told.insert(0, readiness.INQUIRIES[row.inquiry])
        lines.append(Line(one, row, reason, told))
    return lines


def no_longer_ready(
    session: TenantSession, actor: Actor, ready: Sequence[Named], listed: Sequence[Line], as_of: datetime
) -> int:
    """How many of what the check found ready are so no more: answered, filed or over, wherever they stand in the
    list; and those that moved in another way, of the page that was looked at again.
    """
    query = visible_notices(actor, as_of).where(Notice.state == NoticeState.TO_ANSWER)
    query = query.with_only_columns(Notice.id, maintain_column_froms=True)
    ids = [one.id for one in ready]
    still = {one for part in chunks(ids) for one in session.scalars(query.where(Notice.id.in_(part)))}
    return len(set(ids) - still | {one.named.id for one in listed if one.reason})


def _rows(session: TenantSession, actor: Actor, named: Sequence[Named], as_of: datetime) -> dict:
    query = visible_notices(actor, as_of).where(Notice.id.in_([one.id for one in named]))
    return {row.notice.id: row for row in rows_of(session, session.scalars(query).all(), as_of)}
