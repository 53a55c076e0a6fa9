"""Operations on one's own account: the password, the open sessions, proving again who one is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from eprunes.accounts import passwords, sessions, throttling, tokens
from eprunes.accounts.models import Identity, TokenPurpose, UserSession
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import account_steps
from eprunes.core.refusals import NotVisible, Refused

SCOPE = "preuve"


def change_password(*, actor: Actor, current: str, new: str, as_of: datetime) -> str:
    """Replace one's own password; returns the session's new token.

    Other sessions end, links to reset the password are void, the owner is told by mail. Raises Refused when the
    current one is wrong or tried too often, or the new one does not meet the rules.
    """
    identity = _proven(actor, current, "current", as_of)
    if new == current:
        raise Refused("Choisissez un mot de passe différent de l’actuel.", "new")
    try:
        password_hash = passwords.hash_password(new, (actor.email, actor.display_name, actor.organisation_name))
    except passwords.PasswordRefused as error:
        raise Refused(str(error), "new") from error
    with account_steps.changing(actor, "changement de mot de passe") as session:
        as_read = Identity.id == identity.id, Identity.password_hash == identity.password_hash
        if session.execute(update(Identity).where(*as_read).values(password_hash=password_hash)).rowcount != 1:
            raise Refused("Ce mot de passe vient d’être changé ailleurs.", "current")
        sessions.end_sessions_of(session, identity.id, as_of, but=actor.session_id)
        tokens.void(session, TokenPurpose.RESET, as_of=as_of, identity_id=identity.id)
        account_steps.trace(session, actor, "mot_de_passe.change", as_of)
        account_steps.tell_owner(session, identity, "password_changed", as_of)
    return sessions.renew(actor, as_of)


def confirm_by_password(*, actor: Actor, password: str, as_of: datetime) -> str:
    """Prove by the password that the session is still its person's; returns the session's new token.

    Raises Refused when it is wrong, or was tried too often.
    """
    _proven(actor, password, "password", as_of)
    return sessions.renew(actor, as_of)


def end_one(*, actor: Actor, session_id: UUID, as_of: datetime) -> None:
    """End one of one's own open sessions. Raises NotVisible when it is somebody else's, or ended."""
    with account_steps.changing(actor, "session fermée par son titulaire") as session:
        mine = UserSession.id == session_id, UserSession.identity_id == actor.identity_id
        statement = update(UserSession).where(*mine, UserSession.ended_at.is_(None))
        if session.execute(statement.values(ended_at=as_of)).rowcount != 1:
            raise NotVisible
        account_steps.trace(session, actor, "sessions.fermees", as_of, {"nombre": 1})


def end_others(*, actor: Actor, as_of: datetime) -> int:
    """End all of one's own sessions but the present one; says how many."""
    with account_steps.changing(actor, "sessions fermées par leur titulaire") as session:
        ended = sessions.end_sessions_of(session, actor.identity_id, as_of, but=actor.session_id)
        account_steps.trace(session, actor, "sessions.fermees", as_of, {"nombre": ended})
    return ended


def _proven(actor: Actor, password: str, field: str, as_of: datetime) -> Identity:
    throttling.take(SCOPE, str(actor.identity_id), as_of=as_of)
    identity = account_steps.identity_of(actor, "confirmation d’identité")
    if not passwords.verify(identity.password_hash, password):
        with account_steps.changing(actor, "confirmation d’identité") as session:
            account_steps.trace(session, actor, "mot_de_passe.refuse", as_of)
        raise Refused("Mot de passe incorrect.", field)
    throttling.clear(SCOPE, str(actor.identity_id))
    return identity
