"""One notice's page: everything it shows, gathered for the template."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import deadlines, queries
from eprunes.fines.deadlines import PaymentDates
from eprunes.fines.designation_rules import AGENCY_FIELDS
from eprunes.fines.exits import Departure, departure_before
from eprunes.fines.forms import DesignationForm, ImpossibilityForm
from eprunes.fines.inbox import Row, rows_of
from eprunes.fines.models import Answer, Notice, NoticeEvent
from eprunes.fines.notice_details import open_notices, open_refusal, open_snapshot
from eprunes.fines.proposals import neighbours
from eprunes.fines.services.designating import DESIGNATION, DRIVER_GONE
from eprunes.fines.services.steps import GONE
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation, open_details
from eprunes.fleet.models import Assignment, Driver, DriverKind
from eprunes.fleet.names import named, words_of
from eprunes.fleet.queries import author_names

NEW_DRIVER = "nouveau"


@dataclass(frozen=True)
class Candidate:
    """A driver who may be designated, and the assignment that makes it likely, if any."""

    driver: Driver
    details: DriverDetails
    assignment: Assignment | None = None

    @property
    def missing(self) -> list[str]:
        return missing_for_designation(self.details)


@dataclass(frozen=True)
class GivenAnswer:
    """An answer as it was declared, and the agency's words when it refused it."""

    answer: Answer
    snapshot: dict
    refusal: str


@dataclass(frozen=True)
class NoticePage:
    """Everything the page of one notice shows."""

    row: Row
    today: date
    payment: PaymentDates | None
    rest_day: str | None
    thread: list[NoticeEvent]
    authors: dict[UUID, str]
    answers: list[GivenAnswer]
    proposed: Candidate | None = None
    others: list[Candidate] = field(default_factory=list)
    chosen: Candidate | None = None
    departure: Departure | None = None

    @property
    def may_be_answered(self) -> bool:
        return not self.row.notice.is_answered

    @property
    def refused(self) -> GivenAnswer | None:
        """The designation that the agency refused last, unless something else was answered since."""
        return refused_designation(self.answers)


def load_notice(actor: Actor, session: TenantSession, notice_id: UUID, as_of: datetime) -> Notice:
    """A notice that the actor may see now. Raises NotVisible."""
    notice = session.scalar(queries.visible_notices(actor, as_of).where(Notice.id == notice_id))
    if notice is None:
        raise NotVisible(GONE)
    return notice


def read_page(actor: Actor, session: TenantSession, notice: Notice, wanted: str, as_of: datetime) -> NoticePage:
    """Gather the page; `wanted` is the driver chosen by the user (an id, `nouveau` or nothing). Raises NotVisible."""
    rows = rows_of(session, [notice], as_of)
    if not rows:
        raise NotVisible(GONE)
    row = rows[0]
    thread = list(session.scalars(queries.thread_of(notice.organisation_id, notice.id)))
    candidates = _candidates(session, row) if not notice.is_answered else []
    proposed = next((one for one in candidates if one.driver.id == row.proposal.driver_id), None)
    return NoticePage(
        row=row,
        today=local_day(as_of, actor.zone),
        payment=deadlines.payment_dates(notice.notice_date) if notice.notice_date else None,
        rest_day=deadlines.rest_day_name(row.deadline.day),
        thread=thread,
        authors=author_names(session, (one.actor_id for one in thread)),
        answers=_answers(actor, session, notice),
        proposed=proposed,
        others=[one for one in candidates if one is not proposed],
        chosen=_chosen(session, wanted, candidates, proposed),
        departure=departure_before(session, notice, row.vehicle, actor.zone),
    )


def candidate_of(session: TenantSession, driver_id: str | None) -> Candidate | None:
    """The driver that a submitted form names; None for a new one. Raises Refused when there is none any more."""
    if not driver_id:
        return None
    try:
        candidate = load_candidate(session, UUID(driver_id))
    except ValueError as error:
        raise Refused(DRIVER_GONE) from error
    if candidate is None:
        raise Refused(DRIVER_GONE)
    return candidate


def designation_form(page: NoticePage) -> DesignationForm:
    """The form filled with what the chosen driver's file holds; empty for a new one."""
    refused = page.refused.snapshot if page.refused else None
    rules = {"formdata": None, "today": page.today, "offence_day": page.row.notice.offence_day, "refused": refused}
    if page.chosen is None:
        return DesignationForm(**rules)
    known = {name: getattr(page.chosen.details, name) for name in AGENCY_FIELDS}
    return DesignationForm(driver_id=page.chosen.driver.id, kind=page.chosen.driver.kind, **known, **rules)


