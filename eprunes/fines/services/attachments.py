"""Files kept with a notice: its scan, the proofs of an answer, a receipt; each sealed under a key of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core import audit, files
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.files import Received
from eprunes.core.paging import count_of
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import attached, events
from eprunes.fines.models import Notice, NoticeFile, NoticeFileKind
from eprunes.fines.services import steps

MOST = 30
"""Files of one notice: its page opens the name of each."""
GONE = "Cette pièce n’existe plus\u00a0: elle vient d’être retirée."
ANSWERED = "Une réponse a été donnée depuis que cette pièce est là\u00a0: elle reste avec l’avis."


@dataclass(frozen=True, eq=False)
class Sent:
    """A file as a form sent it; a refusal is said on `field`."""

    name: str
    content: bytes
    field: str = "file"


@dataclass(frozen=True)
class Sealable:
    """A file whose content told what it is, and the key (id, key) made for it."""

    sent: Sent
    received: Received
    key: tuple[UUID, bytes]


@contextmanager
def sealing(actor: Actor, sent: Sequence[Sent], as_of: datetime) -> Iterator[list[Sealable]]:
    """Check files and make their keys, before the transaction that keeps them; nothing stays of a refused one.

    Raises Refused on the field of the file that is of another nature than PDF, JPEG or PNG, empty or too heavy.
    """
    received = [_checked(one) for one in sent]
    keys = key_store().create_keys(actor.organisation_id, files.KEY_PURPOSE, as_of, len(sent)) if sent else []
    try:
        yield [Sealable(*one) for one in zip(sent, received, keys, strict=True)]
    except (Refused, NotVisible):
        key_store().destroy_keys(actor.organisation_id, [key_id for key_id, _ in keys])
        raise


def keep(
    session: TenantSession,
    actor: Actor,
    notice: Notice,
    kind: NoticeFileKind,
    sealed: Sequence[Sealable],
    as_of: datetime,
) -> dict[Sent, UUID]:
    """Within a transaction: keep files with a notice that is locked. Returns the id of each."""
    if sealed and count_of(session, attached.files_of(notice)) + len(sealed) > MOST:
        raise Refused(f"{MOST} pièces au plus par avis\u00a0: retirez d’abord celles qui ne servent plus.", "file")
    kept = {}
    for one in sealed:
        file_id = files.store(session, one.key, one.received, author_id=actor.user_id, as_of=as_of)
        own = {"organisation_id": notice.organisation_id, "id": new_id(), "notice_id": notice.id}
        row = NoticeFile(**own, file_id=file_id, kind=kind, author_id=actor.user_id, added_at=as_of)
        session.add(row)
        session.flush()
        kept[one.sent] = row.id
        events.add(session, notice.id, events.FILE_ADDED, as_of, actor.user_id)
        _record(session, "avis.piece_ajoutee", row, actor, as_of)
    return kept


def add_file(actor: Actor, notice_id: UUID, *, kind: NoticeFileKind, sent: Sent, as_of: datetime) -> None:
    """Keep a file with a notice that the actor sees. Raises NotVisible, or Refused as `sealing` does."""
    with sealing(actor, [sent], as_of) as sealed, tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        keep(session, actor, notice, kind, sealed, as_of)


def take_file(session: TenantSession, actor: Actor, file_id: UUID, *, as_of: datetime) -> Received:
    """A file of a notice that the actor sees, in clear; that it was handed out is traced. Raises NotVisible."""
    row = session.scalar(attached.visible_files(actor, as_of).where(NoticeFile.id == file_id))
    file = files.read(session, row.file_id) if row else None
    key = key_store().keys(actor.organisation_id, [file.key_id]).get(file.key_id) if file else None
    if key is None:
        raise NotVisible(steps.GONE)
    content = files.opened(file, key)
    with tenant_session(actor.organisation_id, write=True) as trace:
        _record(trace, "avis.piece_telechargee", row, actor, as_of)
    return content


def remove_file(actor: Actor, notice_id: UUID, file_id: UUID, *, as_of: datetime) -> None:
    """Destroy a file added by mistake, its key after it. Raises Refused once an answer was given with it there."""
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        row = session.scalar(attached.files_of(notice).where(NoticeFile.id == file_id).with_for_update())
        if row is None:
            raise Refused(GONE)
        if not attached.may_go(session, notice, row):
            raise Refused(ANSWERED)
        events.add(session, notice.id, events.FILE_REMOVED, as_of, actor.user_id)
        _record(session, "avis.piece_retiree", row, actor, as_of)
        session.delete(row)
        session.flush()
        key_id = files.remove(session, row.file_id)
    key_store().destroy_keys(actor.organisation_id, [key_id])


def _checked(one: Sent) -> Received:
    try:
        return files.checked(one.name, one.content)
    except Refused as refusal:
        raise Refused(str(refusal), one.field) from refusal


def _record(session: TenantSession, action: str, row: NoticeFile, actor: Actor, as_of: datetime) -> None:
    details = {"piece": str(row.id), "nature": row.kind}
    about = {"subject": ("avis", row.notice_id), "details": details}
    audit.record(session, action, as_of=as_of, actor_id=actor.user_id, **about)
