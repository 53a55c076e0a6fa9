"""The inbox as a user sees it: a page of notices, opened, with their deadline, proposal and state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, or_, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.crypto import fingerprint, key_store
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page
from eprunes.fines import deadlines
from eprunes.fines.answering import AnswerState, NoticeState
from eprunes.fines.catalogue import offences_for
from eprunes.fines.deadlines import Deadline, NoticeSource, Urgency
from eprunes.fines.models import Answer, Notice, Offence
from eprunes.fines.notice_details import NoticeDetails, open_notices
from eprunes.fines.proposals import Proposal, propose
from eprunes.fines.queries import ADMINISTRATOR_VIEWS, View, in_view, latest_answers, visible_notices
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.models import Driver, Vehicle

SORTS = {"echeance": (("deadline_on",), False), "infraction": (("offence_at",), True)}


@dataclass(frozen=True)
class Row:
    """One notice of the list, with everything its line shows."""

    notice: Notice
    details: NoticeDetails
    vehicle: Vehicle | None
    offence: Offence | None
    deadline: Deadline
    days_left: int
    urgency: Urgency
    proposal: Proposal
    driver: DriverDetails | None
    answer: Answer | None

    @property
    def state(self) -> tuple[str, str, str]:
        """(word, icon, tone) of the notice's state."""
        if self.answer is not None and self.notice.is_answered:
            return ANSWER_WORDS[AnswerState(self.answer.state)]
        return NOTICE_WORDS[NoticeState(self.notice.state)]


ANSWER_WORDS = {
    AnswerState.CONFIRMED: ("Prête à partir", "hourglass-split", "info"),
    AnswerState.SENDING: ("Transmise", "send", "info"),
    AnswerState.UNKNOWN: ("En cours de vérification", "question-circle", "warn"),
    AnswerState.REGISTERED: ("Enregistrée", "check-circle", "ok"),
    AnswerState.REFUSED: ("Refusée", "x-octagon", "bad"),
    AnswerState.TO_POST: ("Lettre à poster", "envelope-paper", "warn"),
    AnswerState.REPLACED: ("Remplacée par une correction", "arrow-repeat", "idle"),
}
NOTICE_WORDS = {
    NoticeState.TO_ANSWER: ("À traiter", "envelope", "info"),
    NoticeState.ANSWERED: ("Transmise", "send", "info"),
    NoticeState.REFUSED: ("Refusée par l’ANTAI", "x-octagon", "bad"),
    NoticeState.FILED: ("Classée sans désignation", "archive", "idle"),
    NoticeState.EXPIRED: ("Délai écoulé", "clock-history", "bad"),
}


def views_of(actor: Actor) -> list[View]:
    """The quick views that this actor has."""
    archive = actor.may(Permission.VIEW_ARCHIVE)
    return [view for view in View if archive or view not in ADMINISTRATOR_VIEWS]


def select_view(actor: Actor, view: View, search: str, session: TenantSession, as_of: datetime) -> Select:
    """The notices of one view that match a search by notice number or by piece of plate."""
    query = visible_notices(actor, as_of).where(in_view(view, as_of))
    return query.where(_matches(session, actor.organisation_id, search)) if search.strip() else query


def counts(actor: Actor, session: TenantSession, as_of: datetime) -> dict[View, int]:
    """How many notices each of the actor's views holds."""
    return {view: count_of(session, select_view(actor, view, "", session, as_of)) for view in views_of(actor)}


def pinned(actor: Actor, session: TenantSession, as_of: datetime, limit: int = 20) -> list[Row]:
    """What failed and waits for a person, on top of the inbox whatever its sort: answers the agency refused."""
    query = select_view(actor, View.REFUSED, "", session, as_of).order_by(Notice.deadline_on, Notice.id)
    return rows_of(session, session.scalars(query.limit(limit)).all(), as_of)


def read_inbox(
    actor: Actor, session: TenantSession, view: View, search: str, sort: str, cursor: str, as_of: datetime
) -> tuple[Page, list[Row], int]:
    """One page of a view: the page's cursors, its rows, and how many notices were found in all."""
    query = select_view(actor, view, search, session, as_of)
    if view is View.TO_DO and not search:
        query = query.where(Notice.state != NoticeState.REFUSED)
    keys, descending = SORTS.get(sort, SORTS["echeance"])
    page = read_page(session, query, Notice, keys, cursor=cursor, descending=descending)
    return page, rows_of(session, page.rows, as_of), count_of(session, query)


def rows_of(session: TenantSession, notices: Sequence[Notice], as_of: datetime) -> list[Row]:
    """The opened lines of some notices: a handful of queries, whatever their number."""
    opened = open_notices(key_store(), notices)
    vehicles = _vehicles(session, notices)
    offences = offences_for((one.natinf, one.offence_day) for one in notices)
    proposals = propose(session, notices, vehicles)
    answers = _latest(session, [one.id for one in notices if one.is_answered])
    wanted = {one.driver_id for one in answers.values()} | {one.driver_id for one in proposals.values()}
    people = open_details(key_store(), _drivers(session, {one for one in wanted if one}))
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
            )
        )
    return rows


def deadline_of(notice: Notice) -> Deadline:
    """The deadline that counts for a notice, by its source."""
    return deadlines.deadline_that_counts(
        NoticeSource(notice.source), notice.posted_at, notice.sent_on, notice.notice_date
    )


def _matches(session: TenantSession, organisation_id: UUID, search: str) -> ColumnElement[bool]:
    bare = "".join(character for character in search.upper() if character.isalnum())
    if not bare:
        return false()
    number = fingerprint(key_store().index_key(organisation_id), f"avis:{bare}")
    vehicles = select(Vehicle.id).where(
        Vehicle.organisation_id == organisation_id, Vehicle.plate_key.contains(bare, autoescape=True)
    )
    return or_(Notice.number_fingerprint == number, Notice.vehicle_id.in_(vehicles))


def _vehicles(session: TenantSession, notices: Sequence[Notice]) -> dict[UUID, Vehicle]:
    ids = {one.vehicle_id for one in notices if one.vehicle_id}
    query = select(Vehicle).where(Vehicle.organisation_id == session.organisation_id, Vehicle.id.in_(ids))
    return {vehicle.id: vehicle for vehicle in session.scalars(query)}


def _drivers(session: TenantSession, ids: set[UUID]) -> Sequence[Driver]:
    query = select(Driver).where(Driver.organisation_id == session.organisation_id, Driver.id.in_(ids))
    return session.scalars(query).all()


def _latest(session: TenantSession, notice_ids: list[UUID]) -> dict[UUID, Answer]:
    if not notice_ids:
        return {}
    answers = session.scalars(latest_answers(session.organisation_id, notice_ids))
    return {answer.notice_id: answer for answer in answers}
