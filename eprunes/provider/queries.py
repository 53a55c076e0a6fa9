"""What the operator sees of the platform: clients, jobs. Never a notice."""

from sqlalchemy import select

from eprunes.accounts.models import Organisation
from eprunes.core.database import platform_session
from eprunes.core.jobs import JobState


def list_clients() -> list[Organisation]:
    """Every client, by name."""
    with platform_session("liste des clients") as session:
        return list(session.scalars(select(Organisation).order_by(Organisation.name, Organisation.id)))


def list_job_states() -> list[JobState]:
    """The last run of every job, by name."""
    with platform_session("état des tâches") as session:
        return list(session.scalars(select(JobState).order_by(JobState.name)))
