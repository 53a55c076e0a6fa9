"""An operator's visit to a client's data: asked for with a reason, read only, traced page by page."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select, update

from eprunes.accounts.models import OperatorVisit, Organisation, UserSession
from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.sessions import change_token, may_be_visited
from eprunes.core import audit, jobs
from eprunes.core.audit import ActorKind
from eprunes.core.database import TenantSession, new_id, platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.core.texts import tidy_line

LASTS = timedelta(minutes=60)
SHORTEST_REASON, LONGEST_REASON = 3, 300
_WHY = "visite d’un exploitant"


def start_visit(actor: Actor, organisation_id: UUID, reason: str, as_of: datetime) -> str:
    """Open a client's data to an operator for an hour; returns the session's new secret token.

    The reason is for the client to read. Raises NotVisible, or Refused without a readable reason.
    """
    reason = _readable(reason)
    if not actor.may(Permission.OPERATE):
        raise NotVisible
    visit_id = new_id()
    with tenant_session(organisation_id, write=True, platform_reason=_WHY) as session:
        organisation = session.scalar(select(Organisation).where(Organisation.id == organisation_id))
        if organisation is None or not may_be_visited(organisation, as_of):
            raise NotVisible
        session.add(
            OperatorVisit(
                id=visit_id,
                identity_id=actor.identity_id,
                organisation_id=organisation_id,
                reason=reason,
                started_at=as_of,
                ends_at=as_of + LASTS,
            )
        )
        session.flush()
        details = {"motif": reason, "minutes": LASTS // timedelta(minutes=1)}
        _record(session, "visite.debut", visit_id, as_of, actor.identity_id, details)
        return change_token(session, actor, visit_id=visit_id)


def end_visit(actor: Actor, as_of: datetime) -> str:
    """Leave the client's data before the hour is over; returns the session's new secret token. Raises NotVisible."""
    if not actor.is_visiting:
        raise NotVisible("Aucune visite n’est en cours\u00a0: la vôtre a duré soixante minutes, ou n’a pas commencé.")
    with tenant_session(actor.organisation_id, write=True, platform_reason=_WHY) as session:
        if _close(session, actor.visit_id, as_of):
            _record(session, "visite.fin", actor.visit_id, as_of, actor.identity_id)
        return change_token(session, actor, visit_id=None)


def close_over(as_of: datetime) -> Mapping[str, int]:
    """Note the end of visits that nobody left: the hour is over, or the session ended. Harmless when repeated."""
    with platform_session(_WHY) as session:
        ids = set(session.scalars(select(OperatorVisit.organisation_id).where(*_over(as_of))))
    return jobs.per_organisation(sorted(ids), lambda organisation_id: _close_over(organisation_id, as_of))


def current_visit(actor: Actor) -> OperatorVisit:
    """The visit that an actor is making."""
    with platform_session(_WHY) as session:
        return session.scalars(select(OperatorVisit).where(OperatorVisit.id == actor.visit_id)).one()


def trace_visit(actor: Actor, page: str, as_of: datetime, ids: Mapping[str, UUID] | None = None) -> None:
    """Leave in the client's journal which page, about what, a visiting operator was given."""
    details = {"page": page} | {name: str(one) for name, one in (ids or {}).items()}
    with tenant_session(actor.organisation_id, write=True) as session:
        _record(session, "visite.page", actor.visit_id, as_of, actor.identity_id, details)


def _readable(reason: str) -> str:
    """The reason on one line. Raises Refused when the client could not read it."""
    tidied = tidy_line(reason)
    if not SHORTEST_REASON <= len(tidied) <= LONGEST_REASON:
        raise Refused(f"Le motif tient en {SHORTEST_REASON} à {LONGEST_REASON} caractères.", "reason")
    return tidied


def _over(as_of: datetime) -> tuple:
    held = exists().where(UserSession.visit_id == OperatorVisit.id, UserSession.ended_at.is_(None))
    return OperatorVisit.ended_at.is_(None), or_(OperatorVisit.ends_at <= as_of, ~held)


def _close_over(organisation_id: UUID, as_of: datetime) -> Mapping[str, int]:
    with tenant_session(organisation_id, write=True, platform_reason=_WHY) as session:
        over = update(OperatorVisit).where(OperatorVisit.organisation_id == organisation_id, *_over(as_of))
        closed = session.scalars(over.values(ended_at=as_of).returning(OperatorVisit.id)).all()
        for visit_id in closed:
            _record(session, "visite.fin", visit_id, as_of, None)
    return {"visits_closed": len(closed)}


def _close(session: TenantSession, visit_id: UUID, as_of: datetime) -> bool:
    still_open = OperatorVisit.id == visit_id, OperatorVisit.ended_at.is_(None)
    return session.execute(update(OperatorVisit).where(*still_open).values(ended_at=as_of)).rowcount == 1


def _record(
    session: TenantSession,
    action: str,
    visit_id: UUID,
    as_of: datetime,
    identity_id: UUID | None,
    details: dict | None = None,
) -> None:
    audit.record(
        session,
        action,
        as_of=as_of,
        actor_id=identity_id,
        actor_kind=ActorKind.OPERATOR,
        subject=("visite", visit_id),
        details=details,
    )