def impossibility_form(page: NoticePage) -> ImpossibilityForm:
    """The form filled with what the vehicle's exit says, when the offence came after it; else empty."""
    return ImpossibilityForm(formdata=None, data=page.departure.values if page.departure else None)


def sent_designation(actor: Actor, session: TenantSession, notice: Notice, as_of: datetime) -> DesignationForm:
    """The form as it was sent, with the rules of this notice."""
    refused = refused_designation(_answers(actor, session, notice))
    rules = {"today": local_day(as_of, actor.zone), "offence_day": notice.offence_day}
    return DesignationForm(**rules, refused=refused.snapshot if refused else None)


def designation_of(form: DesignationForm, candidate: Candidate | None) -> dict:
    """What a form that was checked declares of the driver whom it names."""
    known = candidate.details if candidate else DriverDetails()
    return {
        "driver_id": candidate.driver.id if candidate else None,
        "kind": DriverKind(form.kind.data),
        "details": form.details(known),
        "keep_in_fleet": form.keep_in_fleet.data,
    }


def refused_designation(answers: list[GivenAnswer]) -> GivenAnswer | None:
    """The newest of these answers, newest first, if it is a designation that the agency refused."""
    latest = next(iter(answers), None)
    return latest if latest and latest.refusal and latest.answer.kind == DESIGNATION else None


def number_of(notice: Notice) -> str:
    """The number of a notice, out of its box."""
    return open_notices(key_store(), [notice])[notice.id].number


def find_candidates(actor: Actor, session: TenantSession, search: str, limit: int = 12) -> list[Candidate]:
    """Drivers whose name or staff number holds every word of the search, for the choice inside an answer."""
    if len(search.strip()) < 2:
        return []
    everyone = select(Driver).where(Driver.organisation_id == session.organisation_id)
    found = sorted(named(session, actor, everyone, words_of(search)), key=lambda one: one.folded)[:limit]
    drivers = session.scalars(everyone.where(Driver.id.in_([one.id for one in found]))).all()
    people = open_details(key_store(), drivers)
    candidates = [Candidate(one, people[one.id]) for one in drivers if one.id in people]
    return sorted(candidates, key=lambda one: one.details.sort_name)


def _candidates(session: TenantSession, row: Row) -> list[Candidate]:
    assignments = neighbours(session, row.notice)
    if row.proposal.assignment is not None:
        assignments = [row.proposal.assignment, *assignments]
    by_driver = {one.driver_id: one for one in reversed(assignments)}
    query = select(Driver).where(Driver.organisation_id == session.organisation_id, Driver.id.in_(by_driver))
    drivers = {one.id: one for one in session.scalars(query)}
    people = open_details(key_store(), drivers.values())
    ordered = dict.fromkeys(one.driver_id for one in assignments)
    return [Candidate(drivers[one], people[one], by_driver[one]) for one in ordered if one in people]


def _chosen(
    session: TenantSession, wanted: str, candidates: list[Candidate], proposed: Candidate | None
) -> Candidate | None:
    if wanted == NEW_DRIVER:
        return None
    try:
        driver_id = UUID(wanted)
    except ValueError:
        return proposed
    known = next((one for one in candidates if one.driver.id == driver_id), None)
    return known or load_candidate(session, driver_id) or proposed


def load_candidate(session: TenantSession, driver_id: UUID) -> Candidate | None:
    """One driver of the organisation, opened; None when there is none."""
    query = select(Driver).where(Driver.organisation_id == session.organisation_id, Driver.id == driver_id)
    driver = session.scalar(query)
    people = open_details(key_store(), [driver] if driver else [])
    return Candidate(driver, people[driver.id]) if driver and driver.id in people else None


def _answers(actor: Actor, session: TenantSession, notice: Notice) -> list[GivenAnswer]:
    """Refused answers for everyone who may see the notice; the standing one for the administrator alone."""
    key = key_store().keys(notice.organisation_id, [notice.key_id])[notice.key_id]
    given = session.scalars(queries.answers_of(notice.organisation_id, notice.id))
    may_see_all = actor.may(Permission.VIEW_ARCHIVE)
    return [
        GivenAnswer(one, open_snapshot(key, one), open_refusal(key, one))
        for one in given
        if may_see_all or one.outcome_box is not None
    ]
