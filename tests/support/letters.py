"""The mails that wait to be sent, read as their readers will."""

import re
from dataclasses import dataclass

from sqlalchemy import select

from eprunes.core import mail
from eprunes.core.crypto import PLATFORM, key_store, open_box
from eprunes.core.database import platform_session

_LINK = re.compile(r"https?://[^/\s]+(/\S+)")


@dataclass(frozen=True)
class Letter:
    """One mail; `is_delivered` False when it is queued for show only."""

    purpose: str
    to: str
    subject: str
    text: str
    html: str
    is_delivered: bool

    @property
    def path(self) -> str:
        """The page that its one link opens."""
        [path] = set(_LINK.findall(self.text))
        return path

    @property
    def token(self) -> str:
        return self.path.rsplit("/", 1)[1]


def queued(purpose: str | None = None, *, to: str | None = None) -> list[Letter]:
    """The mails in the queue, oldest first: every one, or those of one purpose, or to one address."""
    with platform_session("tests") as session:
        rows = session.scalars(select(mail.OutgoingMail).order_by(mail.OutgoingMail.id)).all()
    keys = key_store().keys(PLATFORM, [row.key_id for row in rows if row.key_id])
    letters = []
    for row in rows:
        content = open_box(keys[row.key_id], PLATFORM, mail.TABLE, row.id, row.box)
        told = (content["to"], content["subject"], content["text"], content["html"], content["deliver"])
        letters.append(Letter(row.purpose, *told))
    return [one for one in letters if purpose in (None, one.purpose) and to in (None, one.to)]


def purposes(to: str) -> list[str]:
    """What the mails to an address are about, oldest first."""
    return [letter.purpose for letter in queued(to=to)]


def token_for(to: str) -> str:
    """The token in the latest invitation to an address."""
    return queued("invitation", to=to)[-1].token
