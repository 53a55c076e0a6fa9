"""Signing in with an address and a password; every attempt leaves its trace (C11)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update

from eprunes.accounts import passwords, throttling, tokens
from eprunes.accounts.devices import device_in_words
from eprunes.accounts.models import Identity, IdentityKind, SignInEvent, TokenPurpose, User, UserSession, UserState
from eprunes.accounts.permissions import Actor
from eprunes.accounts.sessions import actor_for, end_session, hash_of, open_session
from eprunes.accounts.throttling import Attempt, network_of
from eprunes.core import mail
from eprunes.core.database import PlatformSession, platform_session, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.texts import tidy_line
from eprunes.core.wording import instant_and_zone

REMEMBERED_FOR = timedelta(days=365)
_PLACES = 50
_NOBODY = UUID(int=0)
_VERSIONS = re.compile(r"[\d._]+")
_REFUSAL = "Adresse e-mail ou mot de passe incorrect."


class Outcome(StrEnum):
    OPENED = "reussie"
    REFUSED = "refusee"
    BRAKED = "freinee"
    BLOCKED = "bloquee"
    SUSPENDED = "suspendue"
    DELETED = "supprimee"
    NO_CONTRACT = "sans_contrat"


_CLOSED = {
    UserState.SUSPENDED: Outcome.SUSPENDED,
    UserState.DELETED: Outcome.DELETED,
    None: Outcome.DELETED,
}


@dataclass(frozen=True)
class Place:
    """Where a sign-in comes from, as far as the request says; anybody can write anything there."""

    address: str
    device: str

    @classmethod
    def read(cls, address: str, device: str) -> "Place":
        """Fit to be stored and shown."""
        return cls(tidy_line(address)[:45], tidy_line(device)[:200])

    def is_like(self, other: "Place") -> bool:
        """The same device at the same address, whatever the version of its browser."""
        return self._comparable() == other._comparable()

    def _comparable(self) -> tuple[str, str]:
        return network_of(self.address), _VERSIONS.sub("", self.device)


@dataclass(frozen=True)
class _Account:
    """What is known of an address that somebody signs in with; nothing when it has no account."""

    identity: Identity | None
    places: tuple[Place, ...]

    @property
    def is_blocked(self) -> bool:
        return self.identity is not None and self.identity.blocked_at is not None

    @property
    def password_hash(self) -> str | None:
        return None if self.identity is None or self.is_blocked else self.identity.password_hash

    def knows_address(self, address: str) -> bool:
        return network_of(address) in {network_of(place.address) for place in self.places}


def sign_in(*, email: str, password: str, address: str, device: str, as_of: datetime) -> str:
    """Open a session and return its secret token. Raises Refused otherwise: with one same sentence and after the
    same time whether or not the address has an account, or with the time to wait when tried too often.
    """
    normalised, place = tidy_line(email).lower(), Place.read(address, device)
    account = _account_of(normalised, as_of)
    attempts = _attempts(normalised, place.address, account)
    try:
        throttling.take_each(attempts, as_of)
    except Refused:
        _note(account, Outcome.BRAKED, place, as_of)
        raise
    if not passwords.verify(account.password_hash, password):
        _note(account, Outcome.BLOCKED if account.is_blocked else Outcome.REFUSED, place, as_of)
        raise Refused(_REFUSAL)
    new_hash = passwords.renewed_hash(account.password_hash, password)
    token = open_session(account.identity, address=place.address, device=place.device, as_of=as_of)
    actor = actor_for(token, as_of)
    if actor is None or not _let_in(account, actor, attempts, place, new_hash, as_of):
        end_session(hash_of(token), as_of)
        _note(account, _why_closed(account.identity), place, as_of)
        raise Refused(_REFUSAL)
    return token


def attempts_on(email: str, address: str) -> list[Attempt]:
    """What the sign-ins of one account from one address are counted under, and those of the account from anywhere."""
    network = network_of(address)
    return [
        Attempt("connexion", (email, network), throttling.PERSON),
        Attempt("connexion compte", (email,), throttling.ACCOUNT),
    ]


def _attempts(email: str, address: str, account: _Account) -> list[Attempt]:
    """An account under attack from elsewhere stays open to the addresses that it was used from before."""
    pair, whole_account = attempts_on(email, address)
    from_address = Attempt("connexion adresse", (network_of(address),), throttling.ADDRESS)
    return [pair, from_address] if account.knows_address(address) else [pair, from_address, whole_account]


def _account_of(email: str, as_of: datetime) -> _Account:
    """Read by the same two statements whether or not there is an account."""
    with platform_session("connexion") as session:
        identity = session.scalar(select(Identity).where(Identity.email == email))
        identity_id = identity.id if identity else _NOBODY
        used_before = (
            select(UserSession.address, UserSession.device)
            .where(UserSession.identity_id == identity_id, UserSession.created_at > as_of - REMEMBERED_FOR)
            .group_by(UserSession.address, UserSession.device)
            .order_by(func.max(UserSession.created_at).desc())
            .limit(_PLACES)
        )
        return _Account(identity, tuple(Place(*row) for row in session.execute(used_before)))


def _let_in(
    account: _Account, actor: Actor, attempts: list[Attempt], place: Place, new_hash: str | None, as_of: datetime
) -> bool:
    """Settle a sign-in whose session is open; False when the password was changed, or the account blocked, since."""
    identity = account.identity
    as_verified = Identity.id == identity.id, Identity.password_hash == identity.password_hash
    kept = update(Identity).where(*as_verified, Identity.blocked_at.is_(None))
    with platform_session("connexion", write=True) as session:
        if session.execute(kept.values(password_hash=new_hash or identity.password_hash)).rowcount != 1:
            return False
        pair, *others = attempts
        throttling.forget(session, [pair])
        throttling.give_back(session, others)
        _add_event(session, identity, Outcome.OPENED, place, as_of)
        if account.places and not any(place.is_like(known) for known in account.places):
            _tell_owner(session, actor, place, as_of)
    return True


def _why_closed(as_verified: Identity) -> Outcome:
    """What keeps an account closed to the right password, as far as it is still known."""
    with platform_session("connexion") as session:
        identity = session.scalar(select(Identity).where(Identity.id == as_verified.id))
    if identity is None:
        return Outcome.DELETED
    if identity.blocked_at is not None:
        return Outcome.BLOCKED
    if identity.password_hash != as_verified.password_hash or identity.organisation_id is None:
        return Outcome.REFUSED
    with tenant_session(identity.organisation_id) as session:
        mine = User.organisation_id == identity.organisation_id, User.id == identity.user_id
        state = session.scalar(select(User.state).where(*mine))
    return _CLOSED.get(state, Outcome.NO_CONTRACT)


def _tell_owner(session: PlatformSession, actor: Actor, place: Place, as_of: datetime) -> None:
    token = tokens.issue(session, TokenPurpose.NOT_ME, as_of=as_of, identity_id=actor.identity_id)
    mail.queue(
        session,
        "new_sign_in",
        to=actor.email,
        as_of=as_of,
        organisation_id=actor.organisation_id,
        when=instant_and_zone(as_of, actor.zone),
        device=device_in_words(place.device),
        address=place.address,
        link=mail.link_to(f"/ce-n-est-pas-moi/{token}"),
    )


def _note(account: _Account, outcome: Outcome, place: Place, as_of: datetime) -> None:
    with platform_session("tentative de connexion", write=True) as session:
        _add_event(session, account.identity, outcome, place, as_of)


def _add_event(
    session: PlatformSession, identity: Identity | None, outcome: Outcome, place: Place, as_of: datetime
) -> None:
    """What is nobody's, or an operator's, belongs in no client's journal: it counts as recorded."""
    belongs_to_client = identity is not None and identity.kind == IdentityKind.USER
    session.add(
        SignInEvent(
            at=as_of,
            identity_id=identity.id if identity else None,
            outcome=outcome,
            address=place.address,
            device=place.device,
            recorded_at=None if belongs_to_client else as_of,
        )
    )
