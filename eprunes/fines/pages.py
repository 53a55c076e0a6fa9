"""One notice's page: everything it shows, gathered for the template."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import deadlines, queries
from eprunes.fines.answering import OPEN_STATES, AnswerState
from eprunes.fines.asking.driver_requests import denied_by, replies_to
from eprunes.fines.attached import Attached, Note, read_files, read_notes
from eprunes.fines.deadlines import PaymentDates
from eprunes.fines.designation_rules import AGENCY_FIELDS, to_explain, why_no_answer
from eprunes.fines.exits import Departure, departure_before
from eprunes.fines.forms import CorrectionForm, DesignationForm, ImpossibilityForm, ImpossibleCorrectionForm
from eprunes.fines.holders import holder_ids
from eprunes.fines.models import Channel, Notice, NoticeKind, Reply
from eprunes.fines.notice_details import is_its_plate, key_of, open_notices, open_refusal, open_snapshot
from eprunes.fines.notice_rows import Row, rows_of
from eprunes.fines.proposals import Why, neighbours, similar_vehicles
from eprunes.fines.services.designating import DESIGNATION, DRIVER_GONE
from eprunes.fines.services.steps import GONE, why_gone
from eprunes.fines.thread import Fact, GivenAnswer, read_thread
from eprunes.fleet.documents import VEHICLE, Document, Subject, read_documents
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation, open_details
from eprunes.fleet.models import Assignment, Driver, DriverKind, Vehicle
from eprunes.fleet.names import named, words_of
from eprunes.fleet.vehicle_rules import PROOFS

Designating = TypeVar("Designating", bound=DesignationForm)
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


class Side(NamedTuple):
    """Just before (`word`: « Avant ») or just after an instant at which nobody had the vehicle. Without `assignment`,
    nobody had it on that side; without `candidate`, that driver's file is erased."""

    word: str
    assignment: Assignment | None
    candidate: Candidate | None


@dataclass(frozen=True)
class NoticePage:
    """Everything the page of one notice shows."""

    row: Row
    today: date
    payment: PaymentDates | None
    rest_day: str | None
    thread: list[Fact]
    answers: list[GivenAnswer]
    files: list[Attached]
    notes: list[Note]
    proposed: Candidate | None = None
    others: list[Candidate] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    chosen: Candidate | None = None
    departure: Departure | None = None
    papers: list[Document] = field(default_factory=list)
    holders: set[UUID] = field(default_factory=set)
    replies: dict[UUID, str] = field(default_factory=dict)
    similar: list[Vehicle] = field(default_factory=list)

    @property
    def why_no_answer(self) -> str | None:
        """Why the law knows no answer to this kind of notice."""
        return why_no_answer(self.row.notice)

    @property
    def is_vehicle_chosen(self) -> bool:
        """Whether somebody said which vehicle it is: the notice bears another plate."""
        return self.row.vehicle is not None and not is_its_plate(self.row.details, self.row.vehicle)

    @property
    def denied(self) -> set[UUID]:
        """The drivers who said that it was not them."""
        return {driver_id for driver_id, reply in self.replies.items() if reply == Reply.NOT_MINE}

    @property
    def holding(self) -> list[Candidate]:
        """Those who had the vehicle then, as the fleet says, who did not deny it and whose file is not erased."""
        known = [self.proposed, *self.others] if self.proposed else self.others
        return [one for one in known if one.driver.id in self.holders - self.denied]

    @property
    def to_explain(self) -> str:
        """What has to be explained of the driver chosen, if anything."""
        chosen = self.chosen.driver.id if self.chosen else None
        return to_explain(self.row.notice, chosen, self.holders, self.denied)

    @property
    def standing(self) -> GivenAnswer | None:
        """The answer that stands, for those who may see it."""
        return next((one for one in self.answers if one.answer.state in OPEN_STATES), None)

    @property
    def may_be_corrected(self) -> bool:
        """Whether the agency may be told something else: it has registered the answer."""
        now = self.standing.answer if self.standing else None
        return now is not None and now.channel == Channel.AGENCY and now.state == AnswerState.REGISTERED

    @property
    def may_be_answered(self) -> bool:
        return not self.row.notice.is_answered

    @property
    def refused(self) -> GivenAnswer | None:
        """The designation that the agency refused last, unless something else was answered since."""
        return refused_designation(self.answers)


