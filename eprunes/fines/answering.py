"""What may become of a notice and of its answer (*états d'un avis et de sa réponse*): states, moves, reasons.

Two machines. A notice is to answer, answered, refused by the agency, filed or expired. Each answer is
confirmed, then sent, then registered, refused or of unknown outcome. Nothing changes state but by `move` and
`move_notice`.
"""

from dataclasses import dataclass
from enum import StrEnum

from eprunes.core.refusals import Refused


class NoticeState(StrEnum):
    """Where a notice stands (*état de l'avis*)."""

    TO_ANSWER = "a_traiter"
    ANSWERED = "repondue"
    REFUSED = "refusee"
    FILED = "classee"
    EXPIRED = "expiree"


class NoticeMove(StrEnum):
    """What may happen to a notice (*événement de l'avis*)."""

    ANSWER = "repondre"
    REFUSE = "refuser"
    FILE = "classer"
    REOPEN = "rouvrir"
    EXPIRE = "expirer"


class AnswerState(StrEnum):
    """Where an answer stands (*état de la réponse*)."""

    CONFIRMED = "confirmee"
    SENDING = "en_envoi"
    REGISTERED = "enregistree"
    REFUSED = "refusee"
    UNKNOWN = "inconnue"
    TO_POST = "a_poster"
    REPLACED = "remplacee"


class AnswerMove(StrEnum):
    """What may happen to an answer (*événement de la réponse*)."""

    CLAIM = "prendre_en_charge"
    REGISTER = "enregistrer"
    REFUSE = "refuser"
    LOSE = "perdre"
    # Only when the agency has certainly not received it: refused connection, 503, expired token.
    RETRY = "reessayer"
    # Once the agency has said what it holds, after an outcome that nobody knew.
    SETTLE_REGISTERED = "constater_enregistree"
    SETTLE_REFUSED = "constater_refusee"
    SETTLE_NOT_RECEIVED = "constater_non_recue"
    # A letter that a person says has gone by registered post.
    POST = "poster"
    # A registered answer is corrected by another; it stands again when the agency refuses the correction.
    CORRECT = "corriger"
    RESTORE = "retablir"


class IllegalMove(Refused):
    """The move is not allowed from this state; the message is a French sentence for the user."""


# An answer in one of these closes its notice to all users but the administrator, and no other may be added.
OPEN_STATES = frozenset(
    {
        AnswerState.CONFIRMED,
        AnswerState.SENDING,
        AnswerState.UNKNOWN,
        AnswerState.REGISTERED,
        AnswerState.TO_POST,
    }
)
# An answer in one of these forbids the destruction of its notice.
IN_FLIGHT = frozenset({AnswerState.CONFIRMED, AnswerState.SENDING, AnswerState.UNKNOWN})

# Late answers are let through (EXPIRED, ANSWER): whoever still sees the notice may try, the agency decides.
_NOTICE_MOVES = {
    (NoticeState.TO_ANSWER, NoticeMove.ANSWER): NoticeState.ANSWERED,
    (NoticeState.TO_ANSWER, NoticeMove.FILE): NoticeState.FILED,
    (NoticeState.TO_ANSWER, NoticeMove.EXPIRE): NoticeState.EXPIRED,
    (NoticeState.ANSWERED, NoticeMove.REFUSE): NoticeState.REFUSED,
    (NoticeState.REFUSED, NoticeMove.ANSWER): NoticeState.ANSWERED,
    (NoticeState.REFUSED, NoticeMove.FILE): NoticeState.FILED,
    (NoticeState.FILED, NoticeMove.REOPEN): NoticeState.TO_ANSWER,
    (NoticeState.EXPIRED, NoticeMove.ANSWER): NoticeState.ANSWERED,
}

_NOTICE_REFUSALS = {
    NoticeState.TO_ANSWER: "Cet avis est à traiter\u00a0: répondez-y ou classez-le.",
    NoticeState.ANSWERED: "Une réponse a déjà été donnée à cet avis.",
    NoticeState.REFUSED: "L’ANTAI a refusé la réponse à cet avis\u00a0: donnez-en une autre ou classez-le.",
    NoticeState.FILED: "Cet avis est classé sans désignation\u00a0: rouvrez-le d’abord.",
    NoticeState.EXPIRED: "Le délai de cet avis est passé\u00a0: seule une réponse est encore possible.",
}

