"""Internal notes: what users write for each other under a notice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.crypto import key_store, seal
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.paging import count_of
from eprunes.core.refusals import Refused
from eprunes.fines import events
from eprunes.fines.attached import NOTE_TABLE
from eprunes.fines.models import Notice, NoticeNote
from eprunes.fines.services import steps

MOST = 100
"""Notes of one notice: its page opens each."""


def add_note(actor: Actor, notice_id: UUID, *, text: str, as_of: datetime) -> None:
    """Write under a notice that the actor sees; sealed with the notice's key, so that it goes with the notice.

    Never sent to anyone, never changed, never taken away alone. Raises NotVisible, or Refused.
    """
    written = text.strip()
    if not written:
        raise Refused("Écrivez la note.", "text")
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        write(session, actor, notice, written, as_of, "text")


def write(session: TenantSession, actor: Actor, notice: Notice, text: str, as_of: datetime, field: str) -> None:
    """The step of a note on a notice that is locked; does not commit. Raises Refused on this field of the form."""
    own = NoticeNote.organisation_id == notice.organisation_id, NoticeNote.notice_id == notice.id
    if count_of(session, select(NoticeNote).where(*own)) >= MOST:
        raise Refused(f"{MOST} notes au plus par avis.", field)
    note_id, key = new_id(), key_store().keys(notice.organisation_id, [notice.key_id])[notice.key_id]
    session.add(
        NoticeNote(
            organisation_id=notice.organisation_id,
            id=note_id,
            notice_id=notice.id,
            author_id=actor.user_id,
            written_at=as_of,
            key_id=notice.key_id,
            box=seal(key, notice.organisation_id, NOTE_TABLE, note_id, {"text": text}),
        )
    )
    events.add(session, notice.id, events.NOTE_ADDED, as_of, actor.user_id)
    about = {"subject": ("avis", notice.id), "details": {"note": str(note_id)}}
    audit.record(session, "avis.note_ajoutee", as_of=as_of, actor_id=actor.user_id, **about)
