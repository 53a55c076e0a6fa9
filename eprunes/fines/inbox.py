"""The inbox as a user sees it: a page of notices, opened, with their deadline, proposal and state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Label, Select, bindparam, func, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.retention import DEFAULT, last_shared_day
from eprunes.core.calendar import PARIS, paris_day, start_of_day
from eprunes.core.chunks import chunks
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, read_page
from eprunes.core.wording import number
from eprunes.fines import deadlines
from eprunes.fines.answering import OPEN_STATES, AnswerState, NoticeState
from eprunes.fines.asking.driver_requests import Inquiry, asked_among
from eprunes.fines.catalogue import CatalogueLine, every_line, offences_for
from eprunes.fines.deadlines import Deadline, NoticeSource, Urgency
from eprunes.fines.inbox_filters import SORTS, NoticeSearch, found_notices
from eprunes.fines.models import Answer, Channel, Notice, NoticeKind
from eprunes.fines.notice_deadlines import deadline_of
from eprunes.fines.notice_details import NoticeDetails, open_notices
from eprunes.fines.proposals import Proposal, propose
from eprunes.fines.queries import (
    ADMINISTRATOR_VIEWS,
    View,
    in_view,
    is_open_on_paper,
    is_ready,
    is_shared,
    is_waiting_for_agency,
    latest_answers,
    visible_notices,
)
from eprunes.fines.readiness import FreeLine, Readiness, free_lines, of_readiness
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.models import Driver, Vehicle
from eprunes.fleet.vehicle_suggestions import sites_in_use

MOST, MOST_READY, MOST_IN_BADGE, MOST_PINNED = 1_000, 100, 99, 20
LOOKED_AT = 250
PAGE_SIZE = 25


@dataclass(frozen=True)
class Row:
    """One notice of the list, with everything its line shows; `inquiry`: what became of asking a driver, while the
    notice waits; None when nobody was asked."""

    notice: Notice
    details: NoticeDetails
    vehicle: Vehicle | None
    offence: CatalogueLine | None
    deadline: Deadline
    days_left: int
    urgency: Urgency
    proposal: Proposal
    driver: DriverDetails | None
    answer: Answer | None
    inquiry: Inquiry | None = None

    @property
    def state(self) -> tuple[str, str, str]:
        """(word, icon, tone) of the notice's state."""
        if self.answer is not None and self.notice.is_answered:
            is_letter = self.answer.channel == Channel.LETTER
            posted = is_letter and self.answer.state == AnswerState.REGISTERED
            return LETTER_POSTED if posted else ANSWER_WORDS[AnswerState(self.answer.state)]
        return NOTICE_WORDS[NoticeState(self.notice.state)]

    @property
    def closes_on(self) -> date | None:
        """The last day on which all who have the fines right see it (C4.3-d), where the law's days outlast it."""
        last = last_shared_day(self.notice.posted_on, DEFAULT)
        return last if not self.notice.is_answered and last < self.deadline.day else None

    @property
    def signs(self) -> list[tuple[str, str, str]]:
        """(word, icon, tone) of what else must be seen on its line."""
        found = [] if self.inquiry is None else [INQUIRY_WORDS[self.inquiry]]
        if self.notice.kind == NoticeKind.PARKING_FEE:
            found.append(("FPS", "p-square", "idle"))
        if self.notice.source != NoticeSource.AGENCY_FLOW:
            found.append(("Avis papier", "file-earmark-text", "idle"))
        if self.notice.content_changed:
            found.append(("Contenu modifié", "pencil-square", "warn"))
        return found

    @property
    def tone(self) -> str:
        """The stylesheet's class of its line: amber, then red, as the deadline comes near; red for what failed."""
        if self.notice.is_answered:
            return "row-bad" if self.answer and self.answer.state == AnswerState.UNKNOWN else ""
        if self.notice.state == NoticeState.FILED:
            return ""
        return TONES[self.urgency]


