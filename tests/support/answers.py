"""Answers ready to be sent, whose notices the agency's process has posted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.antai import messages
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.fines.models import Answer
from eprunes.fines.notice_details import open_refusal
from eprunes.fines.queries import answers_of, thread_of
from eprunes.fines.receiving import Incoming, receive
from eprunes.fines.services import designating
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.models import DriverKind
from tests.support import fleet, worlds
from tests.support.agency import Agency
from tests.support.worlds import World


@dataclass(frozen=True)
class Answered:
    """A notice that was just answered; `number` is the agency's."""

    world: World
    notice_id: UUID
    number: str

    def answers(self) -> list[Answer]:
        """Every answer ever given to it, newest first."""
        with tenant_session(self.world.organisation_id) as session:
            return list(session.scalars(answers_of(self.world.organisation_id, self.notice_id)))

    @property
    def answer(self) -> Answer:
        return self.answers()[0]

    @property
    def refusal(self) -> str:
        """The agency's words on the newest answer."""
        organisation_id, answer = self.world.organisation_id, self.answer
        return open_refusal(key_store().keys(organisation_id, [answer.key_id])[answer.key_id], answer)

    def facts(self) -> list[str]:
        """The kinds of its thread, oldest first."""
        with tenant_session(self.world.organisation_id) as session:
            return [one.kind for one in session.scalars(thread_of(self.world.organisation_id, self.notice_id))]

    def designate(self, as_of: datetime, details: DriverDetails = fleet.NOEL) -> None:
        """Answer it (again), by the client's administrator."""
        designating.designate(
            worlds.actor(self.world.admin, as_of),
            self.notice_id,
            driver_id=None,
            kind=DriverKind.EMPLOYEE,
            details=details,
            keep_in_fleet=False,
            as_of=as_of,
        )


def posted_notice(world: World, agency: Agency, as_of: datetime, **changes: object) -> Answered:
    """A notice that the agency has posted and the client has received; its record changed as told."""
    record = fleet.offence_record(fleet.new_plate(), **{"dateAco": str(as_of.date()), **changes})
    agency.post(record)
    receive(world.organisation_id, [Incoming(messages.read_offence(record), None)], as_of)
    return Answered(world, fleet.notice_ids(world.organisation_id)[-1], record["numeroAco"])


def answered_notice(world: World, agency: Agency, as_of: datetime, details: DriverDetails = fleet.NOEL) -> Answered:
    """A notice whose designation was just confirmed."""
    notice = posted_notice(world, agency, as_of)
    notice.designate(as_of, details)
    return notice


def standing(organisation_id: UUID) -> list[str]:
    """The states of all of a client's answers, sorted."""
    with tenant_session(organisation_id) as session:
        return sorted(session.scalars(select(Answer.state).where(Answer.organisation_id == organisation_id)))
