"""The inbox as a user sees it: a page of notices, what stands above it, and what its filters offer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, read_page
from eprunes.fines.answering import NoticeState
from eprunes.fines.catalogue import CatalogueLine, every_line
from eprunes.fines.inbox_filters import SORTS, NoticeSearch, found_notices
from eprunes.fines.models import Notice
from eprunes.fines.notice_counts import Count, count_found, counts_of
from eprunes.fines.notice_rows import Row, rows_of
from eprunes.fines.queries import View, in_view, is_open_on_paper, is_waiting_for_agency, visible_notices
from eprunes.fleet.vehicle_suggestions import sites_in_use

MOST_PINNED = 20
PAGE_SIZE = 25


@dataclass(frozen=True)
class Choices:
    """What the filters offer: the kinds of offence, label by NATINF, and the sites."""

    offences: dict[str, str]
    sites: list[str]


@dataclass(frozen=True)
class Inbox:
    """One page of the inbox: its rows, those that stand above whatever the sort, how many were found in all, how
    many each view holds, and what its filters offer."""

    page: Page
    rows: list[Row]
    pinned: list[Row]
    found: Count
    counts: dict[View, Count]
    choices: Choices

    @property
    def to_do(self) -> tuple[Count, Count]:
        """How many wait, and how many of them are urgent: the menu's badge, already counted here."""
        return self.counts[View.TO_DO], self.counts[View.URGENT]

    @property
    def more_to_redo(self) -> bool:
        """True when there are more refused answers than those that stand above."""
        return self.counts[View.REFUSED].number > len(self.pinned)


def read_inbox(session: TenantSession, actor: Actor, search: NoticeSearch, cursor: str, as_of: datetime) -> Inbox:
    """The page of a search at a cursor, with what every page of the inbox shows."""
    lines = every_line(session)
    query, counts = found_notices(session, actor, search, as_of), counts_of(session, actor, as_of, lines)
    on_top: list[Notice] = []
    if search.view is View.TO_DO and not search.is_narrowed:
        query = query.where(Notice.state == NoticeState.TO_ANSWER)
        on_top = [] if cursor else _pinned(session, actor, counts, as_of)
    keys, descending = SORTS[search.sort]
    page = read_page(session, query, Notice, keys, cursor=cursor, descending=descending, size=PAGE_SIZE)
    rows, top = rows_of(session, [*on_top, *page.rows], as_of, lines), {one.id for one in on_top}
    is_counted = not search.is_narrowed and search.view is not View.READY
    return Inbox(
        page=page,
        rows=[one for one in rows if one.notice.id not in top],
        pinned=[one for one in rows if one.notice.id in top],
        found=counts[search.view] if is_counted else count_found(session, query),
        counts=counts,
        choices=_choices(session, lines),
    )


def _choices(session: TenantSession, lines: Iterable[CatalogueLine]) -> Choices:
    """The kinds of offence of the catalogue and the sites of the fleet."""
    return Choices({one.natinf: one.label for one in lines}, sites_in_use(session))


def _pinned(session: TenantSession, actor: Actor, counts: dict[View, Count], as_of: datetime) -> list[Notice]:
    """What failed and waits for a person, whatever the sort: refused answers, and for the administrator those of
    unknown outcome, letters still to post, and notices whose paper came once their window here had closed."""
    failed = [in_view(View.REFUSED, as_of)] if counts[View.REFUSED].number else []
    if actor.may(Permission.VIEW_ARCHIVE):
        failed.append(is_waiting_for_agency(actor.organisation_id))
        failed += [is_open_on_paper(as_of)] if counts[View.MISSED].number else []
    found: list[Notice] = []
    for one in failed:
        query = visible_notices(actor, as_of).where(one).order_by(Notice.deadline_on, Notice.id)
        found += session.scalars(query.limit(MOST_PINNED))
    return sorted(found, key=lambda one: (one.deadline_on, one.id))
