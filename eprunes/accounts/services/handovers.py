"""Hand-over of the administrator account to another user of the client (decision 6).

Agreed: the holder proposes, the other user accepts. Proven: the operator announces it on a recorded proof, and it
takes effect 72 hours later unless it is cancelled. Either way exactly one person holds the account at any moment.
"""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from eprunes.accounts.models import Handover, HandoverKind, Organisation, User, UserState
from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.services import user_steps
from eprunes.core import audit, mail
from eprunes.core.audit import ActorKind
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.core.wording import instant_and_zone

ACCEPTED_WITHIN = timedelta(days=7)
EFFECTIVE_AFTER = timedelta(hours=72)
PROOF_LENGTH = 500
PAGE = "/passation"
_REASON = "passation du compte administrateur"


def start(actor: Actor, to_user_id: UUID, as_of: datetime) -> None:
    """Propose the administrator account to another user, who has seven days to accept.

    Raises Refused when one is under way, or when this user can't hold the account.
    """
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = user_steps.lock_for(session, actor)
        if _under_way(session, as_of) is not None:
            raise Refused("Une passation est déjà en cours\u00a0: annulez-la d’abord.", "to_user_id")
        user = _successor(session, to_user_id)
        ends_at = as_of + ACCEPTED_WITHIN
        handover = _open(session, HandoverKind.AGREED, user, actor.user_id, as_of, ends_at=ends_at)
        _tell(session, organisation, [user], "handover_proposed", as_of, ends_at)
        _trace(session, "passation.proposee", actor.user_id, handover, as_of)


def accept(actor: Actor, as_of: datetime) -> None:
    """Take the administrator account that its holder proposed; the sessions of both end.

    Raises NotVisible when nothing is proposed to this user any more.
    """
    _check_user(actor)
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = user_steps.lock(session)
        handover = _proposed_to(session, actor, as_of)
        _move(session, organisation, handover, as_of)
        _trace(session, "passation.acceptee", actor.user_id, handover, as_of)


def decline(actor: Actor, as_of: datetime) -> None:
    """Refuse the administrator account that its holder proposed. Raises NotVisible when nothing is."""
    _check_user(actor)
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = user_steps.lock(session)
        handover = _proposed_to(session, actor, as_of)
        user_steps.close(handover, "declinee", as_of)
        _tell(session, organisation, [user_steps.holder(session)], "handover_ended", as_of)
        _trace(session, "passation.declinee", actor.user_id, handover, as_of)


def cancel(actor: Actor, as_of: datetime) -> None:
    """By the holder: take a proposal back, or object to a hand-over that the operator announced.

    Raises NotVisible when none is under way, or somebody else holds the account.
    """
    _check_user(actor)
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = user_steps.lock_for(session, actor)
        handover = _needed(_under_way(session, as_of))
        user_steps.close(handover, "annulee", as_of)
        _tell(session, organisation, _parties(session, handover), "handover_ended", as_of)
        _trace(session, "passation.annulee", actor.user_id, handover, as_of)


def start_proven(actor: Actor, organisation_id: UUID, to_user_id: UUID, proof: str, as_of: datetime) -> None:
    """By an operator, on a recorded proof of identity and power: announce a hand-over to all the client's users.

    It takes effect 72 hours later, and replaces a proposal under way. Raises Refused without a proof, while
    another one is announced, or when this user can't hold the account.
    """
    recorded = _checked_proof(actor, proof)
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = _locked_client(session, as_of)
        under_way = _under_way(session, as_of)
        if under_way is not None and under_way.kind == HandoverKind.PROVEN:
            raise Refused("Une passation est déjà annoncée à ce client\u00a0: annulez-la d’abord.", "to_user_id")
        if under_way is not None:
            user_steps.close(under_way, "remplacee", as_of)
            session.flush()
        user, due_at = _successor(session, to_user_id), as_of + EFFECTIVE_AFTER
        handover = _open(session, HandoverKind.PROVEN, user, actor.identity_id, as_of, due_at=due_at, proof=recorded)
        _tell(session, organisation, _active_users(session), "handover_announced", as_of, due_at)
        _trace(session, "passation.annoncee", actor.identity_id, handover, as_of, ActorKind.OPERATOR)


def cancel_proven(actor: Actor, organisation_id: UUID, as_of: datetime) -> None:
    """By an operator: take back the hand-over announced to a client. Raises NotVisible when there is none."""
    _check_operator(actor)
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = _locked_client(session, as_of)
        handover = _needed(_under_way(session, as_of))
        if handover.kind != HandoverKind.PROVEN:
            raise NotVisible
        user_steps.close(handover, "annulee", as_of)
        _tell(session, organisation, _active_users(session), "handover_ended", as_of)
        _trace(session, "passation.annulee", actor.identity_id, handover, as_of, ActorKind.OPERATOR)


def settle(organisation_id: UUID, as_of: datetime) -> str | None:
    """Make an announced hand-over effective once it is due, close one that came to nothing.

    Says what became of it, or None when nothing was to be done. Harmless when repeated.
    """
    with tenant_session(organisation_id) as session:
        if _to_settle(user_steps.open_handover(session), as_of) is None:
            return None
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = user_steps.lock(session)
        handover = _to_settle(user_steps.open_handover(session), as_of)
        if handover is None or organisation.is_over(as_of):
            return None
        by, kind = None, ActorKind.SYSTEM
        if handover.kind == HandoverKind.AGREED:
            _drop(session, organisation, handover, "expiree", as_of)
        elif not user_steps.may_hold(session, user_steps.find(session, handover.to_user_id)):
            _drop(session, organisation, handover, "caduque", as_of)
        else:
            _move(session, organisation, handover, as_of)
            by, kind = handover.started_by, ActorKind.OPERATOR
        _trace(session, f"passation.{handover.outcome}", by, handover, as_of, kind)
        return handover.outcome


