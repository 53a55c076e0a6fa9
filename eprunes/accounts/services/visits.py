"""An operator's visit to a client's data: asked for with a reason, traced page by page."""

from datetime import datetime

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.audit import ActorKind
from eprunes.core.database import tenant_session


def trace_visit(actor: Actor, page: str, as_of: datetime) -> None:
    """Leave in the client's journal which page a visiting operator opens."""
    with tenant_session(actor.organisation_id, write=True) as session:
        audit.record(
            session,
            "visite.page",
            as_of=as_of,
            actor_id=actor.identity_id,
            actor_kind=ActorKind.OPERATOR,
            subject=("visite", actor.visit_id),
            details={"page": page},
        )
