"""A client's people as its administrator sees them: users, and what their accounts say."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from eprunes.accounts import passwords
from eprunes.accounts.models import Handover, HandoverKind, Identity, User, UserSession, UserState
from eprunes.accounts.permissions import Actor
from eprunes.accounts.queries import visible_users
from eprunes.accounts.services.users import RESTORABLE_FOR
from eprunes.accounts.upkeep import EMPTIED
from eprunes.core.database import TenantSession, platform_session, tenant_session
from eprunes.core.refusals import NotVisible
from eprunes.core.texts import folded


class Standing(StrEnum):
    """What a user is at a given moment, in one word."""

    ACTIVE = "actif"
    BLOCKED = "bloque"
    SUSPENDED = "suspendu"
    INVITED = "invite"
    EXPIRED = "expire"
    DELETED = "supprime"


@dataclass(frozen=True)
class Person:
    """A user with the facts of their account; an invited one has none yet, wherever else the address is used."""

    user: User
    standing: Standing
    blocked: bool = False
    has_password: bool = False
    second_factor: bool = False
    last_sign_in: datetime | None = None

    @property
    def restorable_until(self) -> datetime | None:
        return self.user.deleted_at and self.user.deleted_at + RESTORABLE_FOR


@dataclass(frozen=True)
class OpenHandover:
    """A hand-over under way, as one of its two people sees it."""

    is_holder: bool
    is_proven: bool
    holder: str
    successor: str
    at: datetime


def read_people(actor: Actor, session: TenantSession, as_of: datetime) -> list[Person]:
    """Everybody whom the actor may see, the administrator first, deleted ones last."""
    users = visible_users(actor).where(User.email != EMPTIED).order_by(User.id)
    facts = _facts(actor.organisation_id)
    people = [_person(user, facts.get(user.id), as_of) for user in session.scalars(users)]
    return sorted(people, key=_place_in_list)


def read_person(actor: Actor, session: TenantSession, user_id: UUID, as_of: datetime) -> Person:
    """One of them. Raises NotVisible when there is none with this id."""
    user = session.scalar(visible_users(actor).where(User.email != EMPTIED, User.id == user_id))
    if user is None:
        raise NotVisible
    return _person(user, _facts(actor.organisation_id).get(user_id), as_of)


def handover_of(actor: Actor, as_of: datetime) -> OpenHandover | None:
    """The hand-over under way that the actor gives or is given; None for everybody else."""
    if actor.user_id is None:
        return None
    with tenant_session(actor.organisation_id) as session:
        return _handover_of(actor, session, as_of)


def _handover_of(actor: Actor, session: TenantSession, as_of: datetime) -> OpenHandover | None:
    own = Handover.organisation_id == actor.organisation_id
    handover = session.scalar(select(Handover).where(own, Handover.closed_at.is_(None)))
    if handover is None or handover.has_lapsed(as_of):
        return None
    if actor.user_id not in (handover.from_user_id, handover.to_user_id):
        return None
    names = select(User.id, User.display_name).where(User.organisation_id == actor.organisation_id)
    both = (handover.from_user_id, handover.to_user_id)
    found = dict(session.execute(names.where(User.id.in_(both))).all())
    return OpenHandover(
        is_holder=actor.user_id == handover.from_user_id,
        is_proven=handover.kind == HandoverKind.PROVEN,
        holder=found[handover.from_user_id],
        successor=found[handover.to_user_id],
        at=handover.due_at or handover.ends_at,
    )


def _place_in_list(person: Person) -> tuple[bool, bool, str]:
    user = person.user
    return person.standing == Standing.DELETED, not user.is_administrator, folded(user.display_name)


def _facts(organisation_id: UUID) -> dict[UUID, tuple[Identity, datetime | None]]:
    """Accounts of a client by user, with the start of their latest session."""
    query = (
        select(Identity, func.max(UserSession.created_at))
        .outerjoin(UserSession, UserSession.identity_id == Identity.id)
        .where(Identity.organisation_id == organisation_id)
        .group_by(Identity.id)
    )
    with platform_session("comptes d’un client") as session:
        return {identity.user_id: (identity, last) for identity, last in session.execute(query)}


def _person(user: User, facts: tuple[Identity, datetime | None] | None, as_of: datetime) -> Person:
    if facts is None:
        return Person(user, _standing(user, False, as_of))
    identity, last_sign_in = facts
    is_blocked = identity.blocked_at is not None
    return Person(
        user,
        _standing(user, is_blocked, as_of),
        blocked=is_blocked,
        has_password=passwords.may_open(identity.password_hash),
        second_factor=identity.totp_confirmed_at is not None,
        last_sign_in=last_sign_in,
    )


def _standing(user: User, is_blocked: bool, as_of: datetime) -> Standing:
    if user.state == UserState.INVITED:
        return Standing.INVITED if as_of < user.invitation_ends_at else Standing.EXPIRED
    if user.state == UserState.ACTIVE and is_blocked:
        return Standing.BLOCKED
    return Standing(user.state)