def load_notice(
    actor: Actor, session: TenantSession, notice_id: UUID, as_of: datetime, *, answering: bool = False
) -> Notice:
    """A notice that the actor may see now. Raises NotVisible.

    `answering`: whoever comes second with an answer is told that one was given (C4.3-e).
    """
    notice = session.scalar(queries.visible_notices(actor, as_of).where(Notice.id == notice_id))
    if notice is None:
        raise NotVisible(why_gone(session, actor, notice_id) if answering else GONE)
    return notice


def read_page(
    actor: Actor, session: TenantSession, notice: Notice, wanted: str, as_of: datetime, *, correcting: bool = False
) -> NoticePage:
    """Gather the page; `wanted` is the driver chosen by the user (an id, `nouveau` or nothing). Raises NotVisible.

    A page that corrects an answer has its candidates too, and proposes nobody by itself.
    """
    rows = rows_of(session, [notice], as_of)
    if not rows:
        raise NotVisible(GONE)
    row, answers = rows[0], _answers(actor, session, notice)
    is_open = correcting or not notice.is_answered
    near = neighbours(session, notice) if is_open else []
    candidates = _candidates(session, row, near) if is_open else []
    likely = None if correcting else row.proposal.driver_id
    proposed = next((one for one in candidates if one.driver.id == likely), None)
    departure = departure_before(session, notice, row.vehicle, actor.zone)
    return NoticePage(
        row=row,
        today=local_day(as_of, actor.zone),
        payment=_payment_dates(notice),
        rest_day=deadlines.rest_day_name(row.deadline.day),
        thread=read_thread(session, notice, answers),
        answers=answers,
        files=read_files(session, notice),
        notes=read_notes(session, notice),
        proposed=proposed,
        others=[one for one in candidates if one is not proposed],
        sides=_sides(row, near, candidates),
        chosen=_chosen(session, wanted, candidates, proposed),
        departure=departure,
        papers=_papers(session, actor, row.vehicle) if departure else [],
        holders=holder_ids(session, notice),
        replies=replies_to(session, notice),
        similar=_similar(session, actor, row),
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
    rules |= {"to_explain": page.to_explain}
    return DesignationForm(**rules, **_known(page.chosen))


def impossibility_form(page: NoticePage) -> ImpossibilityForm:
    """The form filled with what the vehicle's exit says, when the offence came after it; else empty."""
    return ImpossibilityForm(formdata=None, data=page.departure.values if page.departure else None)


def sent_designation(actor: Actor, session: TenantSession, notice: Notice, as_of: datetime) -> DesignationForm:
    """The form as it was sent, with the rules of this notice."""
    refused = refused_designation(_answers(actor, session, notice))
    form = DesignationForm(**_sent_rules(actor, notice, as_of), refused=refused.snapshot if refused else None)
    return _asked_why(session, notice, form)


def sent_correction(actor: Actor, session: TenantSession, notice: Notice, as_of: datetime) -> CorrectionForm:
    """The form of a correction as it was sent, with the rules of this notice."""
    return _asked_why(session, notice, CorrectionForm(**_sent_rules(actor, notice, as_of)))


def correction_form(page: NoticePage) -> CorrectionForm:
    """The form of a correction, filled with what the chosen driver's file holds."""
    rules = {"formdata": None, "today": page.today, "offence_day": page.row.notice.offence_day}
    return CorrectionForm(**rules, to_explain=page.to_explain, **_known(page.chosen))


def impossible_correction_form(page: NoticePage) -> ImpossibleCorrectionForm:
    """The form of a correction, filled with the impossibility that stands; in place of a designation, with what the
    vehicle's exit says, if anything."""
    snapshot = page.standing.snapshot if page.standing else {}
    left = page.departure.values if page.departure else None
    return ImpossibleCorrectionForm(formdata=None, data=_as_typed(snapshot) if "motif" in snapshot else left)


def designation_of(form: DesignationForm, candidate: Candidate | None) -> dict:
    """What a form that was checked declares of the driver whom it names."""
    known = candidate.details if candidate else DriverDetails()
    return {
        "driver_id": candidate.driver.id if candidate else None,
        "kind": DriverKind(form.kind.data),
        "details": form.details(known),
        "keep_in_fleet": form.keep_in_fleet.data,
        "because": form.because.data,
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


def _sides(row: Row, near: list[Assignment], candidates: list[Candidate]) -> list[Side]:
    """Who had the vehicle before and after, where nobody had it at the instant; nothing elsewhere."""
    if row.proposal.why is not Why.NOBODY:
        return []
    people = {one.driver.id: one for one in candidates}
    before = next((one for one in near if one.starts_at <= row.notice.offence_at), None)
    after = next((one for one in near if one is not before), None)
    sides = ("Avant", before), ("Après", after)
    return [Side(word, one, people.get(one.driver_id) if one else None) for word, one in sides]


def _candidates(session: TenantSession, row: Row, near: list[Assignment]) -> list[Candidate]:
    held = row.proposal.assignment
    assignments = near if held is None else [held, *near]
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


def _payment_dates(notice: Notice) -> PaymentDates | None:
    is_offence = notice.kind == NoticeKind.OFFENCE
    return deadlines.payment_dates(notice.notice_date) if notice.notice_date and is_offence else None


def _sent_rules(actor: Actor, notice: Notice, as_of: datetime) -> dict:
    return {"today": local_day(as_of, actor.zone), "offence_day": notice.offence_day}


def _asked_why(session: TenantSession, notice: Notice, form: Designating) -> Designating:
    """The form, which knows whether the driver that it names has to be explained."""
    try:
        driver_id = UUID(form.driver_id.data) if form.driver_id.data else None
    except ValueError:
        return form
    form.to_explain = to_explain(notice, driver_id, holder_ids(session, notice), denied_by(session, notice))
    return form


def _known(chosen: Candidate | None) -> dict:
    """What a form of a designation starts with."""
    if chosen is None:
        return {}
    known = {name: getattr(chosen.details, name) for name in AGENCY_FIELDS}
    return {"driver_id": chosen.driver.id, "kind": chosen.driver.kind, **known}


def _as_typed(impossibility: dict) -> dict:
    """What a form starts with where this impossibility stands."""
    values = {"reason": impossibility["motif"], "comment": impossibility["commentaire"]}
    for place, proof in zip(("first", "second"), impossibility["pieces"], strict=False):
        values |= {f"{place}_reference": proof["reference"], f"{place}_date": date.fromisoformat(proof["date"])}
    return values


def _papers(session: TenantSession, actor: Actor, vehicle: Vehicle) -> list[Document]:
    """What is kept of a vehicle's exit, for those who may see the fleet."""
    proving = {kind for kinds in PROOFS.values() for kind in kinds}
    return [one for one in read_documents(session, actor, Subject(VEHICLE, vehicle.id)) if one.kind in proving]


def _similar(session: TenantSession, actor: Actor, row: Row) -> list[Vehicle]:
    """The vehicles whose plate is nearly the one of the notice, where that one is nobody's."""
    if row.notice.is_answered or (row.vehicle is not None and is_its_plate(row.details, row.vehicle)):
        return []
    return similar_vehicles(session, actor, row.details.plate)


def _answers(actor: Actor, session: TenantSession, notice: Notice) -> list[GivenAnswer]:
    """Refused answers for everyone who may see the notice; the standing one for the administrator alone."""
    key = key_of(notice)
    given = session.scalars(queries.answers_of(notice.organisation_id, notice.id))
    may_see_all = actor.may(Permission.VIEW_ARCHIVE)
    return [
        GivenAnswer(one, open_snapshot(key, one), open_refusal(key, one))
        for one in given
        if may_see_all or one.outcome_box is not None
    ]
