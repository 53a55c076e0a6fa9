"""What the pages of typed notices read: the notice that a number is known by, and what was typed before."""

from datetime import datetime

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.fines.deadlines import NoticeSource
from eprunes.fines.models import Notice, NoticeKind
from eprunes.fines.notice_details import open_notices
from eprunes.fines.notice_numbers import PARKING_FEE_LENGTH, bare, number_print, read_number
from eprunes.fines.paper.typed_forms import values_of
from eprunes.fines.paper.typed_notices import TypedNotice
from eprunes.fines.queries import visible_notices


def known_notice(actor: Actor, session: TenantSession, typed: TypedNotice, as_of: datetime) -> Notice | None:
    """The notice of this number, if there is one that the actor may see now."""
    number, _ = read_number(typed.number, typed.kind)
    mark = number_print(key_store().index_key(actor.organisation_id), number)
    return session.scalar(visible_notices(actor, as_of).where(Notice.number_fingerprint == mark))


def start_with(number: str) -> dict:
    """What the form of a notice starts with, its number being known; a long one is that of a parking fee."""
    is_fee = len(bare(number)) >= PARKING_FEE_LENGTH
    return {"number": number, "kind": (NoticeKind.PARKING_FEE if is_fee else NoticeKind.OFFENCE).value}


def typed_values(notice: Notice) -> dict:
    """What was typed of a notice, for the form that corrects it."""
    details = open_notices(key_store(), [notice]).get(notice.id)
    return values_of(notice, details) if details else {}


def may_correct(notice: Notice) -> bool:
    """Whether what was typed may still change: the agency has not sent it too, and nobody has answered."""
    return notice.source == NoticeSource.TYPED_IN and not notice.is_answered
