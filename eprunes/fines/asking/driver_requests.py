"""What drivers are asked by link (*demandes au conducteur*): which links are alive, what they show, what was replied.

Whoever holds a link reads the day, the place and the plate of one notice, and nothing else of the client.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, or_, select

from eprunes.accounts.models import Organisation, OrganisationState
from eprunes.accounts.retention import DEFAULT, shared_until
from eprunes.accounts.sessions import hash_of, organisation_in
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store, open_box
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import NotVisible
from eprunes.fines.answering import NoticeState
from eprunes.fines.models import DriverRequest, Notice, Reply
from eprunes.fines.notice_details import NoticeDetails, open_notices
from eprunes.fines.queries import is_shared
from eprunes.fleet import driver_details
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.models import Driver
from eprunes.fleet.plates import InvalidPlate, parse_plate

TABLE = DriverRequest.__tablename__
LASTS = timedelta(days=30)
ASKABLE = (NoticeState.TO_ANSWER, NoticeState.REFUSED)
"""The notices that still want a driver."""
_REASON = "demande à un conducteur"
_DID_NOT_DRIVE = "Dit ne pas avoir conduit", "person-x", "warn"


class Inquiry(StrEnum):
    """What became of asking a driver: a reply of at least one, or none yet."""

    REPLIED = "a_repondu"
    AWAITED = "attendu"


@dataclass(frozen=True)
class Asked:
    """A request as the users of the client see it; `driver` is None once that file is gone."""

    request: DriverRequest
    driver: DriverDetails | None
    details: DriverDetails | None
    remark: str
    is_open: bool

    @property
    def state(self) -> tuple[str, str, str]:
        """(word, icon, tone)."""
        if self.request.answered_at is not None:
            drove = self.request.reply == Reply.MINE
            return ("Dit avoir conduit", "person-check", "ok") if drove else _DID_NOT_DRIVE
        if self.request.revoked_at is not None:
            return "Retirée", "x-circle", "idle"
        return ("En attente", "hourglass-split", "info") if self.is_open else ("Sans réponse", "clock-history", "idle")


@dataclass(frozen=True)
class LinkPage:
    """All that the page of a link shows, and the day that its form is checked with."""

    company: str
    full_name: str
    offence_day: date
    place: str
    plate: str
    country: str
    today: date


def ends_at(notice: Notice, as_of: datetime) -> datetime:
    """When a link made now ends: with the notice's shared window, and after thirty days at most."""
    return min(shared_until(notice.posted_at, DEFAULT), as_of + LASTS)


def read_link(token: str, as_of: datetime) -> LinkPage | None:
    """What the page of a link shows; None when it is worth nothing, whatever the reason."""
    organisation_id = organisation_in(token)
    if organisation_id is None:
        return None
    with tenant_session(organisation_id, platform_reason=_REASON) as session:
        organisation = serving(session, as_of)
        row = session.execute(alive(session, token, as_of)).first() if organisation else None
        driver = driver_of(session, row.DriverRequest.driver_id) if row else None
    if driver is None:
        return None
    details = open_notices(key_store(), [row.Notice])[row.Notice.id]
    return LinkPage(
        company=organisation.name,
        full_name=driver.full_name,
        offence_day=row.Notice.offence_day,
        place=details.where,
        plate=_spelled(details),
        country=details.country,
        today=local_day(as_of, ZoneInfo(organisation.zone)),
    )


def alive(session: TenantSession, token: str, as_of: datetime) -> Select:
    """The request of a token and its notice, if neither is over; the notice while it is open to every user."""
    same = Notice.organisation_id == DriverRequest.organisation_id, Notice.id == DriverRequest.notice_id
    return (
        select(DriverRequest, Notice)
        .join(Notice, and_(*same))
        .where(
            DriverRequest.organisation_id == session.organisation_id,
            DriverRequest.token_hash == hash_of(token),
            *_open(as_of),
            is_shared(as_of),
            Notice.state.in_(ASKABLE),
        )
    )


def open_requests(session: TenantSession, notice: Notice, driver_id: UUID, as_of: datetime) -> Select:
    """The requests on a notice that a driver may still answer."""
    return _of(notice, session).where(DriverRequest.driver_id == driver_id, *_open(as_of))


def serving(session: TenantSession, as_of: datetime) -> Organisation | None:
    """The session's client; None while its contract lets no driver in (decisions 9 and 10)."""
    organisation = session.scalar(select(Organisation).where(Organisation.id == session.organisation_id))
    if organisation is None or organisation.is_over(as_of) or organisation.state != OrganisationState.ACTIVE:
        return None
    return organisation


def asked_of(session: TenantSession, notice: Notice, as_of: datetime) -> list[Asked]:
    """Every request on a notice that the reader may see, newest first."""
    return [_asked(session, notice, one, as_of) for one in session.scalars(_of(notice, session))]


