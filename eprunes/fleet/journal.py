"""The journal of one vehicle or driver, as its page tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.audit import AuditEntry
from eprunes.core.database import TenantSession
from eprunes.core.wording import day, instant
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import WORDS, ChangeReason
from eprunes.fleet.due_dates import journal_words as due_date_words
from eprunes.fleet.local_times import absence_text, end_text, period_text
from eprunes.fleet.models import AssignmentSource, DocumentKind, ExitReason
from eprunes.fleet.names import DriverName, names_by_id
from eprunes.fleet.wording import DOCUMENT_KINDS, ENERGIES, EXIT_REASONS, HOLDINGS

SHOWN = 50
THE_PLATFORM = "la plateforme"
ACTIONS = {
    "vehicule.ajoute": "Véhicule ajouté au parc",
    "vehicule.modifie": "Fiche modifiée",
    "vehicule.sorti": "Sortie du parc",
    "vehicule.supprime": "Véhicule supprimé",
    "vehicule.revenu": "Remis dans le parc",
    "echeance.ajoutee": "Échéance ajoutée",
    "echeance.faite": "Échéance faite",
    "echeance.modifiee": "Échéance modifiée",
    "echeance.supprimee": "Échéance supprimée",
    "conducteur.ajoute": "Conducteur ajouté",
    "conducteur.modifie": "Fiche modifiée",
    "conducteur.fusionne": "Fusionné avec une autre fiche de la même personne",
    "conducteur.distinct": "Déclaré une autre personne qu’une fiche de mêmes nom et date de naissance",
    "conducteur.distinct_annule": "N’est plus déclaré une autre personne",
    "conducteur.parti": "Départ du conducteur",
    "conducteur.supprime": "Conducteur supprimé",
    "attribution.creee": "Attribué",
    "attribution.terminee": "Fin d’attribution",
    "attribution.corrigee": "Attribution corrigée",
    "attribution.annulee": "Attribution supprimée",
    "document.ajoute": "Document ajouté",
    "document.supprime": "Document supprimé",
    "document.telecharge": "Document téléchargé",
}
FIELDS = {
    "plate": "immatriculation",
    "country": "pays",
    "make": "marque",
    "model": "modèle",
    "category": "genre",
    "vin": "VIN",
    "first_registered_on": "première mise en circulation",
    "formula_number": "n° de formule",
    "energy": "énergie",
    "co2_g_per_km": "CO₂",
    "holding": "détention",
    "registered_to": "titulaire",
    "lessor": "loueur",
    "site": "site",
    "cost_centre": "centre de coûts",
    "is_pool": "véhicule partagé",
    "entered_at": "date d’entrée",
}


@dataclass(frozen=True)
class Line:
    """One act: when, what, by whom, and its particulars in words."""

    at: datetime
    words: str
    author: str
    particulars: str


def read_journal(session: TenantSession, actor: Actor, subject_kind: str, subject_id: UUID) -> list[Line]:
    """What was done on a vehicle or driver, newest first: the last fifty acts."""
    entries = list(session.scalars(queries.visible_journal(actor, subject_kind, subject_id).limit(SHOWN)))
    authors = queries.author_names(session, (entry.actor_id for entry in entries))
    names = names_by_id(session, actor, _drivers_in(entries))
    return [
        Line(
            entry.at,
            ACTIONS.get(entry.action, entry.action),
            authors.get(entry.actor_id, "un compte supprimé") if entry.actor_id else THE_PLATFORM,
            _with_source(entry, _particulars(entry, names, actor)),
        )
        for entry in entries
    ]


def _with_source(entry: AuditEntry, told: str) -> str:
    """What an import did says so."""
    if entry.details.get("source") != AssignmentSource.IMPORTED:
        return told
    return f"{told}, par import" if told else "par import"


def _drivers_in(entries: Iterable[AuditEntry]) -> Iterable[UUID]:
    for entry in entries:
        for facts in (entry.details, entry.details.get("avant") or {}):
            if facts.get("conducteur"):
                yield UUID(facts["conducteur"])


def _particulars(entry: AuditEntry, names: dict[UUID, DriverName], actor: Actor) -> str:
    details = entry.details
    if "attribution" in details:
        now = _assignment(details, names, actor, entry.at)
        before = details.get("avant")
        told = f"{now} (auparavant\u00a0: {_assignment(before, names, actor, entry.at)})" if before else now
        told += ", pris sur un téléphone" if details.get("source") == AssignmentSource.PHONE else ""
        reason = details.get("motif")
        return f"{told}, motif\u00a0: {WORDS[ChangeReason(reason)].lower()}" if reason else told
    if entry.action.startswith("document."):
        return DOCUMENT_KINDS[DocumentKind(details["nature"])]
    if "echeance" in details:
        return due_date_words(details)
    if entry.action == "vehicule.modifie":
        return ", ".join(_field(name, details, actor) for name in details.get("champs", ()) if name in FIELDS)
    if entry.action == "vehicule.sorti":
        before = details.get("avant")
        return _exit(details, actor) + (f" (auparavant\u00a0: {_exit(before, actor)})" if before else "")
    if entry.action == "vehicule.revenu":
        return _return(details, actor)
    return ""


def _field(name: str, details: dict, actor: Actor) -> str:
    """What was changed, with what stood there where the journal has it."""
    before, after = (details.get(when) or {} for when in ("avant", "apres"))
    if name not in before or name not in after:
        return FIELDS[name]
    return f"{FIELDS[name]} ({_value(name, before[name], actor)} → {_value(name, after[name], actor)})"


def _value(name: str, value: object, actor: Actor) -> str:
    if value in (None, ""):
        return "vide"
    if name == "entered_at":
        return instant(datetime.fromisoformat(value), actor.zone)
    if name == "first_registered_on":
        return day(date.fromisoformat(value))
    if isinstance(value, bool):
        return "oui" if value else "non"
    return HOLDINGS.get(value) or ENERGIES.get(value) or str(value)


def _exit(facts: dict, actor: Actor) -> str:
    reason, left = facts.get("motif"), end_text(datetime.fromisoformat(facts["le"]), actor.zone)
    return f"le {left}" + (f", motif\u00a0: {EXIT_REASONS[ExitReason(reason)].lower()}" if reason else "")


def _return(details: dict, actor: Actor) -> str:
    left_at = datetime.fromisoformat(details["sortie"])
    if "retour" not in details:
        return f"sortie du {end_text(left_at, actor.zone)} annulée"
    reason = EXIT_REASONS[ExitReason(details["motif"])].lower()
    away = absence_text(left_at, datetime.fromisoformat(details["retour"]), actor.zone)
    return f"{away}, motif\u00a0: {reason}"


def _assignment(facts: dict, names: dict[UUID, DriverName], actor: Actor, as_of: datetime) -> str:
    driver = names.get(UUID(facts["conducteur"]))
    ends_at = datetime.fromisoformat(facts["au"]) if facts["au"] else None
    period = period_text(datetime.fromisoformat(facts["du"]), ends_at, actor.zone, as_of)
    return f"{driver.name if driver else 'conducteur effacé'}, {period}"
