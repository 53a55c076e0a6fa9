"""The mails that wait to be sent, opened."""

import re

from sqlalchemy import select

from eprunes.accounts.models import User
from eprunes.core import mail
from eprunes.core.crypto import PLATFORM, key_store, open_box
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.mail import OutgoingMail


def letters(to: str) -> list[dict]:
    """What was queued for one address, oldest first; `purpose` names the text."""
    with platform_session("tests") as session:
        rows = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
    keys = key_store().keys(PLATFORM, [row.key_id for row in rows])
    found = [
        {"purpose": row.purpose, **open_box(keys[row.key_id], PLATFORM, mail.TABLE, row.id, row.box)} for row in rows
    ]
    return [one for one in found if one["to"] == to]


def purposes(to: str) -> list[str]:
    return [one["purpose"] for one in letters(to)]


def token_for(to: str) -> str:
    """The token in the latest invitation sent to an address."""
    [*_, latest] = [one for one in letters(to) if one["purpose"] == "invitation"]
    return re.search(r"/invitation/([\w-]+)", latest["text"])[1]


def user_row(world, email: str) -> User | None:
    with tenant_session(world.organisation_id) as session:
        query = select(User).where(User.organisation_id == world.organisation_id, User.email == email)
        return session.scalar(query)
