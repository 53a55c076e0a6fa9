"""The lines of lists of notices, opened: deadline, proposal, answer and state of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from eprunes.accounts.retention import DEFAULT, destroyed_from, last_shared_day
from eprunes.core.calendar import paris_day
from eprunes.core.chunks import chunks
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.fines import deadlines
from eprunes.fines.answering import OPEN_STATES, AnswerState, NoticeState
from eprunes.fines.asking.driver_requests import Inquiry, asked_among
from eprunes.fines.catalogue import CatalogueLine, offences_for
from eprunes.fines.deadlines import Deadline, NoticeSource, Urgency
from eprunes.fines.designation_rules import law_wants_driver
from eprunes.fines.models import Answer, Channel, Notice, NoticeKind
from eprunes.fines.notice_deadlines import deadline_of
from eprunes.fines.notice_details import NoticeDetails, open_notices
from eprunes.fines.proposals import Proposal, propose
from eprunes.fines.queries import latest_answers
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation, open_details
from eprunes.fleet.models import Driver, Vehicle

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
OPEN_ON_PAPER = ("Papier arrivé, à répondre", "envelope-paper", "bad")
LETTER_POSTED = ("Lettre postée", "envelope-check", "ok")
NOTICE_WORDS = {
    NoticeState.TO_ANSWER: ("À traiter", "envelope", "info"),
    NoticeState.ANSWERED: ("Transmise", "send", "info"),
    NoticeState.REFUSED: ("Refusée par l’ANTAI", "x-octagon", "bad"),
    NoticeState.FILED: ("Classée sans désignation", "archive", "idle"),
    NoticeState.EXPIRED: ("Délai écoulé", "clock-history", "bad"),
}
ROW_TONES = ("", "row-warn", "row-bad")
TONES = {Urgency.CALM: "", Urgency.SOON: "row-warn", Urgency.URGENT: "row-bad", Urgency.OVERDUE: "row-bad"}
_VEHICLES = select(Vehicle).where(Vehicle.organisation_id == bindparam("own"), Vehicle.id.in_(bindparam("ids")))
_DRIVERS = select(Driver).where(Driver.organisation_id == bindparam("own"), Driver.id.in_(bindparam("ids")))


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
        if self.notice.state == NoticeState.EXPIRED and self.days_left >= 0:  # the law's days began with its paper
            return OPEN_ON_PAPER
        return NOTICE_WORDS[NoticeState(self.notice.state)]

    @property
    def wants_driver(self) -> bool | None:
        """Whether the law wants a driver designated; None when nobody knows."""
        return law_wants_driver(
            self.notice.designation_asked, self.offence.designation_required if self.offence else None
        )

    @property
    def lacks_details(self) -> bool:
        """Whether the driver proposed can't be designated before their file is completed."""
        return self.driver is not None and not self.notice.is_answered and bool(missing_for_designation(self.driver))

    @property
    def is_to_post(self) -> bool:
        """Whether it waits for a letter to be posted: answered here, and without an answer for the law."""
        return self.notice.is_answered and self.answer is not None and self.answer.state == AnswerState.TO_POST

    @property
    def closes_on(self) -> date | None:
        """The last day on which all who have the fines right see it (C4.3-d), where the law's days outlast it."""
        last = last_shared_day(self.notice.posted_on, DEFAULT)
        return last if not self.notice.is_answered and last < self.deadline.day else None

    @property
    def destroyed_on(self) -> date | None:
        """The day on which it is gone for good (C4.3-f), where that comes before its deadline."""
        gone = paris_day(destroyed_from(self.notice.posted_at, self.notice.offence_day, False, DEFAULT))
        return gone if not self.notice.is_answered and gone <= self.deadline.day else None

    @property
    def closing(self) -> Urgency | None:
        """How near that day is; None where the notice stays open as long as the law's days run."""
        closes_on = self.closes_on
        return deadlines.urgency_of(self.days_left - (self.deadline.day - closes_on).days) if closes_on else None

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
        if self.notice.is_answered and not self.is_to_post:
            return "row-bad" if self.answer and self.answer.state == AnswerState.UNKNOWN else ""
        if self.notice.state == NoticeState.FILED:
            return ""
        return max(TONES[self.urgency], TONES[self.closing or Urgency.CALM], key=ROW_TONES.index)


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
