"""The queue of mails: written with the change that they tell of, sent afterwards by a job, each once at most.

What a mail says is sealed until its fate is known, then destroyed; what stays, for 30 days, is its purpose and its
fate. A mail that a server may have taken in is never sent again: it ends as unknown.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from uuid import UUID

from cryptography.exceptions import InvalidTag
from flask import current_app, render_template
from sqlalchemy import ForeignKey, Index, LargeBinary, String, delete, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core import smtp
from eprunes.core.config import Settings
from eprunes.core.crypto import PLATFORM, BoxUnreadable, destroy_orphan_keys, key_store, open_box, seal
from eprunes.core.database import Base, PlatformSession, PlatformWide, TenantSession, new_id, platform_session
from eprunes.core.jobs import FAILED

log = logging.getLogger(__name__)

KEY_PURPOSE = "courriel"
TABLE = "outgoing_mails"
LEASE = timedelta(minutes=10)
GIVEN_UP_AFTER = timedelta(hours=24)
KEPT_FOR = timedelta(days=30)
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360))
"""How long a mail waits after its first attempt, its second…; the last one repeats."""
_REASON = "envoi des courriels"


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
    text = f"{text.strip()}\n\n{render_template('mails/footer.txt').strip()}\n"
    content = {"to": to, "subject": subject, "text": text, "html": html, "deliver": deliver}
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
    return _settings().base_url + path


def send_due(as_of: datetime) -> Counter:
    """Send every mail that is due and forget the old ones; any number of processes may do so at once.

    A mail is marked before the server hears of it: whoever is killed leaves it unknown, never to be sent twice.
    """
    counts: Counter = Counter(unknown=_lose_abandoned(as_of))
    started = monotonic()
    instant = as_of
    while mail := _longest_due(instant):
        content = _open(mail)  # before the claim: a key store that is down loses no mail
        if not _claim(mail, instant):
            continue
        try:
            outcome, goes_on = _carry_out(mail, content, instant)
        except Exception:
            log.exception("mail %s (%s): failed", mail.id, mail.purpose)
            outcome, goes_on = FAILED, True
        counts[outcome] += 1
        if not goes_on:
            break
        instant = as_of + timedelta(seconds=int(monotonic() - started))
    counts["mails_removed"] = _remove_old(as_of)
    counts["orphan_keys"] = destroy_orphan_keys(PLATFORM, KEY_PURPOSE, as_of, _keys_in_use)
    return counts


def _longest_due(as_of: datetime) -> OutgoingMail | None:
    query = (
        select(OutgoingMail)
        .where(OutgoingMail.state == MailState.WAITING, OutgoingMail.next_attempt_at <= as_of)
        .order_by(OutgoingMail.next_attempt_at, OutgoingMail.id)
        .limit(1)
    )
    with platform_session(_REASON) as session:
        return session.scalar(query)


def _open(mail: OutgoingMail) -> dict | None:
    """What the mail says; None when nobody can read it any more."""
    if mail.key_id is None or mail.box is None:
        return None
    try:
        key = key_store().keys(PLATFORM, [mail.key_id]).get(mail.key_id)
        return open_box(key, PLATFORM, TABLE, mail.id, mail.box) if key else None
    except (BoxUnreadable, InvalidTag):  # the box, or its wrapped key, was altered
        return None


def _claim(mail: OutgoingMail, as_of: datetime) -> bool:
    """Mark the mail as being sent; of several processes one succeeds."""
    values = {"state": MailState.SENDING, "attempts": mail.attempts + 1, "leased_until": as_of + LEASE}
    return _move(mail, MailState.WAITING, mail.attempts, **values)


def _carry_out(mail: OutgoingMail, content: dict | None, as_of: datetime) -> tuple[str, bool]:
    """Send one claimed mail and note its fate. Returns what to count, and whether to go on to the next one."""
    try:
        if content is None:
            raise smtp.RefusedForGood("illisible")
        if content["deliver"]:
            _send(mail, content, _settings())
    except smtp.RefusedForGood as error:
        log.error("mail %s (%s) refused: %s", mail.id, mail.purpose, error)
        _settle(mail, MailState.REFUSED, as_of, error=str(error))
        return "mails_refused", True
    except smtp.OutcomeUnknown as error:
        log.warning("mail %s (%s) unknown: %s", mail.id, mail.purpose, error)
        _settle(mail, MailState.UNKNOWN, as_of, error=str(error))
        return "unknown", True
    except smtp.NotAccepted as error:
        log.warning("mail %s (%s) not accepted: %s", mail.id, mail.purpose, error)
        return _put_off(mail, as_of, str(error)), not isinstance(error, smtp.ServerUnavailable)
    _settle(mail, MailState.SENT, as_of)
    return ("sent" if content["deliver"] else "withheld"), True


def _send(mail: OutgoingMail, content: dict, settings: Settings) -> None:
    sender = smtp.read_sender(settings.mail_from)
    recipient, message = smtp.compose(
        sender=sender,
        to=content["to"],
        subject=content["subject"],
        text=content["text"],
        html=content["html"],
        message_id=mail.id.hex,
        date=mail.created_at,
    )
    server = smtp.read_server(settings.smtp_url)
    smtp.deliver(server, from_host=settings.host, sender=sender.addr_spec, recipient=recipient, content=message)


def _put_off(mail: OutgoingMail, as_of: datetime, error: str) -> str:
    last_attempt_at = mail.created_at + GIVEN_UP_AFTER
    if as_of >= last_attempt_at:
        _settle(mail, MailState.REFUSED, as_of, error=f"abandonné après 24 h ({error})")
        return "mails_refused"
    again_at = min(as_of + DELAYS[min(mail.attempts, len(DELAYS) - 1)], last_attempt_at)
    values = {"state": MailState.WAITING, "next_attempt_at": again_at, "leased_until": None, "error": error[:200]}
    _move(mail, MailState.SENDING, mail.attempts + 1, **values)
    return "put_off"


def _settle(mail: OutgoingMail, state: MailState, as_of: datetime, *, error: str = "") -> None:
    """Note the fate and destroy what the mail said: the row first, the key after."""
    values = {**_emptied(state, as_of), "error": error[:200] or None}
    _move(mail, MailState.SENDING, mail.attempts + 1, **values)
    if mail.key_id is not None:
        key_store().destroy_keys(PLATFORM, [mail.key_id])


def _emptied(state: MailState, as_of: datetime) -> dict[str, object]:
    return {"state": state, "settled_at": as_of, "key_id": None, "box": None, "leased_until": None}


def _move(mail: OutgoingMail, expected: MailState, attempt: int, **values: object) -> bool:
    """Change the row if it still stands as expected; else another process, or the purge, was there."""
    as_expected = OutgoingMail.id == mail.id, OutgoingMail.state == expected, OutgoingMail.attempts == attempt
    with platform_session(_REASON, write=True) as session:
        return session.execute(update(OutgoingMail).where(*as_expected).values(**values)).rowcount == 1


def _lose_abandoned(as_of: datetime) -> int:
    """Mails whose sender died with them in hands: nobody knows whether the server has them. Returns how many."""
    abandoned = (
        OutgoingMail.state == MailState.SENDING,
        # Beyond twice the lease it is from a clock that ran ahead.
        or_(OutgoingMail.leased_until <= as_of, OutgoingMail.leased_until > as_of + 2 * LEASE),
    )
    with platform_session(_REASON) as session:
        found = session.scalars(select(OutgoingMail).where(*abandoned)).all()
    values = {**_emptied(MailState.UNKNOWN, as_of), "error": "envoi interrompu"}
    lost = [mail for mail in found if _move(mail, MailState.SENDING, mail.attempts, **values)]
    key_store().destroy_keys(PLATFORM, [mail.key_id for mail in lost if mail.key_id is not None])
    return len(lost)


def _remove_old(as_of: datetime) -> int:
    is_old = OutgoingMail.settled_at <= as_of - KEPT_FOR
    with platform_session(_REASON) as session:
        if session.scalar(select(OutgoingMail.id).where(is_old).limit(1)) is None:
            return 0
    with platform_session(_REASON, write=True) as session:
        return session.execute(delete(OutgoingMail).where(is_old)).rowcount


def _keys_in_use() -> Sequence[UUID | None]:
    with platform_session(_REASON) as session:
        return session.scalars(select(OutgoingMail.key_id)).all()


def _settings() -> Settings:
    return current_app.extensions["eprunes_settings"]
