"""The dated thread of a notice: which facts it shows, and their words."""

from datetime import datetime
from uuid import UUID

from eprunes.core.database import TenantSession, new_id
from eprunes.fines.models import NoticeEvent

RECEIVED = "recu"
CHANGED = "contenu_modifie"
OPENED = "ouvert"
ANSWERED = "repondu"
SENT = "envoye"
REGISTERED = "enregistre"
REFUSED = "refuse"
UNKNOWN = "inconnu"
FILED = "classe"
REOPENED = "rouvert"
EXPIRED = "expire"

WORDS = {
    RECEIVED: "Avis mis en ligne",
    CHANGED: "Contenu modifié par l’ANTAI",
    OPENED: "Avis consulté",
    ANSWERED: "Réponse confirmée",
    SENT: "Réponse transmise à l’ANTAI",
    REGISTERED: "Réponse enregistrée par l’ANTAI",
    REFUSED: "Réponse refusée par l’ANTAI",
    UNKNOWN: "Résultat de l’envoi inconnu\u00a0: vérification en cours auprès de l’ANTAI",
    FILED: "Classé sans désignation",
    REOPENED: "Rouvert",
    EXPIRED: "Délai de 45 jours écoulé sans réponse",
}


def add(session: TenantSession, notice_id: UUID, kind: str, as_of: datetime, actor_id: UUID | None = None) -> None:
    """Add one fact to the thread, in the session's transaction."""
    session.add(
        NoticeEvent(
            organisation_id=session.organisation_id,
            id=new_id(),
            notice_id=notice_id,
            at=as_of,
            kind=kind,
            actor_id=actor_id,
        )
    )
