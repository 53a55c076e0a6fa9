"""What forms suggest for a vehicle: what the other vehicles of the fleet say already."""

from collections.abc import Iterable

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.texts import folded
from eprunes.fleet.models import Vehicle
from eprunes.fleet.queries import visible_vehicles

MOST = 200
SUGGESTED = ("make", "site", "cost_centre", "lessor", "registered_to")


def suggestions(session: TenantSession, actor: Actor, fields: Iterable[str] = SUGGESTED) -> dict[str, list[str]]:
    """The values that are in use, sorted, by field: at most two hundred of each."""
    found = {}
    for name in fields:
        column = getattr(Vehicle, name)
        query = visible_vehicles(actor).with_only_columns(column).where(column != "").distinct()
        found[name] = sorted(session.scalars(query.order_by(column).limit(MOST)), key=folded)
    return found
