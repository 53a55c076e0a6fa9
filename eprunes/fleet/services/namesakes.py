"""Two files of one name and birth date that are of two persons: said once, kept until it is taken back."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.models import DistinctDrivers, Driver
from eprunes.fleet.services import steps

GONE = "Ces deux fiches ne sont plus dans votre parc."


def declare_distinct(*, actor: Actor, driver_id: UUID, other_id: UUID, as_of: datetime) -> None:
    """Note that two files are of two persons, once. Raises Refused when one of them is gone."""
    with tenant_session(actor.organisation_id, write=True) as session:
        both_locked(session, actor, driver_id, other_id)
        if are_distinct(session, driver_id, other_id):
            return
        add_pairs(session, actor, driver_id, [other_id], as_of)
        facts = {"avec": str(other_id)}
        steps.record(session, "conducteur.distinct", ("conducteur", driver_id), actor, as_of, facts)


def undo_distinct(*, actor: Actor, pair_id: UUID, as_of: datetime) -> None:
    """Two files may be of one person again. Raises Refused when somebody said so already."""
    with tenant_session(actor.organisation_id, write=True) as session:
        query = queries.visible_distinct_drivers(actor).where(DistinctDrivers.id == pair_id)
        pair = session.scalar(query.with_for_update())
        if pair is None:
            raise Refused("Ces deux fiches ne sont plus déclarées distinctes.")
        facts = {"avec": str(pair.second_id)}
        steps.record(session, "conducteur.distinct_annule", ("conducteur", pair.first_id), actor, as_of, facts)
        session.delete(pair)


def both_locked(session: TenantSession, actor: Actor, one_id: UUID, other_id: UUID) -> tuple[Driver, Driver]:
    """Two drivers, locked, in this order. Raises Refused."""
    rows = {row.id: row for row in _locked(session, actor, [one_id, other_id])}
    if len(rows) < 2:
        raise Refused(GONE)
    return rows[one_id], rows[other_id]


def are_distinct(session: TenantSession, one_id: UUID, other_id: UUID) -> bool:
    """True when somebody said that these are two persons."""
    return other_id in _said_distinct_from(session, one_id)


def add_pairs(
    session: TenantSession, actor: Actor, driver_id: UUID, other_ids: Collection[UUID], as_of: datetime
) -> list[UUID]:
    """Within a transaction: keep a driver apart from others; those that are gone are passed over. Returns the rest."""
    present = [row.id for row in _locked(session, actor, other_ids)]
    for other_id in present:
        first_id, second_id = sorted((driver_id, other_id))
        made = {"created_by": actor.user_id, "created_at": as_of, "organisation_id": actor.organisation_id}
        session.add(DistinctDrivers(id=new_id(), first_id=first_id, second_id=second_id, **made))
    session.flush()
    return present


def take_along(session: TenantSession, actor: Actor, kept_id: UUID, dropped_id: UUID, as_of: datetime) -> None:
    """Within a merge: whoever is not the one is not the other either."""
    missing = _said_distinct_from(session, dropped_id) - _said_distinct_from(session, kept_id)
    remove_pairs(session, dropped_id)
    add_pairs(session, actor, kept_id, missing, as_of)


def remove_pairs(session: TenantSession, driver_id: UUID) -> None:
    """Within a transaction that removes a driver: forget from whom they were told apart."""
    session.execute(delete(DistinctDrivers).where(*_of(session, driver_id)))


def _said_distinct_from(session: TenantSession, driver_id: UUID) -> set[UUID]:
    query = select(DistinctDrivers.first_id, DistinctDrivers.second_id).where(*_of(session, driver_id))
    return {one for pair in session.execute(query) for one in pair} - {driver_id}


def _of(session: TenantSession, driver_id: UUID) -> tuple[ColumnElement[bool], ...]:
    either = or_(DistinctDrivers.first_id == driver_id, DistinctDrivers.second_id == driver_id)
    return DistinctDrivers.organisation_id == session.organisation_id, either


def _locked(session: TenantSession, actor: Actor, driver_ids: Collection[UUID]) -> list[Driver]:
    query = queries.visible_drivers(actor).where(Driver.id.in_(driver_ids)).order_by(Driver.id)
    return list(session.scalars(query.with_for_update())) if driver_ids else []
