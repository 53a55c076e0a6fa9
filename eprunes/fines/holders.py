"""Who had a notice's vehicle at the offence's instant."""

from datetime import datetime
from uuid import UUID

from eprunes.core.database import TenantSession
from eprunes.fines.models import Notice
from eprunes.fleet.queries import holders_at_many


def instants_of(notice: Notice) -> list[datetime]:
    """When the offence was: two instants in the doubled hour of autumn."""
    return [notice.offence_at, *([notice.second_offence_at] if notice.second_offence_at else [])]


def holder_ids(session: TenantSession, notice: Notice) -> set[UUID]:
    """The drivers who had the vehicle then, as the fleet says: none, one, or two in autumn's doubled hour."""
    if notice.vehicle_id is None:
        return set()
    moments = [(notice.vehicle_id, instant) for instant in instants_of(notice)]
    return {one.driver_id for one in holders_at_many(session, notice.organisation_id, moments).values()}
