"""What an actor may read of the notices: tenant, right and retention window in one predicate.

The windows are decided here at reading time, so that a sweep that did not run shows nothing to anyone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.retention import DEFAULT, RetentionPolicy, archive_cutoff, shared_cutoff
from eprunes.core.calendar import paris_day
from eprunes.fines.answering import AnswerState, NoticeState
from eprunes.fines.deadlines import URGENT_DAYS_LEFT
from eprunes.fines.models import Answer, Notice, NoticeEvent
from eprunes.fines.readiness import DutyLine, duty_lines, has_ready_holder, may_ask_for_driver


class View(StrEnum):
    """Vues rapides of the inbox; the last three exist for the administrator only."""

    TO_DO = "a-traiter"
    URGENT = "urgentes"
    READY = "pretes"
    REFUSED = "refusees"
    FILED = "classees"
    MISSED = "delai-passe"
    SENT = "transmises"
    ARCHIVE = "archives"


ADMINISTRATOR_VIEWS = (View.MISSED, View.SENT, View.ARCHIVE)
_WITHOUT_ANSWER = (NoticeState.TO_ANSWER, NoticeState.REFUSED, NoticeState.EXPIRED)
_SHARED_VIEWS = (View.TO_DO, View.URGENT, View.READY, View.FILED)


def is_shared(as_of: datetime, policy: RetentionPolicy = DEFAULT) -> ColumnElement[bool]:
    """Notices open to every user with the fines right: no standing answer, and posted at most 45 days ago."""
    return and_(Notice.is_answered.is_(False), Notice.posted_on >= shared_cutoff(as_of, policy))


def is_archived(as_of: datetime, policy: RetentionPolicy = DEFAULT) -> ColumnElement[bool]:
    """Notices that the administrator alone may reach: until twelve months after the offence."""
    return Notice.offence_day >= archive_cutoff(as_of, policy)


def visible_notices(actor: Actor, as_of: datetime) -> Select[tuple[Notice]]:
    """The notices this actor may see at this instant (C4.3-e, C4.3-f, decisions 1 to 5)."""
    query = select(Notice).where(Notice.organisation_id == actor.organisation_id)
    if not actor.may(Permission.VIEW_NOTICES):
        return query.where(false())
    if actor.may(Permission.VIEW_ARCHIVE):
        return query.where(or_(is_shared(as_of), is_archived(as_of)))
    return query.where(is_shared(as_of))


def visible_in(view: View, actor: Actor, as_of: datetime) -> Select[tuple[Notice]]:
    """The notices of one quick view that the actor may see at this instant: as `visible_notices`, but the
    administrator's archive is not looked through for what is open to all."""
    visible = visible_notices(actor, as_of)
    if view in _SHARED_VIEWS and actor.may(Permission.VIEW_NOTICES):
        visible = select(Notice).where(Notice.organisation_id == actor.organisation_id, is_shared(as_of))
    return visible.where(in_view(view, as_of))


def has_designable_driver(duties: Sequence[DutyLine]) -> ColumnElement[bool]:
    """What makes a notice ready, but for its own state and days. `duties`: `duty_lines` of the catalogue."""
    return and_(may_ask_for_driver(duties), has_ready_holder())


def is_ready(as_of: datetime) -> ColumnElement[bool]:
    """Notices to answer in time whose designation is proposed, complete and unambiguous: a person can confirm it as it
    is. Looks the catalogue up."""
    waiting = is_shared(as_of), Notice.state == NoticeState.TO_ANSWER, Notice.deadline_on >= paris_day(as_of)
    return and_(*waiting, has_designable_driver(duty_lines()))


def in_view(view: View, as_of: datetime) -> ColumnElement[bool]:
    """The condition of one quick view."""
    if view is View.READY:
        return is_ready(as_of)
    waiting = Notice.state.in_((NoticeState.TO_ANSWER, NoticeState.REFUSED))
    shared, last_urgent = is_shared(as_of), paris_day(as_of) + timedelta(days=URGENT_DAYS_LEFT)
    closed = and_(Notice.is_answered.is_(False), Notice.posted_on < shared_cutoff(as_of, DEFAULT))
    return {
        View.TO_DO: and_(shared, waiting),
        View.URGENT: and_(shared, waiting, Notice.deadline_on <= last_urgent),
        View.REFUSED: and_(Notice.is_answered.is_(False), Notice.state == NoticeState.REFUSED),
        View.FILED: and_(shared, Notice.state == NoticeState.FILED),
        View.MISSED: and_(closed, Notice.state.in_(_WITHOUT_ANSWER)),
        View.SENT: Notice.is_answered.is_(True),
        View.ARCHIVE: closed,
    }[view]


def is_waiting_for_agency(
    organisation_id: UUID, states: Sequence[AnswerState] = (AnswerState.UNKNOWN, AnswerState.TO_POST)
) -> ColumnElement[bool]:
    """Answered notices whose answer needs somebody's eye: of unknown outcome, or a letter still to be posted; with
    `states`, one of them alone."""
    waiting = Answer.organisation_id == organisation_id, Answer.state.in_(states)
    return and_(Notice.is_answered.is_(True), Notice.id.in_(select(Answer.notice_id).where(*waiting)))


def is_open_on_paper(as_of: datetime) -> ColumnElement[bool]:
    """Notices whose window here has closed, and whose paper came since: the law's days to answer still run."""
    left = Notice.state.in_((NoticeState.TO_ANSWER, NoticeState.EXPIRED))
    return and_(
        Notice.is_answered.is_(False),
        left,
        Notice.posted_on < shared_cutoff(as_of, DEFAULT),
        Notice.sent_on.is_not(None),
        Notice.deadline_on >= paris_day(as_of),
    )


def count_of(query: Select) -> Select[tuple[int]]:
    """How many rows a query finds, whatever its order."""
    return query.with_only_columns(func.count()).order_by(None)


def answers_of(organisation_id: UUID, notice_id: UUID) -> Select[tuple[Answer]]:
    """Every answer ever given to a notice, newest first."""
    return (
        select(Answer)
        .where(Answer.organisation_id == organisation_id, Answer.notice_id == notice_id)
        .order_by(Answer.confirmed_at.desc(), Answer.id.desc())
    )


def latest_answers(organisation_id: UUID, notice_ids: list[UUID]) -> Select[tuple[Answer]]:
    """The answers of several notices, newest last: one query for a whole page."""
    return (
        select(Answer)
        .where(Answer.organisation_id == organisation_id, Answer.notice_id.in_(notice_ids))
        .order_by(Answer.confirmed_at, Answer.id)
    )


def thread_of(organisation_id: UUID, notice_id: UUID) -> Select[tuple[NoticeEvent]]:
    """The dated thread of a notice, oldest first."""
    return (
        select(NoticeEvent)
        .where(NoticeEvent.organisation_id == organisation_id, NoticeEvent.notice_id == notice_id)
        .order_by(NoticeEvent.at, NoticeEvent.id)
    )
