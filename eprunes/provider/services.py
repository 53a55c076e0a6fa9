"""What operators do that leaves a trace of their own."""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.audit import ActorKind
from eprunes.core.database import tenant_session


def note_look(actor: Actor, organisation_id: UUID | None, subject: tuple[str, UUID], as_of: datetime) -> None:
    """Leave in a client's journal that an operator looked at an account, or at the people of the client among whom a
    hand-over on proof is made; operators' own accounts have no journal."""
    if organisation_id is None:
        return
    with tenant_session(organisation_id, write=True) as session:
        audit.record(
            session,
            "passation.consultee" if subject[0] == "client" else "compte.consulte",
            as_of=as_of,
            actor_id=actor.identity_id,
            actor_kind=ActorKind.OPERATOR,
            subject=subject,
        )
