"""What an operator sees of one account, and of who may take over a client's administrator account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from eprunes.accounts import passwords
from eprunes.accounts.models import Handover, HandoverKind, Identity, IdentityKind, Organisation, User, UserSession
from eprunes.accounts.models import UserState as State
from eprunes.accounts.sessions import still_open
from eprunes.core.database import TenantSession, platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.core.texts import folded

_WHY = "comptes, pour l’exploitant"


@dataclass(frozen=True)
class Account:
    """One account; `user` and `organisation` are None for an operator's."""

    identity: Identity
    user: User | None
    organisation: Organisation | None
    open_sessions: int
    last_sign_in: datetime | None

    @property
    def is_operator(self) -> bool:
        return self.identity.kind == IdentityKind.OPERATOR

    @property
    def is_administrator(self) -> bool:
        return self.user is not None and self.user.is_administrator

    @property
    def has_password(self) -> bool:
        return passwords.may_open(self.identity.password_hash)

    @property
    def may_lose_second_factor(self) -> bool:
        """The provider helps administrators; users turn to theirs."""
        return self.is_administrator and self.identity.totp_confirmed_at is not None


@dataclass(frozen=True)
class Succession:
    """Who holds a client's administrator account, who could, and the hand-over under way."""

    organisation: Organisation
    holder: User
    candidates: list[User]
    handover: Handover | None

    @property
    def is_announced(self) -> bool:
        return self.handover is not None and self.handover.kind == HandoverKind.PROVEN

    @property
    def successor(self) -> str:
        """The name of whoever the account is announced to go to."""
        return next((one.display_name for one in self.candidates if one.id == self.handover.to_user_id), "—")


def find_account(email: str) -> UUID:
    """The account of a whole e-mail address. Raises Refused when there is none."""
    with platform_session(_WHY) as session:
        found = session.scalar(select(Identity.id).where(Identity.email == email.strip().lower()))
    if found is None:
        raise Refused("Aucun compte n’a cette adresse\u00a0: elle doit être entière et exacte.", "email")
    return found


def read_account(identity_id: UUID, as_of: datetime) -> Account:
    """One account as it is now. Raises NotVisible when there is none."""
    with platform_session(_WHY) as session:
        identity = session.scalar(select(Identity).where(Identity.id == identity_id))
        if identity is None:
            raise NotVisible
        organisation = session.scalar(select(Organisation).where(Organisation.id == identity.organisation_id))
        mine = UserSession.identity_id == identity.id
        last_sign_in = session.scalar(select(func.max(UserSession.created_at)).where(mine))
        user = _user_of(identity)
        living = still_open(identity.id, as_of, privileged=user is None or user.is_administrator)
        count = session.scalar(select(func.count()).select_from(UserSession).where(*living))
    return Account(identity, user, organisation, count, last_sign_in)


def read_succession(organisation_id: UUID, as_of: datetime) -> Succession:
    """Who may take over a client's administrator account. Raises NotVisible once the contract has ended."""
    with platform_session(_WHY) as session:
        organisation = session.scalar(select(Organisation).where(Organisation.id == organisation_id))
        if organisation is None or organisation.is_over(as_of):
            raise NotVisible
        own = Identity.organisation_id == organisation_id
        open_accounts = set(session.scalars(select(Identity.user_id).where(own, Identity.blocked_at.is_(None))))
    with tenant_session(organisation_id) as session:
        users = sorted(session.scalars(_active_users(organisation_id)), key=lambda one: folded(one.display_name))
        holder = session.scalars(
            select(User).where(User.organisation_id == organisation_id, User.is_administrator)
        ).one()
        handover = _open_handover(session, as_of)
    candidates = [one for one in users if not one.is_administrator and one.id in open_accounts]
    return Succession(organisation, holder, candidates, handover)


def _user_of(identity: Identity) -> User | None:
    if identity.organisation_id is None:
        return None
    with tenant_session(identity.organisation_id) as session:
        mine = User.organisation_id == identity.organisation_id, User.id == identity.user_id
        return session.scalars(select(User).where(*mine)).one()


def _active_users(organisation_id: UUID):
    query = select(User).where(User.organisation_id == organisation_id, User.state == State.ACTIVE)
    return query.order_by(User.id)


def _open_handover(session: TenantSession, as_of: datetime) -> Handover | None:
    own = Handover.organisation_id == session.organisation_id
    handover = session.scalar(select(Handover).where(own, Handover.closed_at.is_(None)))
    return None if handover is None or handover.has_lapsed(as_of) else handover