TONES = {Urgency.CALM: "", Urgency.SOON: "row-warn", Urgency.URGENT: "row-bad", Urgency.OVERDUE: "row-bad"}


class Count(NamedTuple):
    """How many there are; with `more`, at least so many: long lists are not counted to their end."""

    number: int
    more: bool = False

    @property
    def text(self) -> str:
        """`12`, or `1 000+`."""
        return number(self.number) + ("+" if self.more else "")


@dataclass(frozen=True)
class Inbox:
    """One page of the inbox: its rows, those that stand above whatever the sort, how many were found in all, how
    many each view holds, and what its filters offer."""

    page: Page
    rows: list[Row]
    pinned: list[Row]
    found: Count
    counts: dict[View, Count]
    choices: "Choices"

    @property
    def to_do(self) -> tuple[Count, Count]:
        """How many wait, and how many of them are urgent: the menu's badge, already counted here."""
        return self.counts[View.TO_DO], self.counts[View.URGENT]

    @property
    def more_to_redo(self) -> bool:
        """True when there are more refused answers than those that stand above."""
        return self.counts[View.REFUSED].number > len(self.pinned)


@dataclass(frozen=True)
class Choices:
    """What the filters offer: the kinds of offence, label by NATINF, and the sites."""

    offences: dict[str, str]
    sites: list[str]


ANSWER_WORDS = {
    AnswerState.CONFIRMED: ("Prête à partir", "hourglass-split", "info"),
    AnswerState.SENDING: ("Transmise", "send", "info"),
    AnswerState.UNKNOWN: ("En cours de vérification", "question-circle", "warn"),
    AnswerState.REGISTERED: ("Enregistrée", "check-circle", "ok"),
    AnswerState.REFUSED: ("Refusée", "x-octagon", "bad"),
    AnswerState.TO_POST: ("Lettre à poster", "envelope-paper", "warn"),
    AnswerState.REPLACED: ("Remplacée par une correction", "arrow-repeat", "idle"),
}
INQUIRY_WORDS = {
    Inquiry.REPLIED: ("Réponse du conducteur", "chat-left-text", "info"),
    Inquiry.AWAITED: ("Conducteur interrogé", "chat-left", "idle"),
}
LETTER_POSTED = ("Lettre postée", "envelope-check", "ok")
NOTICE_WORDS = {
    NoticeState.TO_ANSWER: ("À traiter", "envelope", "info"),
    NoticeState.ANSWERED: ("Transmise", "send", "info"),
    NoticeState.REFUSED: ("Refusée par l’ANTAI", "x-octagon", "bad"),
    NoticeState.FILED: ("Classée sans désignation", "archive", "idle"),
    NoticeState.EXPIRED: ("Délai écoulé", "clock-history", "bad"),
}


_VEHICLES = select(Vehicle).where(Vehicle.organisation_id == bindparam("own"), Vehicle.id.in_(bindparam("ids")))
_DRIVERS = select(Driver).where(Driver.organisation_id == bindparam("own"), Driver.id.in_(bindparam("ids")))


def views_of(actor: Actor) -> list[View]:
    """The quick views that this actor has."""
    archive = actor.may(Permission.VIEW_ARCHIVE)
    return [view for view in View if archive or view not in ADMINISTRATOR_VIEWS]


def read_inbox(session: TenantSession, actor: Actor, search: NoticeSearch, cursor: str, as_of: datetime) -> Inbox:
    """The page of a search at a cursor, with what every page of the inbox shows."""
    lines = every_line()
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
        found=counts[search.view] if is_counted else _counted(session, query),
        counts=counts,
        choices=_choices(session, lines),
    )


def _choices(session: TenantSession, lines: Iterable[CatalogueLine]) -> Choices:
    """The kinds of offence of the catalogue and the sites of the fleet."""
    return Choices({one.natinf: one.label for one in lines}, sites_in_use(session))