_ANSWER_MOVES = {
    (AnswerState.CONFIRMED, AnswerMove.CLAIM): AnswerState.SENDING,
    (AnswerState.SENDING, AnswerMove.REGISTER): AnswerState.REGISTERED,
    (AnswerState.SENDING, AnswerMove.REFUSE): AnswerState.REFUSED,
    (AnswerState.SENDING, AnswerMove.LOSE): AnswerState.UNKNOWN,
    (AnswerState.SENDING, AnswerMove.RETRY): AnswerState.CONFIRMED,
    (AnswerState.UNKNOWN, AnswerMove.SETTLE_REGISTERED): AnswerState.REGISTERED,
    (AnswerState.UNKNOWN, AnswerMove.SETTLE_REFUSED): AnswerState.REFUSED,
    (AnswerState.UNKNOWN, AnswerMove.SETTLE_NOT_RECEIVED): AnswerState.CONFIRMED,
    (AnswerState.TO_POST, AnswerMove.POST): AnswerState.REGISTERED,
    (AnswerState.REGISTERED, AnswerMove.CORRECT): AnswerState.REPLACED,
    (AnswerState.REPLACED, AnswerMove.RESTORE): AnswerState.REGISTERED,
}

_ANSWER_REFUSALS = {
    AnswerState.CONFIRMED: "Cette réponse n’est pas encore partie vers l’ANTAI\u00a0: attendez son envoi.",
    AnswerState.SENDING: "Cette réponse est en cours d’envoi à l’ANTAI\u00a0: attendez son résultat.",
    AnswerState.REGISTERED: "Cette réponse est enregistrée par l’ANTAI\u00a0: elle ne peut plus changer.",
    AnswerState.REFUSED: "L’ANTAI a refusé cette réponse\u00a0: seule une nouvelle peut la remplacer.",
    AnswerState.UNKNOWN: "Le résultat de cet envoi est inconnu\u00a0: il faut d’abord interroger l’ANTAI.",
    AnswerState.TO_POST: "Cette réponse attend d’être postée en recommandé.",
    AnswerState.REPLACED: "Une correction remplace cette réponse.",
}


def move(state: AnswerState, happened: AnswerMove) -> AnswerState:
    """The state of an answer after the move. Raises IllegalMove."""
    after = _ANSWER_MOVES.get((state, happened))
    if after is None:
        raise IllegalMove(_ANSWER_REFUSALS[state])
    return after


def move_notice(state: NoticeState, happened: NoticeMove) -> NoticeState:
    """The state of a notice after the move. Raises IllegalMove."""
    after = _NOTICE_MOVES.get((state, happened))
    if after is None:
        raise IllegalMove(_NOTICE_REFUSALS[state])
    return after


class ImpossibilityReason(StrEnum):
    """Why no driver can be named (*motif d'impossibilité*): Code de la route A. 121-1, and one of our own."""

    THEFT = "vol"
    DESTRUCTION = "destruction"
    PLATE_USURPATION = "usurpation"
    SALE = "cession"
    FORCE_MAJEURE = "force_majeure"
    NOT_OUR_VEHICLE = "pas_notre_vehicule"

    @property
    def requirements(self) -> "ImpossibilityRequirements":
        """What the user sees and has to provide for this reason."""
        return _REQUIREMENTS[self]


@dataclass(frozen=True)
class ImpossibilityRequirements:
    """What a reason asks for (*pièces à joindre*): every one of `proofs`, and a statement where needed."""

    label: str
    proofs: tuple[str, ...] = ()
    needs_statement: bool = False


_REQUIREMENTS = {
    ImpossibilityReason.THEFT: ImpossibilityRequirements("Véhicule volé", ("Récépissé du dépôt de plainte pour vol",)),
    ImpossibilityReason.DESTRUCTION: ImpossibilityRequirements(
        "Véhicule détruit",
        ("Récépissé du dépôt de plainte pour destruction, ou déclaration de destruction du véhicule",),
    ),
    ImpossibilityReason.PLATE_USURPATION: ImpossibilityRequirements(
        "Plaque usurpée", ("Récépissé du dépôt de plainte pour usurpation de plaque",)
    ),
    ImpossibilityReason.SALE: ImpossibilityRequirements(
        "Véhicule vendu ou cédé",
        ("Déclaration de cession", "Accusé d’enregistrement de la cession dans le SIV"),
    ),
    ImpossibilityReason.FORCE_MAJEURE: ImpossibilityRequirements("Autre cas de force majeure", needs_statement=True),
    # Not in A. 121-1: an assumption on what the agency accepts, hence the comment it asks for.
    ImpossibilityReason.NOT_OUR_VEHICLE: ImpossibilityRequirements("Ce n’est pas notre véhicule", needs_statement=True),
}


class FilingReason(StrEnum):
    """Why a notice is filed without an answer (*motif de classement*)."""

    NO_DUTY = "pas_d_obligation"
    PARKING_FEE = "fps"
    PAID = "payee"
    OTHER = "autre"

    @property
    def label(self) -> str:
        """What the user sees."""
        return _FILING_LABELS[self]


_FILING_LABELS = {
    FilingReason.NO_DUTY: "Pas d’obligation de désigner",
    FilingReason.PARKING_FEE: "Forfait de post-stationnement (FPS)",
    FilingReason.PAID: "Amende déjà payée",
    FilingReason.OTHER: "Autre motif",
}
