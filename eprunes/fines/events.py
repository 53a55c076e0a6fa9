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
TYPED_IN = "saisi"
RETYPED = "saisie_corrigee"
MERGED = "rapproche"
PAPER_CAME = "papier_recu"
POSTED = "poste"
NOTE_ADDED = "note_ajoutee"
FILE_ADDED = "piece_ajoutee"
FILE_REMOVED = "piece_retiree"
VEHICLE_CHOSEN = "vehicule_choisi"
VEHICLE_UNDONE = "vehicule_retire"
CORRECTED = "corrige"
CORRECTION_REGISTERED = "correction_enregistree"
CORRECTION_REFUSED = "correction_refusee"
DRIVER_ASKED = "conducteur_interroge"
DRIVER_REPLIED = "conducteur_a_repondu"
REQUEST_REVOKED = "demande_retiree"
REPLY_TAKEN = "reponse_reprise"

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
    TYPED_IN: "Avis saisi d’après le papier",
    RETYPED: "Saisie corrigée",
    MERGED: "Avis saisi retrouvé dans ceux de l’ANTAI\u00a0: son contenu fait foi",
    PAPER_CAME: "Date d’envoi de l’avis papier notée",
    POSTED: "Lettre recommandée postée",
    NOTE_ADDED: "Note interne ajoutée",
    FILE_ADDED: "Pièce jointe ajoutée",
    FILE_REMOVED: "Pièce jointe retirée",
    VEHICLE_CHOSEN: "Véhicule indiqué",
    VEHICLE_UNDONE: "Véhicule retiré de l’avis",
    CORRECTED: "Correction de la réponse confirmée",
    CORRECTION_REGISTERED: "Correction enregistrée par l’ANTAI",
    DRIVER_ASKED: "Renseignements demandés au conducteur",
    DRIVER_REPLIED: "Le conducteur a répondu",
    REQUEST_REVOKED: "Demande au conducteur retirée",
    REPLY_TAKEN: "Renseignements du conducteur reportés sur sa fiche",
    CORRECTION_REFUSED: "Correction refusée par l’ANTAI\u00a0: la réponse précédente reste valable",
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
