"""What forms suggest for a vehicle: what the other vehicles of the fleet say already."""

from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Select, func, select

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


def sites_in_use(session: TenantSession) -> list[str]:
    """The sites of the fleet, sorted: at most two hundred."""
    return sorted(session.scalars(_sites(session.organisation_id)), key=folded)


@lru_cache(maxsize=64)
def _sites(organisation_id: UUID) -> Select[tuple[str]]:
    """Each site is looked up from the one before it: that costs what the sites are, not what the vehicles are. The
    query takes longer to write than to carry out, so that it is kept."""
    own = Vehicle.organisation_id == organisation_id
    sites = select(func.min(Vehicle.site).label("site")).where(own, Vehicle.site > "").cte("sites", recursive=True)
    following = select(func.min(Vehicle.site)).where(own, Vehicle.site > sites.c.site).scalar_subquery()
    sites = sites.union_all(select(following).where(sites.c.site.is_not(None)))
    return select(sites.c.site).where(sites.c.site.is_not(None)).limit(MOST)
