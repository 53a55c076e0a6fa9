"""The second factor: set up, given, replaced, removed; its recovery codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update

from eprunes.accounts import factor_boxes, one_time_codes, sessions, throttling
from eprunes.accounts.factor_boxes import Secrets
from eprunes.accounts.models import Identity, IdentityKind, RecoveryCode, User, UserState
from eprunes.accounts.permissions import Actor, Pending, Permission
from eprunes.accounts.services import account_steps
from eprunes.core import audit, crypto
from eprunes.core.audit import ActorKind
from eprunes.core.crypto import PLATFORM
from eprunes.core.database import PlatformSession, TenantSession, platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused

SCOPE = "second_facteur"
_WRONG = "Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant et vérifiez l’heure de votre téléphone."
_WRONG_RECOVERY = "Ce code de secours n’est pas le bon, ou il a déjà servi."
_STALE = "Cette mise en place a été recommencée ailleurs\u00a0: lisez le nouveau code QR, puis donnez son code."


def propose(actor: Actor, as_of: datetime) -> str:
    """The secret to enter in an application: the same for the whole session, until a first code confirms it.

    A factor in force goes on working meanwhile. Not for a session that still owes the code of that factor.
    """
    _refuse_owing(actor)
    identity = account_steps.identity_of(actor, "mise en place du second facteur")
    held = factor_boxes.secrets_of(identity)
    if held.proposed and held.proposed_in == actor.session_id.hex:
        return held.proposed
    fresh = Secrets(held.in_force, one_time_codes.new_secret(), actor.session_id.hex)
    key_id, box = factor_boxes.seal_secrets(identity.id, fresh, as_of)
    with account_steps.changing(actor, "mise en place du second facteur") as session:
        done = _put_box(session, identity, {"totp_key_id": key_id, "totp_box": box})
    factor_boxes.destroy(identity.totp_key_id if done else key_id)
    return fresh.proposed if done else propose(actor, as_of)  # another request of this account was quicker


def confirm(*, actor: Actor, code: str, as_of: datetime) -> tuple[str, list[str]]:
    """Put the proposed secret in force by its first code: (the session's new token, the recovery codes).

    Other sessions end; the factor and the recovery codes before die. Raises Refused on a wrong code.
    """
    _refuse_owing(actor)
    throttling.take(SCOPE, str(actor.identity_id), as_of=as_of)
    identity = account_steps.identity_of(actor, "mise en place du second facteur")
    held = factor_boxes.secrets_of(identity)
    if held.proposed is None or held.proposed_in != actor.session_id.hex:
        raise Refused(_STALE, "code")
    step = one_time_codes.step_of(held.proposed, code, as_of)
    if step is None:
        raise Refused(_WRONG, "code")
    key_id, box = factor_boxes.seal_secrets(identity.id, Secrets(in_force=held.proposed), as_of)
    values = {"totp_key_id": key_id, "totp_box": box, "totp_confirmed_at": as_of, "totp_last_step": step}
    codes = one_time_codes.new_recovery_codes()
    with account_steps.changing(actor, "second facteur confirmé") as session:
        done = _put_box(session, identity, values)
        if done:
            _replace_codes(session, identity.id, codes)
            sessions.end_sessions_of(session, identity.id, as_of, but=actor.session_id)
            account_steps.trace(session, actor, "second_facteur.pose", as_of)
            account_steps.tell_owner(session, identity, "second_factor_set", as_of)
    factor_boxes.destroy(identity.totp_key_id if done else key_id)
    if not done:
        raise Refused(_STALE, "code")
    throttling.clear(SCOPE, str(actor.identity_id))
    return sessions.renew(actor, as_of, second_factor=True), codes


def is_settled(actor: Actor) -> bool:
    """True when a factor is in force and no other is proposed: a first code sent now was sent before."""
    held = factor_boxes.secrets_of(account_steps.identity_of(actor, "mise en place du second facteur"))
    return held.in_force is not None and held.proposed is None


def give_code(*, actor: Actor, code: str, as_of: datetime) -> str:
    """Check a code of the moment, which is used up by it; returns the session's new token.

    Ends the sign-in, or proves again who one is. Raises Refused when wrong, used before, or tried too often.
    """
    throttling.take(SCOPE, str(actor.identity_id), as_of=as_of)
    identity = account_steps.identity_of(actor, "code du second facteur")
    secret = factor_boxes.secrets_of(identity).in_force
    step = one_time_codes.step_of(secret, code, as_of) if secret else None
    with account_steps.changing(actor, "code du second facteur") as session:
        done = step is not None and _use_up(session, identity, step)
        account_steps.trace(session, actor, "code.donne" if done else "code.refuse", as_of)
    if not done:
        raise Refused(_WRONG, "code")
    throttling.clear(SCOPE, str(actor.identity_id))
    return sessions.renew(actor, as_of, second_factor=True)


def give_recovery_code(*, actor: Actor, code: str, as_of: datetime) -> tuple[str, int]:
    """End a sign-in by a recovery code, used up by it: (the session's new token, how many codes are left).

    Its owner is told by mail. Raises Refused when wrong, used before, or tried too often.
    """
    throttling.take(SCOPE, str(actor.identity_id), as_of=as_of)
    identity = account_steps.identity_of(actor, "code de secours")
    if identity.totp_confirmed_at is None:
        raise Refused(_WRONG_RECOVERY, "code")
    code_hash = one_time_codes.hash_of_recovery_code(identity.id, code)
    unused = RecoveryCode.identity_id == identity.id, RecoveryCode.used_at.is_(None)
    with account_steps.changing(actor, "code de secours") as session:
        statement = update(RecoveryCode).where(*unused, RecoveryCode.code_hash == code_hash)
        done = session.execute(statement.values(used_at=as_of)).rowcount == 1
        if done:
            left = session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused))
            account_steps.trace(session, actor, "code_de_secours.donne", as_of, {"restants": left})
            account_steps.tell_owner(session, identity, "recovery_code_used", as_of, left=left)
        else:
            account_steps.trace(session, actor, "code_de_secours.refuse", as_of)
    if not done:
        raise Refused(_WRONG_RECOVERY, "code")
    throttling.clear(SCOPE, str(actor.identity_id))
    return sessions.renew(actor, as_of, second_factor=True), left


def renew_recovery_codes(*, actor: Actor, as_of: datetime) -> list[str]:
    """Ten new recovery codes; the earlier ones die. Raises Refused without a second factor."""
    _refuse_owing(actor)
    codes = one_time_codes.new_recovery_codes()
    with account_steps.changing(actor, "nouveaux codes de secours") as session:
        identity = _locked_with_factor(session, Identity.id == actor.identity_id)
        _replace_codes(session, identity.id, codes)
        account_steps.trace(session, actor, "codes_de_secours.renouveles", as_of)
        account_steps.tell_owner(session, identity, "recovery_codes_renewed", as_of)
    return codes


def remove_own(*, actor: Actor, as_of: datetime) -> str:
    """Take one's own factor away, where none is required; other sessions end. Returns the session's new token."""
    _refuse_owing(actor)
    if is_required_for(actor):
        raise Refused("La double authentification est obligatoire pour votre compte.")
    with account_steps.changing(actor, "second facteur retiré") as session:
        identity = _locked_with_factor(session, Identity.id == actor.identity_id)
        key_id = _take_away(session, identity)
        sessions.end_sessions_of(session, identity.id, as_of, but=actor.session_id)
        account_steps.trace(session, actor, "second_facteur.retire", as_of)
        account_steps.tell_owner(session, identity, "second_factor_removed", as_of, by="vous-même")
    factor_boxes.destroy(key_id)
    return sessions.renew(actor, as_of)


def remove_for_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """The administrator takes away the lost factor of another user of the organisation; that person's sessions end.

    Raises NotVisible for anybody else, Refused when the person has none.
    """
    if not actor.may(Permission.ADMINISTER) or user_id == actor.user_id:
        raise NotVisible
    with tenant_session(actor.organisation_id, write=True, platform_reason="second facteur perdu") as session:
        user = _living_user(session, user_id)
        by = {"actor_id": actor.user_id, "actor_kind": ActorKind.USER}
        key_id = _remove_for_other(session, user, "l’administrateur de votre compte client", as_of, **by)
    factor_boxes.destroy(key_id)


def remove_for_account(actor: Actor, identity_id: UUID, as_of: datetime) -> None:
    """An operator takes away the lost factor of a client's administrator; that person's sessions end.

    Raises NotVisible for any other account, Refused when the administrator has none.
    """
    if not actor.may(Permission.OPERATE):
        raise NotVisible
    with platform_session("second facteur perdu") as session:
        identity = session.scalar(select(Identity).where(Identity.id == identity_id))
    if identity is None or identity.organisation_id is None:
        raise NotVisible
    with tenant_session(identity.organisation_id, write=True, platform_reason="second facteur perdu") as session:
        user = _living_user(session, identity.user_id)
        if not user.is_administrator:
            raise NotVisible
        by = {"actor_id": actor.identity_id, "actor_kind": ActorKind.OPERATOR}
        key_id = _remove_for_other(session, user, "l’assistance d’e-Prunes, à votre demande", as_of, **by)
    factor_boxes.destroy(key_id)


def remove_for_operator(email: str, as_of: datetime) -> None:
    """Take away an operator's lost factor, from the command line; sets it up anew at the next sign-in.

    Raises Refused when no operator with a factor has this address.
    """
    is_operator = Identity.email == email.strip().lower(), Identity.kind == IdentityKind.OPERATOR
    with platform_session("second facteur d’un exploitant perdu", write=True) as session:
        identity = _locked_with_factor(session, *is_operator)
        key_id = _take_away(session, identity)
        sessions.end_sessions_of(session, identity.id, as_of)
        account_steps.tell_owner(session, identity, "second_factor_removed", as_of, by="l’exploitation d’e-Prunes")
    factor_boxes.destroy(key_id)


def is_required_for(actor: Actor) -> bool:
    """Administrators and operators never go without a second factor."""
    return actor.is_administrator or actor.is_operator


def destroy_orphan_keys(as_of: datetime) -> int:
    """Destroy keys whose account is gone, or never got its box (a crash between the two stores)."""
    return crypto.destroy_orphan_keys(PLATFORM, factor_boxes.KEY_PURPOSE, as_of, _keys_in_use)


def _keys_in_use() -> Sequence[UUID | None]:
    with platform_session("clés du second facteur") as session:
        return session.scalars(select(Identity.totp_key_id)).all()


def _refuse_owing(actor: Actor) -> None:
    if actor.pending is Pending.CODE:
        raise NotVisible


def _put_box(session: PlatformSession | TenantSession, identity: Identity, values: dict) -> bool:
    """Write a new box, unless the one that was read has been replaced meanwhile."""
    as_read = Identity.totp_key_id.is_not_distinct_from(identity.totp_key_id)
    return session.execute(update(Identity).where(Identity.id == identity.id, as_read).values(**values)).rowcount == 1


def _use_up(session: PlatformSession | TenantSession, identity: Identity, step: int) -> bool:
    """Move the last step used, in one statement: of two that bring the same code at once, one moves it."""
    unused = or_(Identity.totp_last_step.is_(None), Identity.totp_last_step < step)
    statement = update(Identity).where(
        Identity.id == identity.id,
        Identity.totp_key_id == identity.totp_key_id,
        Identity.totp_confirmed_at.is_not(None),
        unused,
    )
    return session.execute(statement.values(totp_last_step=step)).rowcount == 1


def _replace_codes(session: PlatformSession | TenantSession, identity_id: UUID, codes: list[str]) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.identity_id == identity_id))
    hashes = (one_time_codes.hash_of_recovery_code(identity_id, code) for code in codes)
    session.execute(insert(RecoveryCode), [{"identity_id": identity_id, "code_hash": one} for one in hashes])


def _locked_with_factor(session: PlatformSession | TenantSession, *which) -> Identity:
    identity = session.scalar(select(Identity).where(*which).with_for_update())
    if identity is None or identity.totp_confirmed_at is None:
        raise Refused("Ce compte n’a pas de double authentification.")
    return identity


def _take_away(session: PlatformSession | TenantSession, identity: Identity) -> UUID | None:
    """Forget an account's factor and its recovery codes; returns the key to destroy afterwards."""
    key_id = identity.totp_key_id
    identity.totp_key_id = identity.totp_box = identity.totp_confirmed_at = identity.totp_last_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.identity_id == identity.id))
    return key_id


def _living_user(session: TenantSession, user_id: UUID) -> User:
    user = session.scalar(
        select(User).where(
            User.organisation_id == session.organisation_id,
            User.id == user_id,
            User.state.in_((UserState.ACTIVE, UserState.SUSPENDED)),
        )
    )
    if user is None:
        raise NotVisible
    return user


def _remove_for_other(session: TenantSession, user: User, by: str, as_of: datetime, **who) -> UUID | None:
    mine = Identity.organisation_id == session.organisation_id, Identity.user_id == user.id
    identity = _locked_with_factor(session, *mine)
    key_id = _take_away(session, identity)
    sessions.end_sessions_of(session, identity.id, as_of)
    audit.record(session, "second_facteur.leve", as_of=as_of, subject=("utilisateur", user.id), **who)
    account_steps.tell_owner(session, identity, "second_factor_removed", as_of, by=by)
    return key_id
