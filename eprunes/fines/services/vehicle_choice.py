"""Saying which vehicle a notice is about, where its plate is none of the fleet's as it was read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fines import events
from eprunes.fines.answering import NoticeMove, NoticeState, move_notice
from eprunes.fines.notice_details import is_its_plate, key_of, open_notice
from eprunes.fines.services import steps
from eprunes.fleet.models import Vehicle

VEHICLE_GONE = "Ce véhicule n’est pas dans votre parc."
PLATE_KNOWN = "La plaque de cet avis est celle d’un véhicule de votre parc\u00a0: il ne se choisit pas."


def choose_vehicle(actor: Actor, notice_id: UUID, *, vehicle_id: UUID | None, as_of: datetime) -> None:
    """Tie a notice to a vehicle of the fleet whose plate is not the one it bears, or to none again.

    Only while the notice has no answer, and never where its plate is in the fleet. Raises NotVisible or Refused.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        if notice.is_answered:
            move_notice(NoticeState(notice.state), NoticeMove.ANSWER)
        details = open_notice(key_of(notice), notice)
        present = _vehicle(session, actor, notice.vehicle_id) if notice.vehicle_id else None
        if present is not None and is_its_plate(details, present):
            raise Refused(PLATE_KNOWN)
        if vehicle_id is not None and _vehicle(session, actor, vehicle_id) is None:
            raise Refused(VEHICLE_GONE)
        if vehicle_id == notice.vehicle_id:
            return
        notice.vehicle_id = vehicle_id
        event = events.VEHICLE_CHOSEN if vehicle_id else events.VEHICLE_UNDONE
        events.add(session, notice.id, event, as_of, actor.user_id)
        about = {"subject": ("avis", notice.id), "details": {"vehicule": str(vehicle_id) if vehicle_id else ""}}
        audit.record(session, f"avis.{event}", as_of=as_of, actor_id=actor.user_id, **about)


def _vehicle(session: TenantSession, actor: Actor, vehicle_id: UUID) -> Vehicle | None:
    """Any vehicle of the client's, departed ones included: the fleet's own right is not asked for."""
    own = Vehicle.organisation_id == actor.organisation_id
    return session.scalar(select(Vehicle).where(own, Vehicle.id == vehicle_id))
