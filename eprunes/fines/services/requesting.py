"""Asking a driver by link, and what the driver replies. Nothing in a file changes until a user takes it over."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select

from eprunes.accounts import throttling
from eprunes.accounts.permissions import Actor
from eprunes.accounts.sessions import hash_of, new_token, organisation_in
from eprunes.accounts.throttling import Limits, network_of
from eprunes.core import audit, mail
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store, seal
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import events
from eprunes.fines.asking import driver_requests
from eprunes.fines.asking.driver_requests import ASKABLE
from eprunes.fines.designation_rules import AGENCY_FIELDS, tidied
from eprunes.fines.models import DriverRequest, Notice, NoticeKind, Reply
from eprunes.fines.services import steps
from eprunes.fines.services.designating import DRIVER_GONE
from eprunes.fleet import driver_details
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation, open_details
from eprunes.fleet.models import Driver
from eprunes.fleet.services import drivers

OVER = "Ce lien ne fonctionne plus."
NO_ADDRESS = "La fiche de ce conducteur n’a pas d’adresse e-mail\u00a0: choisissez le lien à transmettre."
_NOT_ASKED = "Cet avis n’attend plus de conducteur."
_REASON = "demande à un conducteur"
_ASKED = Limits(free=6, forgiven_every=throttling.MAILBOX.forgiven_every)


@dataclass(frozen=True)
class Told:
    """What a driver says by a link; `details` only from who drove."""

    reply: Reply
    details: DriverDetails | None
    remark: str


def ask(actor: Actor, notice_id: UUID, *, driver_id: UUID, by_mail: bool, as_of: datetime) -> str:
    """Ask a driver for their details on one notice; returns the link, which nobody can read again.

    It replaces an earlier link for the same driver and notice. Raises NotVisible, or Refused.
    """
    throttling.take("demande à un conducteur", str(notice_id), as_of=as_of, limits=_ASKED)
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        driver = driver_requests.driver_of(session, driver_id)
        _refuse_what_cannot_be_asked(session, notice, driver, by_mail, as_of)
        for earlier in session.scalars(driver_requests.open_requests(session, notice, driver_id, as_of)):
            earlier.revoked_at = as_of
        token = new_token(actor.organisation_id)
        request = _request(notice, driver_id, token, actor, as_of)
        session.add(request)
        link = mail.link_to(f"/conducteur/{token}")
        if by_mail:
            _send(session, request, driver.email, link, actor, as_of)
        _note(session, notice, events.DRIVER_ASKED, as_of, actor)
    return link


def revoke(actor: Actor, notice_id: UUID, request_id: UUID, *, as_of: datetime) -> None:
    """Make a link worthless. Harmless when it already is. Raises NotVisible."""
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        asked = driver_requests.read_asked(session, notice, request_id, as_of)
        if asked.is_open:
            asked.request.revoked_at = as_of
            _note(session, notice, events.REQUEST_REVOKED, as_of, actor)


def reply(token: str, told: Told, *, address: str, device: str, as_of: datetime) -> None:
    """Keep what the holder of a link says, sealed with the notice; the link is dead from then on.

    Raises Refused when it is worth nothing any more, something is missing or wrong, or too much was tried.
    """
    throttling.take("réponse d’un conducteur", network_of(address), as_of=as_of, limits=throttling.ADDRESS)
    organisation_id = organisation_in(token)
    if organisation_id is None:
        raise Refused(OVER)
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = driver_requests.serving(session, as_of)
        row = _locked(session, token, as_of) if organisation else None
        if row is None:
            raise Refused(OVER)
        request, notice = row
        today = local_day(as_of, ZoneInfo(organisation.zone))
        request.box = _sealed(request, _checked(told, today, notice))
        request.answered_at, request.reply = as_of, told.reply
        _note(session, notice, events.DRIVER_REPLIED, as_of, connection={"address": address, "device": device[:200]})


def take_over(actor: Actor, notice_id: UUID, request_id: UUID, *, as_of: datetime) -> UUID:
    """Write what the driver replied into the driver's file; phone and e-mail stay. Returns the driver's id.

    Raises NotVisible, or Refused.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        asked = driver_requests.read_asked(session, notice, request_id, as_of)
        if asked.details is None:
            raise NotVisible
        if notice.state not in ASKABLE:
            raise Refused(_NOT_ASKED)
        driver = _locked_driver(session, asked.request.driver_id)
        known = open_details(key_store(), [driver])[driver.id]
        merged = replace(known, **{name: getattr(asked.details, name) for name in AGENCY_FIELDS})
        tidy = _tidy(merged, local_day(as_of, actor.zone), notice)
        drivers.rewrite_details(session, actor, driver, tidy, as_of)
        _note(session, notice, events.REPLY_TAKEN, as_of, actor)
        return driver.id


