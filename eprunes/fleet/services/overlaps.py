"""Assignments that meet: looked for before writing, and told with driver and period when something is in the way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.driver_details import open_details
from eprunes.fleet.local_times import period_text
from eprunes.fleet.models import OVERLAP_NAME, Assignment, Driver
from eprunes.fleet.services.presence import Period

SAME_START_INDEX = "vehicle_id_starts_at"
DRIVER_REFERENCE = "fk_assignments_organisation_id_driver_id_drivers"
DRIVER_GONE = "Ce conducteur n’existe plus\u00a0: sa fiche vient d’être fusionnée avec une autre, ou supprimée."
PROMISED = (
    "Supprimez ou corrigez d’abord cette attribution prévue, ou attribuez le véhicule avec une fin à cet instant au "
    "plus tard."
)
Key = TypeVar("Key")


class Overlap(Exception):
    """A period meets another assignment of the vehicle; turned into a sentence outside the transaction."""

    def __init__(self, other: Assignment, field: str) -> None:
        super().__init__("overlap")
        self.other, self.field = other, field


def check_free(
    session: TenantSession, vehicle_id: UUID, period: Period, *, but: UUID | None = None, field: str = ""
) -> None:
    """Raise Overlap when another assignment (`but` this one) holds the vehicle during a part of the period.

    The refusal belongs to `field`, by default to the end of the period that has to move.
    """
    starts_at, ends_at = period
    query = queries.assignments_of(session.organisation_id, vehicle_id).where(
        or_(Assignment.ends_at.is_(None), Assignment.ends_at > starts_at)
    )
    if ends_at is not None:
        query = query.where(Assignment.starts_at < ends_at)
    if but is not None:
        query = query.where(Assignment.id != but)
    other = session.scalar(query.order_by(Assignment.starts_at).limit(1))
    if other is not None:
        raise Overlap(other, field or nearest_end(other, starts_at))


@contextmanager
def overlaps_explained(actor: Actor, vehicle_id: UUID | None, period: Period, *, advice: str = "") -> Iterator[None]:
    """Around a transaction: turn an overlap, found by the check or by the database, into a refusal.

    It names driver and period, except when the database alone saw it and the vehicle is not known here; `advice`
    follows when what is in the way only starts later.
    """
    try:
        yield
    except Overlap as overlap:
        raise _named_refusal(actor, overlap, period[0], advice) from overlap
    except IntegrityError as error:
        text = str(error.orig)
        if DRIVER_REFERENCE in text:
            raise Refused(DRIVER_GONE, "driver") from error
        if OVERLAP_NAME not in text and SAME_START_INDEX not in text and "assignments.starts_at" not in text:
            raise
        raise _overlap_seen_after(actor, vehicle_id, period) from error


def named_refusals(
    session: TenantSession, actor: Actor, overlaps: Mapping[Key, Overlap], starts_at: datetime, advice: str = ""
) -> dict[Key, Refused]:
    """What overlaps say, with driver and period; `advice` follows where the other only starts after `starts_at`."""
    holders = {one.other.driver_id for one in overlaps.values()}
    query = select(Driver).where(Driver.organisation_id == actor.organisation_id, Driver.id.in_(holders))
    details = open_details(key_store(), session.scalars(query)) if overlaps else {}
    refusals = {}
    for key, one in overlaps.items():
        known = details.get(one.other.driver_id)
        name = known.sort_name if known else "un conducteur dont les données sont effacées"
        period = period_text(one.other.starts_at, one.other.ends_at, actor.zone, starts_at)
        told = advice if one.other.starts_at > starts_at else ""
        refusals[key] = Refused(f"Ce véhicule est déjà attribué à {name} {period}. {told}".strip(), one.field)
    return refusals


def nearest_end(other: Assignment, starts_at: datetime) -> str:
    """The field of the end of a period that has to move out of another's way."""
    return "starts_at" if other.starts_at <= starts_at else "ends_at"


def _overlap_seen_after(actor: Actor, vehicle_id: UUID | None, period: Period) -> Refused:
    """The database refused what the check had let through: someone else was faster. Look who."""
    try:
        with tenant_session(actor.organisation_id) as session:
            check_free(session, vehicle_id, period)
    except Overlap as overlap:
        return _named_refusal(actor, overlap, period[0])
    return Refused(
        "Ce véhicule vient d’être attribué par quelqu’un d’autre\u00a0: vérifiez et recommencez.", "starts_at"
    )


def _named_refusal(actor: Actor, overlap: Overlap, starts_at: datetime, advice: str = "") -> Refused:
    with tenant_session(actor.organisation_id) as session:
        return named_refusals(session, actor, {None: overlap}, starts_at, advice)[None]
