"""What the administrator may do to a user: in which state it is offered, and the words that say what it does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from eprunes.accounts.people import Person, Standing
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import blocking, invitations, second_factors, users


@dataclass(frozen=True)
class Act:
    """An operation on one user, asked for on a page of its own: `title`, what follows, the button, the outcome."""

    do: Callable[[Actor, UUID, datetime], None]
    title: str
    consequences: tuple[str, ...]
    button: str
    icon: str
    done: str
    is_grave: bool = False


SUSPEND = Act(
    users.suspend_user,
    "Suspendre l’utilisateur",
    (
        "Ses sessions ouvertes prennent fin à l’instant\u00a0;",
        "il ne peut plus se connecter\u00a0;",
        "ses droits et tout ce qu’il a fait restent\u00a0: vous pourrez le réactiver à tout moment.",
    ),
    "Suspendre",
    "pause-circle",
    "Utilisateur suspendu\u00a0: ses sessions sont fermées.",
    is_grave=True,
)
REACTIVATE = Act(
    users.reactivate_user,
    "Réactiver l’utilisateur",
    ("Il peut de nouveau se connecter, avec son mot de passe et les droits qu’il avait.",),
    "Réactiver",
    "play-circle",
    "Utilisateur réactivé.",
)
DELETE = Act(
    users.delete_user,
    "Supprimer l’utilisateur",
    (
        "Ses sessions ouvertes prennent fin à l’instant, et ses liens reçus par e-mail ne valent plus\u00a0;",
        "pendant 30 jours vous pouvez le restaurer, et son adresse ne peut servir à personne d’autre\u00a0;",
        "ensuite son nom, son adresse et son mot de passe sont détruits, et l’adresse redevient libre\u00a0;",
        "ce qu’il a fait reste au journal, sans son nom.",
    ),
    "Supprimer",
    "trash",
    "Utilisateur supprimé. Vous pouvez le restaurer pendant 30 jours.",
    is_grave=True,
)
RESTORE = Act(
    users.restore_user,
    "Restaurer l’utilisateur",
    ("Il peut de nouveau se connecter, avec son mot de passe et les droits qu’il avait.",),
    "Restaurer",
    "arrow-counterclockwise",
    "Utilisateur restauré.",
)
RESEND = Act(
    invitations.resend,
    "Renvoyer l’invitation",
    (
        "Un nouveau lien part à son adresse, valable 48 heures\u00a0;",
        "le lien précédent ne vaut plus.",
    ),
    "Renvoyer l’invitation",
    "envelope",
    "Invitation envoyée.",
)
REVOKE = Act(
    invitations.revoke,
    "Annuler l’invitation",
    (
        "Le lien envoyé ne vaut plus\u00a0;",
        "la personne disparaît de vos utilisateurs, et son adresse redevient libre.",
    ),
    "Annuler l’invitation",
    "x-circle",
    "Invitation annulée.",
    is_grave=True,
)
BLOCK = Act(
    blocking.block_user,
    "Bloquer le compte",
    (
        "À faire dès qu’un appareil ou un mot de passe est perdu, volé ou utilisé par quelqu’un d’autre\u00a0;",
        "ses sessions ouvertes prennent fin à l’instant, partout, et plus personne n’entre avec ce compte\u00a0;",
        "vous pourrez le débloquer\u00a0: la personne choisira alors un nouveau mot de passe.",
    ),
    "Bloquer",
    "shield-exclamation",
    "Compte bloqué\u00a0: ses sessions sont fermées.",
    is_grave=True,
)
UNBLOCK = Act(
    blocking.unblock_user,
    "Débloquer le compte",
    (
        "Assurez-vous que c’est bien cette personne qui vous le demande\u00a0;",
        "elle choisira un nouveau mot de passe par «\u00a0Mot de passe oublié\u00a0?\u00a0», puis se connectera.",
    ),
    "Débloquer",
    "unlock",
    "Compte débloqué.",
)
FORGET_FACTOR = Act(
    second_factors.remove_for_user,
    "Retirer la double authentification",
    (
        "À faire si la personne a perdu son téléphone et ses codes de secours, et le demande elle-même\u00a0;",
        "sa double authentification et ses codes de secours sont effacés, ses sessions prennent fin\u00a0;",
        "elle se connectera avec son seul mot de passe, et pourra remettre en place la double authentification.",
    ),
    "Retirer la double authentification",
    "phone",
    "Double authentification retirée\u00a0: la personne en est avertie par e-mail.",
    is_grave=True,
)

_RETURNS = {"reactiver": "réactivé", "restaurer": "restauré"}
_STAYS_BLOCKED = "Son compte reste bloqué\u00a0: il ne pourra se connecter qu’une fois débloqué."
_THEN_BY_RESET = (
    "Il retrouve les droits qu’il avait\u00a0; pour se connecter, il choisira un mot de passe par "
    "«\u00a0Mot de passe oublié\u00a0?\u00a0»."
)

ACTS: dict[str, Act] = {
    "suspendre": SUSPEND,
    "reactiver": REACTIVATE,
    "supprimer": DELETE,
    "restaurer": RESTORE,
    "renvoyer": RESEND,
    "annuler": REVOKE,
    "bloquer": BLOCK,
    "debloquer": UNBLOCK,
    "second-facteur-perdu": FORGET_FACTOR,
}
"""The acts by the word that names them in an address."""

_BY_STANDING: dict[Standing, tuple[str, ...]] = {
    Standing.ACTIVE: ("suspendre", "bloquer", "supprimer"),
    Standing.BLOCKED: ("debloquer", "suspendre", "supprimer"),
    Standing.SUSPENDED: ("reactiver", "supprimer"),
    Standing.INVITED: ("renvoyer", "annuler"),
    Standing.EXPIRED: ("renvoyer", "annuler"),
    Standing.DELETED: ("restaurer",),
}


def for_person(word: str, person: Person) -> Act:
    """The act of this word, in the words that are true of this person."""
    act = ACTS[word]
    if word not in _RETURNS or (person.has_password and not person.blocked):
        return act
    if person.blocked:
        done = f"Utilisateur {_RETURNS[word]}\u00a0: son compte reste bloqué."
        return replace(act, consequences=("Il retrouve les droits qu’il avait.", _STAYS_BLOCKED), done=done)
    return replace(act, consequences=(_THEN_BY_RESET,))


def offered(person: Person) -> dict[str, Act]:
    """The acts that the state of a user admits, by word; none for the administrator's own account."""
    if person.user.is_administrator:
        return {}
    words = list(_BY_STANDING[person.standing])
    if person.second_factor and person.standing != Standing.DELETED:
        words.append("second-facteur-perdu")
    if person.blocked and person.standing == Standing.SUSPENDED:
        words.append("debloquer")
    return {word: ACTS[word] for word in words}
