"""What the details of a journal entry say, in French: no code, and no id, reaches a reader."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from eprunes.accounts.services.mail_rhythms import WORDS as MAIL_RHYTHMS
from eprunes.accounts.services.signing_in import Outcome
from eprunes.admin.journal import ACTIONS, VISITED_PAGES, words_for
from eprunes.core.wording import day, instant, number
from eprunes.fines.answering import FilingReason, ImpossibilityReason
from eprunes.fines.attached import KIND_WORDS as NOTICE_FILE_KINDS
from eprunes.fines.inbox_filters import VIEW_WORDS
from eprunes.fleet.change_reasons import WORDS as CHANGE_REASONS
from eprunes.fleet.due_dates import KINDS
from eprunes.fleet.journal import FIELDS
from eprunes.fleet.wording import DOCUMENT_KINDS, ENERGIES, EXIT_REASONS, HOLDINGS, SOURCES

SUBJECTS = {
    "attribution": "Attribution",
    "avis": "Avis",
    "client": "Client",
    "conducteur": "Conducteur",
    "passation": "Passation",
    "reponse": "Réponse à l’ANTAI",
    "utilisateur": "Utilisateur",
    "vehicule": "Véhicule",
    "visite": "Visite d’un exploitant",
}
_NAMES = {
    "a": "à",
    "annee": "année",
    "apres": "désormais",
    "acte": "acte",
    "assignments": "attributions",
    "au": "au",
    "avant": "auparavant",
    "champs": "champs modifiés",
    "contraventions": "droit contraventions",
    "creees": "créées",
    "de": "de",
    "des_le": "dès le",
    "drivers": "conducteurs",
    "due_closed": "retirées",
    "due_moved": "déplacées",
    "due_opened": "ouvertes",
    "echeance": "échéance",
    "du": "du",
    "fin": "dernier jour",
    "jusqu_a": "jusqu’au",
    "le": "le",
    "modifiees": "modifiées",
    "parc": "droit parc",
    "pour_le": "pour le",
    "refusees": "refusées",
    "restants": "codes restants",
    "retour": "revenu le",
    "sortie": "sorti le",
    "vehicles": "véhicules",
    "vehicules": "véhicules",
}
_IMPOSSIBILITIES = {one: one.requirements.label for one in ImpossibilityReason}
_MOTIVES = {
    "connexion.refusee": {
        Outcome.REFUSED: "mot de passe incorrect",
        Outcome.BRAKED: "trop d’essais",
        Outcome.BLOCKED: "compte bloqué",
        Outcome.SUSPENDED: "compte suspendu",
        Outcome.DELETED: "compte supprimé",
        Outcome.NO_CONTRACT: "contrat suspendu ou terminé",
    },
    "avis.impossibilite": _IMPOSSIBILITIES,
    "avis.correction": _IMPOSSIBILITIES,
    "avis.classe": {one: one.label for one in FilingReason},
    "vehicule.revenu": EXIT_REASONS,
    "vehicule.sorti": EXIT_REASONS,
    "attribution.corrigee": CHANGE_REASONS,
    "attribution.annulee": CHANGE_REASONS,
}
_VALUES: dict[str, Mapping[str, str]] = {
    "champs": FIELDS,
    "echeance": KINDS,
    "energy": ENERGIES,
    "holding": HOLDINGS,
    "nature": NOTICE_FILE_KINDS | DOCUMENT_KINDS,
    "source": SOURCES,
    "rythme": MAIL_RHYTHMS,
    "outils": {"fleet": "parc", "fines": "contraventions"},
    "par": {
        "administrateur": "l’administrateur",
        "exploitant": "l’exploitant",
        "titulaire": "la personne elle-même",
        "utilisateur": "la personne elle-même",
    },
    "vue": {**VIEW_WORDS, "groupe": "Désignation groupée"},
}
_PAGES = {
    "accounts": "compte",
    "admin": "administration",
    "antai": "échanges avec l’ANTAI",
    "fines": "contraventions",
    "fleet": "parc",
    "fleet_import": "import du parc",
    "home": "accueil",
    "provider": "exploitation",
}


def details_in_words(action: str, details: Mapping, zone: ZoneInfo, name_of: Callable[[UUID], str | None]) -> str:
    """The details of one entry on one line; ids of people become their names, other ids are left out."""
    return " · ".join(_facts(action, details, zone, name_of))


def subject_in_words(kind: str | None) -> str:
    """The French name of a kind of subject, or an empty string."""
    return SUBJECTS.get(kind, _plain(kind)) if kind else ""


def _facts(action: str, details: Mapping, zone: ZoneInfo, name_of: Callable[[UUID], str | None]) -> list[str]:
    facts = []
    for name, value in details.items():
        label = _NAMES.get(name) or FIELDS.get(name) or _plain(name)
        if isinstance(value, Mapping):
            inner = ", ".join(_facts(action, value, zone, name_of))
            facts += [f"{label} ({inner})"] if inner else []
            continue
        told = _told(action, name, value, zone, name_of)
        facts += [f"{label}\u00a0: {told}"] if told else []
    return facts


def _told(action: str, name: str, value: object, zone: ZoneInfo, name_of: Callable[[UUID], str | None]) -> str:
    """One value in words; empty when it says nothing to a reader."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, list):
        return ", ".join(filter(None, (_told(action, name, one, zone, name_of) for one in value)))
    return _text(action, name, str(value), zone, name_of)


def _text(action: str, name: str, text: str, zone: ZoneInfo, name_of: Callable[[UUID], str | None]) -> str:
    person = _id(text)
    if person is not None:
        return name_of(person) or ""
    if name == "page":
        return VISITED_PAGES.get(text) or _PAGES.get(text.partition(".")[0], "autre")
    if name == "acte":
        return words_for(text) if text in ACTIONS else _plain(text).strip()
    if name == "objet":
        return subject_in_words(text)
    known = _MOTIVES.get(action, {}) if name == "motif" else _VALUES.get(name, {})
    if text in known:
        return known[text]
    return _date(text, zone) or (_plain(text) if text.islower() and " " not in text else text)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _date(text: str, zone: ZoneInfo) -> str:
    """A day or an instant as people write it, or an empty string for any other text."""
    try:
        return day(date.fromisoformat(text)) if len(text) == len("2026-03-03") else _instant(text, zone)
    except ValueError:
        return ""


def _instant(text: str, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(text)
    return instant(at, zone) if at.tzinfo else ""


def _plain(code: str) -> str:
    return code.replace("_", " ").replace(".", " ")
