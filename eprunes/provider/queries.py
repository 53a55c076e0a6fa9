"""What the operator sees of the platform: clients, jobs. Never a notice."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.models import Organisation
from eprunes.accounts.retention import has_ended
from eprunes.accounts.sessions import may_be_visited
from eprunes.core.database import platform_session
from eprunes.core.jobs import JobState
from eprunes.core.refusals import NotVisible


@dataclass(frozen=True)
class Client:
    """One line of the list of clients; `is_open` when its data may be visited."""

    organisation: Organisation
    has_ended: bool
    is_open: bool


def list_clients(as_of: datetime) -> list[Client]:
    """Every client, by name."""
    with platform_session("liste des clients") as session:
        found = session.scalars(select(Organisation).order_by(Organisation.name, Organisation.id)).all()
    return [Client(one, has_ended(one.contract_ends_on, as_of), may_be_visited(one, as_of)) for one in found]


def load_client(organisation_id: UUID, as_of: datetime) -> Organisation:
    """A client whose data may be visited. Raises NotVisible."""
    with platform_session("client à visiter") as session:
        organisation = session.scalar(select(Organisation).where(Organisation.id == organisation_id))
    if organisation is None or not may_be_visited(organisation, as_of):
        raise NotVisible
    return organisation


def list_job_states() -> list[JobState]:
    """The last run of every job, by name."""
    with platform_session("état des tâches") as session:
        return list(session.scalars(select(JobState).order_by(JobState.name)))
