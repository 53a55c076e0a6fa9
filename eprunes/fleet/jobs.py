"""Jobs of the fleet room."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from eprunes.accounts import quota
from eprunes.accounts.queries import living_organisations
from eprunes.core import audit, jobs
from eprunes.core.database import tenant_session
from eprunes.fleet.models import Vehicle


def release_departed(as_of: datetime) -> Mapping[str, int]:
    """Give back the quota's places of vehicles whose planned exit has come. Harmless when repeated."""
    ids = [organisation.id for organisation in living_organisations()]
    return jobs.per_organisation(ids, lambda organisation_id: _release(organisation_id, as_of))


def _release(organisation_id: UUID, as_of: datetime) -> Mapping[str, int]:
    departed = (
        update(Vehicle)
        .where(
            Vehicle.organisation_id == organisation_id,
            Vehicle.counts_in_quota.is_(True),
            Vehicle.left_at <= as_of,
        )
        .values(counts_in_quota=False)
        .execution_options(synchronize_session=False)
    )
    with tenant_session(organisation_id, write=True) as session:
        released = session.execute(departed).rowcount
        if released:
            quota.take(session, -released, as_of)
            audit.record(session, "vehicules.places_rendues", as_of=as_of, details={"nombre": released})
    return {"released": released}
