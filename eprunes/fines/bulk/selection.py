"""Which notices a bulk designation is about: those ticked in the inbox, or everything that its search finds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession
from eprunes.core.paging import count_of
from eprunes.core.texts import ids_in
from eprunes.fines.inbox_filters import NoticeSearch, found_notices, notice_search_args, read_notice_search
from eprunes.fines.models import Notice
from eprunes.fines.notice_counts import views_of
from eprunes.fines.queries import visible_notices

CHUNK = 250


@dataclass(frozen=True)
class Selection:
    """What was chosen: notices by id or, with a `search`, whatever it finds; and how many there are to be seen."""

    ids: tuple[UUID, ...]
    search: NoticeSearch | None
    found: int

    def as_json(self) -> dict:
        """The selection as a task keeps it; a search is carried out when the notices are checked."""
        if self.search is not None:
            return {"search": notice_search_args(self.search)}
        return {"ids": [str(one) for one in self.ids]}


def selected(
    session: TenantSession,
    actor: Actor,
    ticked: Iterable[str],
    searched: Mapping[str, str] | None,
    as_of: datetime,
) -> Selection:
    """What a form chose: `searched` are the arguments of the inbox's address when everything found is meant.

    Ids that the actor can't see, or that are none, are left out as if nobody had them.
    """
    if searched is not None:
        search = read_notice_search(searched, views_of(actor))
        return Selection((), search, count_of(session, found_notices(session, actor, search, as_of)))
    known = _by_deadline(session, actor, ids_in(ticked), as_of)
    return Selection(tuple(known), None, len(known))


def targets(session: TenantSession, actor: Actor, content: Mapping, as_of: datetime) -> list[UUID]:
    """The notices of a selection kept as JSON that the actor may see, the most urgent first."""
    if "search" in content:
        search = read_notice_search(content["search"], views_of(actor))
        query = found_notices(session, actor, search, as_of).with_only_columns(Notice.id, maintain_column_froms=True)
        return list(session.scalars(query.order_by(Notice.deadline_on, Notice.id)))
    return _by_deadline(session, actor, [UUID(one) for one in content["ids"]], as_of)


def _by_deadline(session: TenantSession, actor: Actor, ids: Iterable[UUID], as_of: datetime) -> list[UUID]:
    query = visible_notices(actor, as_of).with_only_columns(Notice.deadline_on, Notice.id)
    rows = [row for chunk in chunks(ids, CHUNK) for row in session.execute(query.where(Notice.id.in_(chunk)))]
    return [notice_id for _, notice_id in sorted(map(tuple, rows))]