def _refuse_what_cannot_be_asked(
    session: TenantSession, notice: Notice, driver: DriverDetails | None, by_mail: bool, as_of: datetime
) -> None:
    is_over = driver_requests.ends_at(notice, as_of) <= as_of or driver_requests.serving(session, as_of) is None
    if notice.state not in ASKABLE or notice.kind != NoticeKind.OFFENCE or is_over:
        raise Refused(_NOT_ASKED)
    if driver is None:
        raise Refused(DRIVER_GONE)
    if by_mail and not driver.email:
        raise Refused(NO_ADDRESS, "way")


def _request(notice: Notice, driver_id: UUID, token: str, actor: Actor, as_of: datetime) -> DriverRequest:
    return DriverRequest(
        organisation_id=notice.organisation_id,
        id=new_id(),
        notice_id=notice.id,
        driver_id=driver_id,
        token_hash=hash_of(token),
        created_by=actor.user_id,
        created_at=as_of,
        expires_at=driver_requests.ends_at(notice, as_of),
        key_id=notice.key_id,
    )


def _send(session: TenantSession, request: DriverRequest, to: str, link: str, actor: Actor, as_of: datetime) -> None:
    last_day = local_day(request.expires_at - timedelta(seconds=1), actor.zone)
    told = {"company": actor.organisation_name, "link": link, "until": last_day}
    mail.queue(session, "notice_request", to=to, as_of=as_of, organisation_id=request.organisation_id, **told)


def _locked(session: TenantSession, token: str, as_of: datetime) -> Row | None:
    """The live request of a token and its notice, which is locked first, as users' acts do; None when it is over."""
    query = driver_requests.alive(session, token, as_of)
    row = session.execute(query).first()
    if row is None:
        return None
    mine = Notice.organisation_id == session.organisation_id, Notice.id == row.Notice.id
    session.scalar(select(Notice.id).where(*mine).with_for_update())
    return session.execute(query.execution_options(populate_existing=True)).first()


def _checked(told: Told, today: date, notice: Notice) -> dict:
    if told.reply is Reply.NOT_MINE:
        if not told.remark:
            raise Refused("Dites en quelques mots ce que vous savez.", "remark")
        return {"remark": told.remark}
    tidy = _tidy(told.details or DriverDetails(), today, notice)
    if missing := missing_for_designation(tidy):
        raise Refused(f"Il manque encore\u00a0: {', '.join(missing)}.")
    return {"remark": told.remark, "details": driver_details.to_json(tidy)}


def _tidy(details: DriverDetails, today: date, notice: Notice) -> DriverDetails:
    tidy, problems = tidied(details, today, notice.offence_day)
    for field, sentence in problems.items():
        raise Refused(sentence, field)
    return tidy


def _sealed(request: DriverRequest, content: dict) -> bytes:
    key = key_store().keys(request.organisation_id, [request.key_id])[request.key_id]
    return seal(key, request.organisation_id, driver_requests.TABLE, request.id, content)


def _locked_driver(session: TenantSession, driver_id: UUID) -> Driver:
    query = select(Driver).where(Driver.organisation_id == session.organisation_id, Driver.id == driver_id)
    driver = session.scalar(query.with_for_update())
    if driver is None:
        raise Refused(DRIVER_GONE)
    return driver


def _note(
    session: TenantSession,
    notice: Notice,
    event: str,
    as_of: datetime,
    actor: Actor | None = None,
    connection: dict | None = None,
) -> None:
    """In the thread and in the journal; a driver has no account, and is nobody there."""
    who = actor.user_id if actor else None
    events.add(session, notice.id, event, as_of, who)
    about = {"subject": ("avis", notice.id), "actor_id": who, "connection": connection}
    audit.record(session, f"avis.{event}", as_of=as_of, **about)
