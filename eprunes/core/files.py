"""Files that people send: told by their content, sealed, kept in the database beside what they belong to.

Rows in the database rather than files on a disk: they come and go in the same transaction as their owner.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column, undefer

from eprunes.core.crypto import open_box, open_bytes, seal, seal_bytes
from eprunes.core.database import Base, TenantScoped, TenantSession, new_id
from eprunes.core.refusals import Refused
from eprunes.core.texts import tidy_line

KEY_PURPOSE = "fichier"
LARGEST_BYTES = 10 * 1024 * 1024
_LONGEST_NAME = 150
_PDF_END_WITHIN = 1024
_JPEG_END, _JPEG_SCAN = b"\xff\xd9", 0xDA
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def _is_whole_pdf(content: bytes) -> bool:
    return b"%%EOF" in content[-_PDF_END_WITHIN:]


def _is_whole_jpeg(content: bytes) -> bool:
    """The end comes after the picture itself begins: a preview, further up, has an end of its own; and telephones
    write what they like after it."""
    at = 2
    while content[at : at + 1] == b"\xff" and at + 1 < len(content):
        marker = content[at + 1]
        if marker == _JPEG_SCAN:
            return _JPEG_END in content[at:]
        at += 1 if marker == 0xFF else 2 + int.from_bytes(content[at + 2 : at + 4])
    return False


def _is_whole_png(content: bytes) -> bool:
    return _PNG_END in content


_SIGNATURES = {
    b"%PDF-": ("application/pdf", ".pdf", _is_whole_pdf),
    b"\xff\xd8\xff": ("image/jpeg", ".jpg", _is_whole_jpeg),
    b"\x89PNG\r\n\x1a\n": ("image/png", ".png", _is_whole_png),
}


class StoredFile(TenantScoped, Base):
    """Fichier : what a person sent; its name and its content are sealed with the key `key_id`."""

    __tablename__ = "stored_files"

    key_id: Mapped[UUID]
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    box: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Received:
    """A file as it was sent, once its content has told what it is."""

    name: str
    media_type: str
    content: bytes


def checked(name: str, content: bytes) -> Received:
    """A PDF, JPEG or PNG of ten megabytes at most, with its end, whatever its name says.

    Raises Refused on the field `file`.

    The name it is given back with is the sender's, with the ending that its content calls for.
    """
    if not content:
        raise Refused("Ce fichier est vide.", "file")
    if len(content) > LARGEST_BYTES:
        raise Refused(f"Ce fichier dépasse {LARGEST_BYTES // 1024 // 1024}\u00a0Mo.", "file")
    for signature, (media_type, ending, is_whole) in _SIGNATURES.items():
        if content.startswith(signature):
            if not is_whole(content):
                raise Refused("Ce fichier est incomplet ou abîmé\u00a0: envoyez-le à nouveau.", "file")
            return Received(_ending_in(ending, name), media_type, content)
    raise Refused("Seuls les fichiers PDF, JPEG et PNG sont acceptés\u00a0: celui-ci est d’une autre nature.", "file")


def store(
    session: TenantSession, key: tuple[UUID, bytes], received: Received, *, author_id: UUID | None, as_of: datetime
) -> UUID:
    """Within a transaction: keep a file, sealed with a key (id, key) that exists already. Returns its id."""
    (key_id, secret), file_id, own = key, new_id(), session.organisation_id
    bound = (secret, own, StoredFile.__tablename__, file_id)
    row = StoredFile(
        organisation_id=own,
        id=file_id,
        key_id=key_id,
        media_type=received.media_type,
        size=len(received.content),
        box=seal(*bound, {"name": received.name}),
        content=seal_bytes(*bound, received.content),
        created_by=author_id,
        created_at=as_of,
    )
    session.add(row)
    session.flush()
    return file_id


def name_of(row: StoredFile, secret: bytes) -> str:
    """The name that a file was sent with."""
    return open_box(secret, row.organisation_id, StoredFile.__tablename__, row.id, row.box)["name"]


def read(session: TenantSession, file_id: UUID) -> StoredFile | None:
    """A file with its content, still sealed."""
    query = select(StoredFile).where(StoredFile.organisation_id == session.organisation_id, StoredFile.id == file_id)
    return session.scalar(query.options(undefer(StoredFile.content)))


def remove(session: TenantSession, file_id: UUID) -> UUID:
    """Within a transaction: let a file go. Returns its key's id, to be destroyed once the transaction is over."""
    mine = StoredFile.organisation_id == session.organisation_id, StoredFile.id == file_id
    return session.scalars(delete(StoredFile).where(*mine).returning(StoredFile.key_id)).one()


def opened(row: StoredFile, secret: bytes) -> Received:
    """A file that `read` gave, in clear. Raises BoxUnreadable."""
    content = open_bytes(secret, row.organisation_id, StoredFile.__tablename__, row.id, row.content)
    return Received(name_of(row, secret), row.media_type, content)


def _ending_in(ending: str, name: str) -> str:
    base = tidy_line(name.replace("\\", "/").rpartition("/")[2])
    kept = base.rpartition(".")[0] or base or "document"
    return kept[: _LONGEST_NAME - len(ending)] + ending