def counts_of(
    session: TenantSession, actor: Actor, as_of: datetime, lines: Iterable[CatalogueLine] | None = None
) -> dict[View, Count]:
    """How many notices each of the actor's views holds, whatever the search: one query, and none is counted to the
    end of a long list. `lines`: the catalogue, for who has read it already."""
    views = views_of(actor)
    row = session.execute(_counting(actor, paris_day(as_of), free_lines(lines))).one()
    found = dict(zip(views, row, strict=True))
    counts = {view: _count(found[view], MOST) for view in views}
    ready, all_looked_at = _count(found[View.READY], MOST_READY), found[View.TO_DO] <= LOOKED_AT
    return counts | {View.READY: Count(ready.number, ready.more or not all_looked_at)}


@lru_cache(maxsize=64)
def _counting(actor: Actor, day: date, free: tuple[FreeLine, ...]) -> Select:
    """What counts the views of an actor on a day; it takes longer to write than to carry out, so that it is kept."""
    as_of = start_of_day(day, PARIS)
    visible = visible_notices(actor, as_of)
    ready = _number(_among_first(visible, is_ready(as_of, free), as_of), MOST_READY)
    views = views_of(actor)
    return select(*(ready if one is View.READY else _number(visible.where(in_view(one, as_of)), MOST) for one in views))


def count_unknown(session: TenantSession, actor: Actor, as_of: datetime) -> Count:
    """How many answers are of unknown outcome: the administrator's to see, none for others."""
    if not actor.may(Permission.VIEW_ARCHIVE):
        return Count(0)
    return _counted(session, _answered(actor, AnswerState.UNKNOWN, as_of))


def letters_to_post(session: TenantSession, actor: Actor, as_of: datetime) -> tuple[Count, date | None]:
    """How many letters are still to post, and the last day to post the first of them: as `count_unknown`."""
    if not actor.may(Permission.VIEW_ARCHIVE):
        return Count(0), None
    query = _answered(actor, AnswerState.TO_POST, as_of)
    return _counted(session, query), session.scalar(query.with_only_columns(func.min(Notice.deadline_on)))


def count_incomplete(session: TenantSession, actor: Actor, as_of: datetime) -> Count:
    """How many notices to answer wait for a driver's file or for a choice, among those that are due first."""
    of_those = of_readiness(Readiness.INCOMPLETE)
    found = session.scalar(select(_number(_among_first(visible_notices(actor, as_of), of_those, as_of), MOST_READY)))
    return _count(found or 0, MOST_READY)


def to_do(session: TenantSession, actor: Actor, as_of: datetime) -> tuple[Count, Count]:
    """How many notices wait, and how many of them are urgent: for a badge, so that it counts no further than 99."""
    waiting, urgent = session.execute(_counting_for_badge(actor, paris_day(as_of))).one()
    return _count(waiting, MOST_IN_BADGE), _count(urgent, MOST_IN_BADGE)


@lru_cache(maxsize=64)
def _counting_for_badge(actor: Actor, day: date) -> Select:
    """As `_counting`, for what every page asks."""
    as_of = start_of_day(day, PARIS)
    visible = visible_notices(actor, as_of)
    return select(*(_number(visible.where(in_view(one, as_of)), MOST_IN_BADGE) for one in (View.TO_DO, View.URGENT)))


