"""What the pages of one's own account show."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from eprunes.accounts.devices import device_in_words
from eprunes.accounts.models import Identity, MailRhythm, RecoveryCode, User, UserSession
from eprunes.accounts.one_time_codes import RECOVERY_CODES_FEW
from eprunes.accounts.permissions import Actor, Permission, Right
from eprunes.accounts.services.mail_rhythms import WORDS
from eprunes.accounts.services.second_factors import is_required_for
from eprunes.accounts.sessions import still_open
from eprunes.core.database import platform_session, tenant_session

_RIGHTS = {
    Right.ADMINISTRATOR: "Administrateur",
    Right.OPERATOR: "Exploitant de la plateforme",
    Right.FLEET: "Parc",
    Right.FINES: "Contraventions",
}


@dataclass(frozen=True)
class SecondFactor:
    """An account's second factor: since when, how many recovery codes are left, whether it may go."""

    since: datetime | None
    codes_left: int
    is_required: bool

    @property
    def is_set(self) -> bool:
        return self.since is not None

    @property
    def has_few_codes(self) -> bool:
        return self.is_set and self.codes_left <= RECOVERY_CODES_FEW

    @property
    def may_go(self) -> bool:
        return self.is_set and not self.is_required


@dataclass(frozen=True)
class OpenSession:
    """One open session, as its owner recognises it; whoever owes the code has given the password alone."""

    id: UUID
    device: str
    address: str
    opened_at: datetime
    last_seen_at: datetime
    is_this_one: bool
    owes_code: bool


def rights_in_words(actor: Actor) -> list[str]:
    """What the actor may do at this moment, in the order of the screens."""
    return [words for right, words in _RIGHTS.items() if right in actor.rights]


def second_factor_of(actor: Actor) -> SecondFactor:
    """The state of the actor's own second factor."""
    unused = RecoveryCode.identity_id == actor.identity_id, RecoveryCode.used_at.is_(None)
    with platform_session("mon compte") as session:
        since = session.scalar(select(Identity.totp_confirmed_at).where(Identity.id == actor.identity_id))
        left = session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused))
    return SecondFactor(since, left, is_required_for(actor))


def mail_rhythm_of(actor: Actor) -> MailRhythm:
    """How often the actor is told of notices by mail."""
    with tenant_session(actor.organisation_id) as session:
        mine = User.organisation_id == actor.organisation_id, User.id == actor.user_id
        return MailRhythm(session.scalars(select(User.mail_rhythm).where(*mine)).one())


def rhythm_in_words(actor: Actor) -> str:
    """The same for the page of one's account; empty for whoever is told of none."""
    return WORDS[mail_rhythm_of(actor)] if actor.may(Permission.ANSWER_NOTICES) else ""


def open_sessions(actor: Actor, as_of: datetime) -> list[OpenSession]:
    """The actor's own sessions that still open something: this one first, then the last seen."""
    mine = still_open(actor.identity_id, as_of, privileged=actor.is_administrator or actor.is_operator)
    query = select(UserSession).where(*mine)
    with platform_session("mes sessions") as session:
        has_factor = session.scalar(select(Identity.totp_confirmed_at).where(Identity.id == actor.identity_id))
        rows = session.scalars(query.order_by(UserSession.last_seen_at.desc(), UserSession.id)).all()
    shown = [
        OpenSession(
            id=row.id,
            device=device_in_words(row.device),
            address=row.address,
            opened_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_this_one=row.id == actor.session_id,
            owes_code=has_factor is not None and row.second_factor_at is None,
        )
        for row in rows
    ]
    return sorted(shown, key=lambda one: not one.is_this_one)
