"""The queue of mails: written with the change that they tell of, sent afterwards by a job, each once at most.

What a mail says is sealed until it is sent, then destroyed; what stays is its purpose and its fate.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from flask import current_app, render_template
from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.crypto import PLATFORM, key_store, seal
from eprunes.core.database import Base, PlatformSession, PlatformWide, TenantSession, new_id

KEY_PURPOSE = "courriel"
TABLE = "outgoing_mails"


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


def queue(
    session: PlatformSession | TenantSession,
    template: str,
    *,
    to: str,
    as_of: datetime,
    organisation_id: UUID | None = None,
    deliver: bool = True,
    **context: object,
) -> None:
    """Within a transaction: queue the mail of `templates/mails/<template>.txt` and `.html` for one address.

    The first line of the text is the subject. With `deliver` False all is done but the sending, so that nobody can
    tell from the time taken. The session must admit platform tables.
    """
    subject, _, text = render_template(f"mails/{template}.txt", **context).strip().partition("\n")
    html = render_template(f"mails/{template}.html", **context)
    content = {"to": to, "subject": subject, "text": text.strip() + "\n", "html": html, "deliver": deliver}
    [(key_id, key)] = key_store().create_keys(PLATFORM, KEY_PURPOSE, as_of)
    mail_id = new_id()
    session.add(
        OutgoingMail(
            id=mail_id,
            organisation_id=organisation_id,
            purpose=template,
            key_id=key_id,
            box=seal(key, PLATFORM, TABLE, mail_id, content),
            next_attempt_at=as_of,
            created_at=as_of,
        )
    )


def link_to(path: str) -> str:
    """The full address of a page, from the configured base URL and never from what a request says."""
    return current_app.extensions["eprunes_settings"].base_url + path
