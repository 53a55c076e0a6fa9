"""What makes the agency refuse a designation. Pure rules; the field names are assumptions."""

import re
from datetime import date

from .payloads import day

STATUSES = ("DESIGNATION", "NON_DESIGNATION")
CAPACITIES = ("PREPOSE", "LOCATAIRE", "REPRESENTANT_LEGAL")
REASONS = ("VOL", "DESTRUCTION", "USURPATION_PLAQUE", "CESSION", "FORCE_MAJEURE", "PAS_NOTRE_VEHICULE")
REASONS_TO_EXPLAIN = ("FORCE_MAJEURE", "PAS_NOTRE_VEHICULE")
COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)

# Path of each mandatory detail, code of the refusal, what the sentence calls it.
MANDATORY = [
    (("nom",), "NOM_MANQUANT", "le nom du conducteur"),
    (("prenom",), "PRENOM_MANQUANT", "le prénom du conducteur"),
    (("dateNaissance",), "DATE_NAISSANCE_MANQUANTE", "la date de naissance du conducteur"),
    (("adresse", "ligne1"), "ADRESSE_MANQUANTE", "la première ligne de l’adresse"),
    (("adresse", "codePostal"), "CODE_POSTAL_MANQUANT", "le code postal de l’adresse"),
    (("adresse", "ville"), "VILLE_MANQUANTE", "la ville de l’adresse"),
    (("permis", "numero"), "NUMERO_PERMIS_MANQUANT", "le numéro du permis de conduire"),
]

Refusal = tuple[str, str]
"""Code and French sentence."""
UNKNOWN_LICENCE: Refusal = ("PERMIS_INCONNU", "Le numéro du permis ne correspond à aucun titre connu.")


def refusal(body: dict, today: date) -> Refusal | None:
    """Why this answer is refused, or None when it is complete. `today` is the day in Paris."""
    if body["statut"] == "DESIGNATION":
        return _designation_refusal(body.get("conducteur"), today)
    return _impossibility_refusal(body)


def _designation_refusal(driver: object, today: date) -> Refusal | None:
    if isinstance(driver, list):
        return "CONDUCTEUR_UNIQUE", "Un seul conducteur peut être désigné."
    if not isinstance(driver, dict) or not driver:
        return "CONDUCTEUR_MANQUANT", "Le conducteur désigné est absent."
    for path, code, label in MANDATORY:
        if not _filled(_detail(driver, path)):
            return code, f"Il manque {label}."
    return _wrong_detail(driver, today)


def _wrong_detail(driver: dict, today: date) -> Refusal | None:
    if not _past_day(driver["dateNaissance"], today):
        return "DATE_NAISSANCE_INVALIDE", "La date de naissance du conducteur n’est pas une date passée."
    issued = _detail(driver, ("permis", "dateDelivrance"))
    if issued is not None and not _past_day(issued, today):
        return "DATE_PERMIS_INVALIDE", "La date de délivrance du permis n’est pas une date passée."
    if driver.get("qualite") not in (None, *CAPACITIES):
        return "QUALITE_INVALIDE", f"La qualité du conducteur est inconnue ({', '.join(CAPACITIES)})."
    for path in (("adresse", "pays"), ("permis", "pays")):
        country = _detail(driver, path)
        if country is not None and not (isinstance(country, str) and COUNTRY.fullmatch(country)):
            return "PAYS_INVALIDE", "Un pays s’écrit en deux lettres (FR)."
    return None


def _impossibility_refusal(body: dict) -> Refusal | None:
    reason = body.get("motif")
    if not _filled(reason):
        return "MOTIF_MANQUANT", "Le motif de l’impossibilité de désigner est absent."
    if reason not in REASONS:
        return "MOTIF_INCONNU", f"Le motif est inconnu ({', '.join(REASONS)})."
    if reason in REASONS_TO_EXPLAIN and not _filled(body.get("commentaire")):
        return "COMMENTAIRE_MANQUANT", "Ce motif demande une explication dans le commentaire."
    documents = body.get("pieces") or []
    if not isinstance(documents, list) or not all(_is_document(entry) for entry in documents):
        return "PIECE_INVALIDE", "Chaque pièce porte une nature et, si elle est datée, une date ISO 8601."
    return None


def _is_document(entry: object) -> bool:
    if not isinstance(entry, dict) or not _filled(entry.get("nature")):
        return False
    return entry.get("date") in (None, "") or _past_day(entry["date"], date.max)


def _detail(driver: dict, path: tuple[str, ...]) -> object:
    value: object = driver
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return None if value == "" else value


def _filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _past_day(value: object, today: date) -> bool:
    try:
        return day(value) <= today
    except ValueError:
        return False