def _to_settle(handover: Handover | None, as_of: datetime) -> Handover | None:
    if handover is None:
        return None
    return handover if as_of >= (handover.due_at or handover.ends_at) else None


def _move(session: TenantSession, organisation: Organisation, handover: Handover, as_of: datetime) -> None:
    """The account changes hands; the rights recorded on both users stay, the archive follows the account."""
    former, new = user_steps.find(session, handover.from_user_id), user_steps.find(session, handover.to_user_id)
    if not former.is_administrator or not user_steps.may_hold(session, new):
        raise NotVisible
    former.is_administrator = False
    session.flush()
    new.is_administrator = True
    user_steps.close(handover, "effective", as_of)
    for user in (former, new):
        user_steps.end_sessions(session, user.id, as_of)
    _tell(session, organisation, [former, new], "handover_done", as_of)


def _drop(session: TenantSession, organisation: Organisation, handover: Handover, outcome: str, as_of: datetime):
    user_steps.close(handover, outcome, as_of)
    _tell(session, organisation, _parties(session, handover), "handover_ended", as_of)


def _under_way(session: TenantSession, as_of: datetime) -> Handover | None:
    """The hand-over under way; a proposal whose time is over is closed on the way."""
    handover = user_steps.open_handover(session)
    if handover is None or not handover.has_lapsed(as_of):
        return handover
    user_steps.close(handover, "expiree", as_of)
    session.flush()
    return None


def _proposed_to(session: TenantSession, actor: Actor, as_of: datetime) -> Handover:
    handover = _needed(_under_way(session, as_of))
    if handover.kind != HandoverKind.AGREED or handover.to_user_id != actor.user_id:
        raise NotVisible
    return handover


def _needed(handover: Handover | None) -> Handover:
    if handover is None:
        raise NotVisible
    return handover


def _successor(session: TenantSession, user_id: UUID) -> User:
    user = user_steps.find(session, user_id)
    if user.is_administrator:
        raise Refused("Cette personne est déjà l’administrateur.", "to_user_id")
    if not user_steps.may_hold(session, user):
        raise Refused("Choisissez un utilisateur actif, ni suspendu ni bloqué.", "to_user_id")
    return user


def _open(
    session: TenantSession, kind: HandoverKind, user: User, started_by: UUID, as_of: datetime, **values: object
) -> Handover:
    handover = Handover(
        organisation_id=session.organisation_id,
        kind=kind,
        from_user_id=user_steps.holder(session).id,
        to_user_id=user.id,
        started_by=started_by,
        started_at=as_of,
        **values,
    )
    session.add(handover)
    session.flush()
    return handover


def _locked_client(session: TenantSession, as_of: datetime) -> Organisation:
    """A client whose contract has not ended; NotVisible otherwise, and when there is none."""
    if session.scalar(select(Organisation.id).where(Organisation.id == session.organisation_id)) is None:
        raise NotVisible
    organisation = user_steps.lock(session)
    if organisation.is_over(as_of):
        raise NotVisible
    return organisation


def _check_user(actor: Actor) -> None:
    if actor.user_id is None:
        raise NotVisible


def _check_operator(actor: Actor) -> None:
    if not actor.may(Permission.OPERATE):
        raise NotVisible


def _checked_proof(actor: Actor, proof: str) -> str:
    _check_operator(actor)
    recorded = proof.strip()
    if not recorded:
        raise Refused("Indiquez la preuve d’identité et de pouvoir qui a été examinée.", "proof")
    if len(recorded) > PROOF_LENGTH:
        raise Refused(f"La preuve se décrit en {PROOF_LENGTH} caractères au plus.", "proof")
    return recorded


def _active_users(session: TenantSession) -> list[User]:
    query = select(User).where(User.organisation_id == session.organisation_id, User.state == UserState.ACTIVE)
    return list(session.scalars(query.order_by(User.id)))


def _parties(session: TenantSession, handover: Handover) -> list[User]:
    return [user_steps.find(session, user_id) for user_id in (handover.from_user_id, handover.to_user_id)]


def _tell(
    session: TenantSession,
    organisation: Organisation,
    users: list[User],
    template: str,
    as_of: datetime,
    until: datetime | None = None,
) -> None:
    """One mail each; `until` is the instant that the mail speaks of."""
    when = instant_and_zone(until, ZoneInfo(organisation.zone))
    context = {"organisation_name": organisation.name, "when": when, "link": mail.link_to(PAGE)}
    for user in users:
        user_steps.tell(session, user, template, as_of, is_holder=user.is_administrator, **context)


def _trace(
    session: TenantSession,
    action: str,
    by: UUID | None,
    handover: Handover,
    as_of: datetime,
    kind: ActorKind = ActorKind.USER,
) -> None:
    details = {"de": str(handover.from_user_id), "a": str(handover.to_user_id)}
    audit.record(
        session,
        action,
        as_of=as_of,
        actor_id=by,
        actor_kind=kind,
        subject=("passation", handover.id),
        details=details,
    )
