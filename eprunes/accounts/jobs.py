"""Jobs of the accounts room."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import delete, select, update

from eprunes.accounts import throttling
from eprunes.accounts.models import Identity, SignInEvent, Throttle
from eprunes.accounts.services.signing_in import Outcome
from eprunes.core import audit, jobs
from eprunes.core.audit import connections_kept_from
from eprunes.core.database import TenantSession, platform_session, tenant_session

_BATCH = 500
_REASON = "journal des connexions"


def record_sign_ins(as_of: datetime) -> Mapping[str, int]:
    """Copy what happened at the sign-in page into the journals of the clients concerned, each attempt once (C11),
    and forget what is older than twelve months, and brakes that no longer count.
    """
    counts = jobs.per_organisation(_organisations_waiting(), _record)
    return counts + _forget(as_of)


def _organisations_waiting() -> list[UUID]:
    query = (
        select(Identity.organisation_id)
        .join(SignInEvent, SignInEvent.identity_id == Identity.id)
        .where(SignInEvent.recorded_at.is_(None), Identity.organisation_id.is_not(None))
        .distinct()
    )
    with platform_session(_REASON) as session:
        return list(session.scalars(query))


def _record(organisation_id: UUID) -> Counter:
    """One client's next attempts, oldest first; marked and journalled in one transaction."""
    waiting = (
        select(SignInEvent, Identity)
        .join(Identity, Identity.id == SignInEvent.identity_id)
        .where(Identity.organisation_id == organisation_id, SignInEvent.recorded_at.is_(None))
        .order_by(SignInEvent.at, SignInEvent.id)
        .limit(_BATCH)
        .with_for_update(of=SignInEvent)
    )
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        rows = session.execute(waiting).all()
        for _, alike in groupby(rows, key=_sameness):
            _journal(session, [tuple(row) for row in alike])
        done = update(SignInEvent).where(SignInEvent.id.in_([row.SignInEvent.id for row in rows]))
        session.execute(done.values(recorded_at=SignInEvent.at))
    return Counter(recorded=len(rows))


def _sameness(row) -> tuple:
    """Attempts that the brake refused one after the other make one entry: a flood must not fill the journal."""
    event = row.SignInEvent
    braked = event.outcome == Outcome.BRAKED
    return (event.identity_id, event.address, event.device) if braked else (event.id,)


def _journal(session: TenantSession, alike: list[tuple[SignInEvent, Identity]]) -> None:
    event, identity = alike[-1]
    opened = event.outcome == Outcome.OPENED
    details = {} if opened else {"motif": event.outcome}
    if len(alike) > 1:
        details["nombre"] = len(alike)
    audit.record(
        session,
        "connexion" if opened else "connexion.refusee",
        as_of=event.at,
        actor_id=identity.user_id if opened else None,
        subject=("utilisateur", identity.user_id),
        details=details,
        connection={"address": event.address, "device": event.device},
    )


def _forget(as_of: datetime) -> Counter:
    """Destroy what no longer counts. Harmless when repeated."""
    old = {
        "events_forgotten": delete(SignInEvent).where(SignInEvent.at < connections_kept_from(as_of)),
        "brakes_forgotten": delete(Throttle).where(Throttle.last_at < as_of - throttling.FORGOTTEN_AFTER),
    }
    with platform_session("connexions anciennes", write=True) as session:
        return Counter({name: session.execute(statement).rowcount for name, statement in old.items()})