def read_asked(session: TenantSession, notice: Notice, request_id: UUID, as_of: datetime) -> Asked:
    """One of them. Raises NotVisible."""
    request = session.scalar(_of(notice, session).where(DriverRequest.id == request_id))
    if request is None:
        raise NotVisible
    return _asked(session, notice, request, as_of)


_HAS_REPLIED = DriverRequest.answered_at.is_not(None)
_IS_AWAITED = and_(DriverRequest.revoked_at.is_(None), DriverRequest.expires_at > bindparam("as_of"))
_ASKED = select(DriverRequest.notice_id, _HAS_REPLIED).where(
    DriverRequest.organisation_id == bindparam("own"),
    DriverRequest.notice_id.in_(bindparam("ids")),
    or_(_HAS_REPLIED, _IS_AWAITED),
)


def asked_among(session: TenantSession, notices: Iterable[Notice], as_of: datetime) -> dict[UUID, Inquiry]:
    """Of these notices, those that still want a driver and of which one was asked. One query for a whole page."""
    ids = [one.id for one in notices if one.state in ASKABLE]
    if not ids:
        return {}
    rows = session.execute(_ASKED, {"own": session.organisation_id, "ids": ids, "as_of": as_of}).all()
    replied = {notice_id for notice_id, has_answer in rows if has_answer}
    return {one: Inquiry.REPLIED if one in replied else Inquiry.AWAITED for one, _ in rows}


def denials_among(session: TenantSession, notice_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """(notice, driver) of those who were asked, and said that it was not them."""
    own = DriverRequest.organisation_id == session.organisation_id, DriverRequest.notice_id.in_(notice_ids)
    query = select(DriverRequest.notice_id, DriverRequest.driver_id).where(*own, DriverRequest.reply == Reply.NOT_MINE)
    return {tuple(row) for row in session.execute(query)}


def denied_by(session: TenantSession, notice: Notice) -> set[UUID]:
    """The drivers who said that it was not them."""
    return {driver_id for driver_id, reply in replies_to(session, notice).items() if reply == Reply.NOT_MINE}


def replies_to(session: TenantSession, notice: Notice) -> dict[UUID, str]:
    """What each driver who was asked of a notice said; a denial stands, whatever else the same driver said."""
    own = DriverRequest.organisation_id == session.organisation_id, DriverRequest.notice_id == notice.id
    query = select(DriverRequest.driver_id, DriverRequest.reply).where(*own, DriverRequest.answered_at.is_not(None))
    replies: dict[UUID, str] = {}
    for driver_id, reply in session.execute(query):
        replies[driver_id] = Reply.NOT_MINE if Reply.NOT_MINE in (reply, replies.get(driver_id)) else reply
    return replies


def driver_of(session: TenantSession, driver_id: UUID) -> DriverDetails | None:
    """What a driver's file says; None when there is none any more."""
    query = select(Driver).where(Driver.organisation_id == session.organisation_id, Driver.id == driver_id)
    driver = session.scalar(query)
    return open_details(key_store(), [driver] if driver else []).get(driver_id)


def driver_named(session: TenantSession, text: str) -> DriverDetails | None:
    """As `driver_of`, by what an address or a form holds."""
    try:
        return driver_of(session, UUID(text))
    except ValueError:
        return None


def close_open(session: TenantSession, notice: Notice, as_of: datetime) -> None:
    """Within a transaction that changes what a notice says: no link asks about what it said before."""
    for one in session.scalars(_of(notice, session).where(*_open(as_of))):
        one.revoked_at = as_of


def _of(notice: Notice, session: TenantSession) -> Select[tuple[DriverRequest]]:
    mine = DriverRequest.organisation_id == session.organisation_id, DriverRequest.notice_id == notice.id
    return select(DriverRequest).where(*mine).order_by(DriverRequest.created_at.desc(), DriverRequest.id.desc())


def _open(as_of: datetime) -> tuple:
    return (
        DriverRequest.answered_at.is_(None),
        DriverRequest.revoked_at.is_(None),
        DriverRequest.expires_at > as_of,
    )


def _asked(session: TenantSession, notice: Notice, request: DriverRequest, as_of: datetime) -> Asked:
    content = _content(request)
    details = content.get("details")
    is_alive = request.answered_at is None and request.revoked_at is None and as_of < request.expires_at
    return Asked(
        request=request,
        driver=driver_of(session, request.driver_id),
        details=driver_details.from_json(details) if details else None,
        remark=content.get("remark", ""),
        is_open=is_alive and notice.state in ASKABLE,
    )


def _spelled(details: NoticeDetails) -> str:
    """The plate as people write it, where its form is known."""
    try:
        return parse_plate(details.plate, details.country).display
    except InvalidPlate:
        return details.plate


def _content(request: DriverRequest) -> dict:
    keys = key_store().keys(request.organisation_id, [request.key_id]) if request.box else {}
    if request.key_id not in keys:
        return {}
    return open_box(keys[request.key_id], request.organisation_id, TABLE, request.id, request.box)
