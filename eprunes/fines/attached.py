"""Files and notes of a notice, read: seen by whoever sees the notice, for as long."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, select

from eprunes.accounts.permissions import Actor
from eprunes.core import files
from eprunes.core.crypto import key_store, open_box
from eprunes.core.database import TenantSession
from eprunes.core.files import StoredFile
from eprunes.core.wording import file_size
from eprunes.fines.models import Answer, Notice, NoticeFile, NoticeFileKind, NoticeNote
from eprunes.fines.queries import visible_notices
from eprunes.fleet.queries import author_names

NOTE_TABLE = NoticeNote.__tablename__
UNREADABLE = "Pièce effacée"
NO_ACCOUNT = "un compte supprimé"
KIND_WORDS = {
    NoticeFileKind.NOTICE: "Avis reçu",
    NoticeFileKind.PROOF: "Pièce justificative",
    NoticeFileKind.RECEIPT: "Accusé",
    NoticeFileKind.OTHER: "Autre pièce",
}


@dataclass(frozen=True)
class Attached:
    """A file of a notice; `may_go` while no answer was given since it is there."""

    id: UUID
    kind: str
    name: str
    size: str
    at: datetime
    author: str
    may_go: bool


@dataclass(frozen=True)
class Note:
    """An internal note."""

    text: str
    at: datetime
    author: str


def visible_files(actor: Actor, as_of: datetime) -> Select[tuple[NoticeFile]]:
    """The files of the notices that the actor may see now."""
    theirs = visible_notices(actor, as_of).with_only_columns(Notice.id)
    own = NoticeFile.organisation_id == actor.organisation_id
    return select(NoticeFile).where(own, NoticeFile.notice_id.in_(theirs))


def files_of(notice: Notice) -> Select[tuple[NoticeFile]]:
    """The files of a notice that was loaded as visible."""
    own = NoticeFile.organisation_id == notice.organisation_id
    return select(NoticeFile).where(own, NoticeFile.notice_id == notice.id)


def may_go(session: TenantSession, notice: Notice, row: NoticeFile) -> bool:
    """Whether a file may still be taken away: no answer was given since it is there."""
    latest = _latest_answer(session, notice)
    return latest is None or latest < row.added_at


def read_files(session: TenantSession, notice: Notice) -> list[Attached]:
    """The files of a notice that was loaded as visible, newest first."""
    stored = and_(StoredFile.organisation_id == NoticeFile.organisation_id, StoredFile.id == NoticeFile.file_id)
    query = files_of(notice).join(StoredFile, stored).add_columns(StoredFile)
    rows = session.execute(query.order_by(NoticeFile.added_at.desc(), NoticeFile.id.desc())).all()
    if not rows:
        return []
    keys = key_store().keys(notice.organisation_id, [file.key_id for _, file in rows])
    authors = author_names(session, (one.author_id for one, _ in rows))
    latest = _latest_answer(session, notice)
    return [
        Attached(
            one.id,
            KIND_WORDS.get(one.kind, one.kind),
            files.name_of(file, keys[file.key_id]) if file.key_id in keys else UNREADABLE,
            file_size(file.size),
            one.added_at,
            authors.get(one.author_id, NO_ACCOUNT),
            latest is None or latest < one.added_at,
        )
        for one, file in rows
    ]


def read_notes(session: TenantSession, notice: Notice) -> list[Note]:
    """The notes of a notice that was loaded as visible, oldest first."""
    own = NoticeNote.organisation_id == notice.organisation_id
    query = select(NoticeNote).where(own, NoticeNote.notice_id == notice.id)
    rows = session.scalars(query.order_by(NoticeNote.written_at, NoticeNote.id)).all()
    if not rows:
        return []
    key = key_store().keys(notice.organisation_id, [notice.key_id])[notice.key_id]
    authors = author_names(session, (one.author_id for one in rows))
    return [
        Note(
            open_box(key, one.organisation_id, NOTE_TABLE, one.id, one.box)["text"],
            one.written_at,
            authors.get(one.author_id, NO_ACCOUNT),
        )
        for one in rows
    ]


def _latest_answer(session: TenantSession, notice: Notice) -> datetime | None:
    own = Answer.organisation_id == notice.organisation_id
    query = select(Answer.confirmed_at).where(own, Answer.notice_id == notice.id)
    return session.scalar(query.order_by(Answer.confirmed_at.desc()).limit(1))
