"""How many notices there are in each view of the inbox, and of what waits for somebody; long lists are not counted to
their end."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Label, Select, func, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.calendar import PARIS, paris_day, start_of_day
from eprunes.core.database import TenantSession
from eprunes.core.wording import number
from eprunes.fines.answering import AnswerState, NoticeState
from eprunes.fines.catalogue import CatalogueLine
from eprunes.fines.models import Notice
from eprunes.fines.queries import (
    ADMINISTRATOR_VIEWS,
    View,
    has_designable_driver,
    is_open_on_paper,
    is_waiting_for_agency,
    visible_in,
    visible_notices,
)
from eprunes.fines.readiness import DutyLine, Readiness, duty_lines, of_readiness

MOST, MOST_READY, MOST_IN_BADGE = 1_000, 100, 99
LOOKED_AT = 250


class Count(NamedTuple):
    """How many there are; with `more`, at least so many: long lists are not counted to their end."""

    number: int
    more: bool = False

    @property
    def text(self) -> str:
        """`12`, or `1 000+`."""
        return number(self.number) + ("+" if self.more else "")


def views_of(actor: Actor) -> list[View]:
    """The quick views that this actor has."""
    archive = actor.may(Permission.VIEW_ARCHIVE)
    return [view for view in View if archive or view not in ADMINISTRATOR_VIEWS]


def counts_of(
    session: TenantSession, actor: Actor, as_of: datetime, lines: Iterable[CatalogueLine] | None = None
) -> dict[View, Count]:
    """How many notices each of the actor's views holds, whatever the search: one query, and none is counted to the
    end of a long list. `lines`: the catalogue, for who has read it already."""
    views = views_of(actor)
    row = session.execute(_counting(actor, paris_day(as_of), duty_lines(lines))).one()
    found = dict(zip(views, row, strict=False))
    if View.MISSED in found:  # counted in two parts, each found by an index of its own; all of it is archived too
        found[View.MISSED] += row[-1]
        found[View.ARCHIVE] += found[View.MISSED]
    counts = {view: _count(found[view], MOST) for view in views}
    ready, all_looked_at = _count(found[View.READY], MOST_READY), found[View.TO_DO] <= LOOKED_AT
    return counts | {View.READY: Count(ready.number, ready.more or not all_looked_at)}


@lru_cache(maxsize=64)
def _counting(actor: Actor, day: date, duties: tuple[DutyLine, ...]) -> Select:
    """What counts the views of an actor on a day, of the archives what was filed; then what was missed and whose
    paper's days still run (without a paper, what has closed has passed its deadline too). It takes longer to write
    than to carry out, so that it is kept."""
    as_of = start_of_day(day, PARIS)
    filed = visible_in(View.ARCHIVE, actor, as_of).where(Notice.state == NoticeState.FILED)
    missed = visible_in(View.MISSED, actor, as_of)
    apart = {
        View.READY: _number(_among_first(actor, has_designable_driver(duties), as_of, in_time=True), MOST_READY),
        View.MISSED: _number(missed.where(Notice.deadline_on < day), MOST),
        View.ARCHIVE: _number(filed, MOST),
    }
    own = Notice.organisation_id == actor.organisation_id
    on_paper = select(Notice.id).where(own, Notice.sent_on.is_not(None), Notice.deadline_on >= day).subquery()
    running = _number(missed.join(on_paper, Notice.id == on_paper.c.id), MOST)
    views = views_of(actor)
    counts = [apart[one] if one in apart else _number(visible_in(one, actor, as_of), MOST) for one in views]
    return select(*counts, *([running] if View.MISSED in views else []))


def count_found(session: TenantSession, query: Select) -> Count:
    """How many notices a query finds."""
    return _count(session.scalar(select(_number(query, MOST))) or 0, MOST)


def count_unknown(session: TenantSession, actor: Actor, as_of: datetime) -> Count:
    """How many answers are of unknown outcome: the administrator's to see, none for others."""
    if not actor.may(Permission.VIEW_ARCHIVE):
        return Count(0)
    return count_found(session, _answered(actor, AnswerState.UNKNOWN, as_of))


def letters_to_post(session: TenantSession, actor: Actor, as_of: datetime) -> tuple[Count, date | None]:
    """How many letters are still to post, and the last day to post the first of them: as `count_unknown`."""
    if not actor.may(Permission.VIEW_ARCHIVE):
        return Count(0), None
    query = _answered(actor, AnswerState.TO_POST, as_of)
    return count_found(session, query), session.scalar(query.with_only_columns(func.min(Notice.deadline_on)))


def papers_to_answer(session: TenantSession, actor: Actor, as_of: datetime) -> tuple[Count, date | None]:
    """How many notices have closed here while the law's days of their paper still run, and the first of their last
    days: as `count_unknown`."""
    if not actor.may(Permission.VIEW_ARCHIVE):
        return Count(0), None
    query = visible_notices(actor, as_of).where(is_open_on_paper(as_of))
    return count_found(session, query), session.scalar(query.with_only_columns(func.min(Notice.deadline_on)))


def count_incomplete(session: TenantSession, actor: Actor, as_of: datetime) -> Count:
    """How many notices to answer wait for a driver's file or for a choice, among those that are due first."""
    of_those = of_readiness(Readiness.INCOMPLETE)
    found = session.scalar(select(_number(_among_first(actor, of_those, as_of), MOST_READY)))
    return _count(found or 0, MOST_READY)


def to_do(session: TenantSession, actor: Actor, as_of: datetime) -> tuple[Count, Count]:
    """How many notices wait, and how many of them are urgent: for a badge, so that it counts no further than 99."""
    waiting, urgent = session.execute(_counting_for_badge(actor, paris_day(as_of))).one()
    return _count(waiting, MOST_IN_BADGE), _count(urgent, MOST_IN_BADGE)


@lru_cache(maxsize=64)
def _counting_for_badge(actor: Actor, day: date) -> Select:
    """As `_counting`, for what every page asks."""
    as_of = start_of_day(day, PARIS)
    return select(*(_number(visible_in(one, actor, as_of), MOST_IN_BADGE) for one in (View.TO_DO, View.URGENT)))


def _answered(actor: Actor, state: AnswerState, as_of: datetime) -> Select[tuple[Notice]]:
    """The notices whose answer is in this state."""
    return visible_notices(actor, as_of).where(is_waiting_for_agency(actor.organisation_id, [state]))


def _among_first(actor: Actor, condition: ColumnElement[bool], as_of: datetime, *, in_time: bool = False) -> Select:
    """Those of a condition among the notices that are due first, with `in_time` without those that are late: each costs
    a look at who held the vehicle."""
    waiting = visible_in(View.TO_DO, actor, as_of).where(Notice.state == NoticeState.TO_ANSWER)
    due = waiting.where(Notice.deadline_on >= paris_day(as_of)) if in_time else waiting
    first = due.with_only_columns(Notice.id).order_by(Notice.deadline_on, Notice.id).limit(LOOKED_AT).subquery()
    return waiting.join(first, Notice.id == first.c.id).where(condition)


def _count(found: int, most: int) -> Count:
    return Count(min(found, most), found > most)


def _number(query: Select, most: int) -> Label[int]:
    """How many rows a query has, counted no further than one beyond the most."""
    few = query.with_only_columns(Notice.id, maintain_column_froms=True).limit(most + 1).subquery()
    return select(func.count()).select_from(few).scalar_subquery().label(None)