def rows_of(
    session: TenantSession, notices: Sequence[Notice], as_of: datetime, lines: Iterable[CatalogueLine] | None = None
) -> list[Row]:
    """The opened lines of some notices: a handful of queries, whatever their number.

    `lines`: the catalogue, for who has read it already.
    """
    vehicles = vehicles_of(session, notices)
    offences = offences_for(((one.natinf, one.offence_day) for one in notices), lines)
    proposals = propose(session, notices, vehicles)
    answers = _latest(session, [one.id for one in notices if one.is_answered])
    wanted = {one.driver_id for one in answers.values()} | {one.driver_id for one in proposals.values()}
    asked = asked_among(session, notices, as_of)
    drivers = _drivers(session, {one for one in wanted if one})
    keys = key_store().keys(session.organisation_id, [one.key_id for one in (*notices, *drivers)])
    opened, people = open_notices(keys, notices), open_details(keys, drivers)
    rows = []
    for notice in notices:
        if notice.id not in opened:
            continue
        answer = answers.get(notice.id)
        deadline = deadline_of(notice)
        driver_id = answer.driver_id if answer else proposals[notice.id].driver_id
        rows.append(
            Row(
                notice=notice,
                details=opened[notice.id],
                vehicle=vehicles.get(notice.vehicle_id),
                offence=offences.get((notice.natinf, notice.offence_day)),
                deadline=deadline,
                days_left=deadlines.days_left(deadline.day, as_of),
                urgency=deadlines.urgency(deadline.day, as_of),
                proposal=proposals[notice.id],
                driver=people.get(driver_id),
                answer=answer,
                inquiry=asked.get(notice.id),
            )
        )
    return rows


def _pinned(session: TenantSession, actor: Actor, counts: dict[View, Count], as_of: datetime) -> list[Notice]:
    """What failed and waits for a person, whatever the sort: refused answers, and for the administrator those of
    unknown outcome, letters still to post, and notices whose paper came once their window here had closed."""
    failed = [in_view(View.REFUSED, as_of)] if counts[View.REFUSED].number else []
    if actor.may(Permission.VIEW_ARCHIVE):
        failed += [is_waiting_for_agency(actor.organisation_id), is_open_on_paper(as_of)]
    found: list[Notice] = []
    for one in failed:
        query = visible_notices(actor, as_of).where(one).order_by(Notice.deadline_on, Notice.id)
        found += session.scalars(query.limit(MOST_PINNED))
    return found


def _answered(actor: Actor, state: AnswerState, as_of: datetime) -> Select[tuple[Notice]]:
    """The notices whose answer is in this state."""
    return visible_notices(actor, as_of).where(is_waiting_for_agency(actor.organisation_id, [state]))


def _among_first(visible: Select, condition: ColumnElement[bool], as_of: datetime) -> Select:
    """Those of a condition among the notices that are due first: each costs a look at who held the vehicle."""
    waiting = visible.where(is_shared(as_of), Notice.state == NoticeState.TO_ANSWER)
    first = waiting.with_only_columns(Notice.id).order_by(Notice.deadline_on, Notice.id).limit(LOOKED_AT)
    return visible.where(Notice.id.in_(first), condition)


def _counted(session: TenantSession, query: Select) -> Count:
    return _count(session.scalar(select(_number(query, MOST))) or 0, MOST)


def _count(found: int, most: int) -> Count:
    return Count(min(found, most), found > most)


def _number(query: Select, most: int) -> Label[int]:
    """How many rows a query has, counted no further than one beyond the most."""
    few = query.with_only_columns(Notice.id, maintain_column_froms=True).limit(most + 1).subquery()
    return select(func.count()).select_from(few).scalar_subquery().label(None)


def vehicles_of(session: TenantSession, notices: Sequence[Notice]) -> dict[UUID, Vehicle]:
    """The vehicles of these notices, by id; one query per five hundred."""
    found = {}
    for ids in chunks({one.vehicle_id for one in notices if one.vehicle_id}):
        these = {"own": session.organisation_id, "ids": ids}
        found |= {vehicle.id: vehicle for vehicle in session.scalars(_VEHICLES, these)}
    return found


def _drivers(session: TenantSession, ids: set[UUID]) -> Sequence[Driver]:
    return session.scalars(_DRIVERS, {"own": session.organisation_id, "ids": list(ids)}).all()


def _latest(session: TenantSession, notice_ids: list[UUID]) -> dict[UUID, Answer]:
    if not notice_ids:
        return {}
    answers = session.scalars(latest_answers(session.organisation_id, notice_ids))
    return {answer.notice_id: answer for answer in answers if answer.state in OPEN_STATES}
