"""The queue of mails: written with the change that they tell of, sent afterwards by a job, each once at most.

What a mail says is sealed until it is sent, then destroyed; what stays is its purpose and its fate.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, PlatformWide, new_id


class MailState(StrEnum):
    WAITING = "a_envoyer"
    SENDING = "en_cours"
    SENT = "envoye"
    REFUSED = "refuse"
    UNKNOWN = "inconnu"


class OutgoingMail(PlatformWide, Base):
    """Courriel à envoyer : sealed under a key of the platform until its fate is known."""

    __tablename__ = "outgoing_mails"
    __table_args__ = (Index(None, "state", "next_attempt_at"), Index(None, "organisation_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    purpose: Mapped[str] = mapped_column(String(40))
    key_id: Mapped[UUID | None]
    box: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(12), default=MailState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(200))
