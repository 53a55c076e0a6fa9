"""What is traced of reading: a list of notices, a notice opened."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.audit import ActorKind
from eprunes.core.database import TenantSession, tenant_session
from eprunes.fines import events
from eprunes.fines.models import Notice, NoticeEvent


def note_list_seen(actor: Actor, *, view: str, found: int, is_searched: bool, as_of: datetime) -> None:
    """Trace that an actor saw a list of notices: one entry, with the view and how many were found (C11)."""
    details = {"vue": view, "nombre": found, "recherche": is_searched}
    with tenant_session(actor.organisation_id, write=True) as session:
        audit.record_all(session, [("avis.liste_consultee", None, details)], as_of=as_of, **_reader(actor))


def note_opened(actor: Actor, notice: Notice, *, as_of: datetime) -> None:
    """Trace that an actor saw a notice: once in its thread, each time in the journal.

    What an operator sees during a visit stands in the journal alone.
    """
    with tenant_session(notice.organisation_id, write=True) as session:
        if not actor.is_visiting:
            _note_in_thread(session, notice, actor.user_id, as_of)
        about = "avis", notice.id
        audit.record(session, "avis.consulte", as_of=as_of, subject=about, **_reader(actor))


def _reader(actor: Actor) -> dict:
    """Who reads, as the journal names them: an operator on a visit has no user."""
    if actor.is_visiting:
        return {"actor_id": actor.identity_id, "actor_kind": ActorKind.OPERATOR}
    return {"actor_id": actor.user_id, "actor_kind": ActorKind.USER}


def _note_in_thread(session: TenantSession, notice: Notice, user_id: UUID, as_of: datetime) -> None:
    already = session.scalar(
        select(NoticeEvent.id)
        .where(
            NoticeEvent.organisation_id == notice.organisation_id,
            NoticeEvent.notice_id == notice.id,
            NoticeEvent.kind == events.OPENED,
            NoticeEvent.actor_id == user_id,
        )
        .limit(1)
    )
    if already is None:
        events.add(session, notice.id, events.OPENED, as_of, user_id)
        first = (
            Notice.organisation_id == notice.organisation_id,
            Notice.id == notice.id,
            Notice.first_opened_at.is_(None),
        )
        session.execute(update(Notice).where(*first).values(first_opened_at=as_of))
