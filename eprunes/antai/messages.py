"""The agency's field names, and nowhere else: what we say to it and what it says, in its words and in ours.

The vehicle and offence fields follow public traces of the "flotte conventionnée" interface. The person and
reason fields of a designation are not public: those below are ASSUMPTIONS, to be checked against the signed
convention before production.
"""

from datetime import date, datetime
from typing import Any

import orjson

from eprunes.core.calendar import paris_day
from eprunes.core.clock import parse_instant
from eprunes.fines.catalogue_rules import bare_natinf
from eprunes.fines.notice_details import NoticeDetails, ReceivedNotice
from eprunes.fines.offence_time import read_offence_time
from eprunes.fines.transmission import OutgoingAnswer
from eprunes.fleet.plates import InvalidPlate, country_alpha2, country_alpha3, parse_plate

SOURCE = "E-PRUNES"
DESIGNATION, NON_DESIGNATION = "DESIGNATION", "NON_DESIGNATION"
ADDED, KNOWN, WITHDRAWN, ALREADY_WITHDRAWN, UNKNOWN_PLATE = (
    "AJOUTE",
    "DEJA_CONNU",
    "RETIRE",
    "DEJA_RETIRE",
    "INCONNU",
)
ACKNOWLEDGED = {ADDED, KNOWN}
GONE = {WITHDRAWN, ALREADY_WITHDRAWN, UNKNOWN_PLATE}

# Assumption: how the agency names the capacity of the person designated and our reasons.
CAPACITIES = {"prepose": "PREPOSE", "locataire": "LOCATAIRE", "representant_legal": "REPRESENTANT_LEGAL"}
_COMPLEMENTS = ("address_inside", "address_complement", "address_locality")
REASONS = {
    "vol": "VOL",
    "destruction": "DESTRUCTION",
    "usurpation": "USURPATION_PLAQUE",
    "cession": "CESSION",
    "force_majeure": "FORCE_MAJEURE",
    "pas_notre_vehicule": "PAS_NOTRE_VEHICULE",
}
_PIECE = ("nature", "reference", "date")
_NUMBER_DIGITS = range(9, 17)
_NATINF_LENGTH = 6
_FASTEST_KMH = 999


class MalformedRecord(ValueError):
    """A record from the agency that can't be read; the message says why, in French."""


def vehicle_record(*, plate_key: str, country: str, make: str, model: str) -> dict:
    """A vehicle as the agency wants to know it."""
    return {
        "immatriculation": plate_key,
        "paysImmatriculation": country_alpha3(country),
        "marque": make,
        "modele": model,
    }


def withdrawal_record(
    *, plate_key: str, country: str, managed_from: datetime, managed_until: datetime, as_of: datetime
) -> dict:
    """A logical delete: the vehicle is no longer ours from `managed_until` on."""
    return {
        "date_mise_a_jour": paris_day(as_of).isoformat(),
        "date_debut_gestion": paris_day(managed_from).isoformat(),
        "date_fin_gestion": paris_day(managed_until).isoformat(),
        "vehicule": {"immatriculation": plate_key, "paysImmatriculation": country_alpha3(country)},
    }


def read_vehicle_results(body: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """(country, plate key) → (status, reason) of a bulk answer; entries that can't be read are left out."""
    results = {}
    for entry in body if isinstance(body, list) else []:
        try:
            key = plate_key(entry["immatriculation"], country_alpha2(entry["paysImmatriculation"]))
            results[key] = (entry["statut"], entry.get("motif") or "")
        except (KeyError, TypeError, ValueError):
            continue
    return results


def plate_key(text: str, country: str) -> tuple[str, str]:
    """(country, match key) of a plate as the agency writes it; odd French series keep their bare characters."""
    try:
        plate = parse_plate(text, country)
        return plate.country, plate.key
    except InvalidPlate:
        return country, "".join(character for character in text.upper() if character.isalnum())


def read_offence(raw: Any) -> ReceivedNotice:
    """One offence record as a notice. Raises MalformedRecord naming the field at fault."""
    if not isinstance(raw, dict):
        raise MalformedRecord("L’enregistrement n’est pas un objet.")
    _check_sealable(raw)
    number = "".join(_text(raw, "numeroAco").split())
    if not (number.isascii() and number.isdigit()) or len(number) not in _NUMBER_DIGITS:
        raise MalformedRecord(f"Numéro d’avis illisible\u00a0: «\u00a0{number[:30]}\u00a0».")
    country, key = _plate(raw)
    postcode = _optional(raw, "codePostal")
    try:
        offence = read_offence_time(_text(raw, "dateHeureInfraction"), postcode)
    except ValueError as error:
        raise MalformedRecord(str(error)) from error
    details = NoticeDetails(
        number=number,
        plate=key,
        country=country,
        make=_optional(raw, "marque"),
        label=_optional(raw, "libelleNatinf"),
        place=_optional(raw, "lieu"),
        city=_optional(raw, "commune"),
        postcode=postcode,
        direction=_optional(raw, "sens"),
        speed_limit=_speed(raw, "vitesseLimite"),
        speed_retained=_speed(raw, "vitesseRetenue"),
        speed_measured=_speed(raw, "vitesseMesuree"),
        raw=raw,
    )
    return ReceivedNotice(natinf=_natinf(raw), offence=offence, notice_date=_day(raw, "dateAco"), details=details)


def answer_bytes(outgoing: OutgoingAnswer) -> bytes:
    """The body of a designation or non-designation, as the bytes that go out (and go out again)."""
    body = {
        "identifiantDesignation": outgoing.agency_reference,
        "numeroAco": outgoing.notice_number,
        "source": SOURCE,
    }
    if outgoing.replaced_receipt:
        # Assumption: a correction names the registration that it replaces.
        body["remplaceEnregistrement"] = outgoing.replaced_receipt
    if "conducteur" in outgoing.snapshot:
        body |= {"statut": DESIGNATION, "conducteur": _driver(outgoing.snapshot)}
    else:
        body |= {"statut": NON_DESIGNATION, **_impossibility(outgoing.snapshot)}
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def read_receipt(body: Any, as_of: datetime) -> tuple[str, datetime]:
    """(receipt number, instant) of a registered answer. Raises MalformedRecord without a number."""
    if not isinstance(body, dict) or not body.get("numeroEnregistrement"):
        raise MalformedRecord("Accusé d’enregistrement sans numéro.")
    try:
        at = parse_instant(str(body.get("dateEnregistrement")))
    except ValueError:
        at = as_of
    return str(body["numeroEnregistrement"]), at


def _driver(snapshot: dict) -> dict:
    who = snapshot["conducteur"]
    return {
        "civilite": who["civility"],
        "nom": who["last_name"],
        "prenom": who["first_name"],
        "dateNaissance": who["birth_date"],
        "qualite": CAPACITIES[snapshot["qualite"]],
        "adresse": {
            "ligne1": who["address_line"],
            "complement": ", ".join(who[name] for name in _COMPLEMENTS if who.get(name)),
            "codePostal": who["postcode"],
            "ville": who["city"],
            "pays": who["country"],
        },
        "permis": {
            "numero": who["licence_number"],
            "dateDelivrance": who["licence_issued_on"],
            "pays": who["licence_country"],
        },
    }


def _impossibility(snapshot: dict) -> dict:
    return {
        "motif": REASONS[snapshot["motif"]],
        "commentaire": snapshot["commentaire"],
        "pieces": [{name: one[name] for name in _PIECE} for one in snapshot["pieces"]],
    }


def _check_sealable(raw: dict) -> None:
    """Broken Unicode and integers beyond 64 bits are JSON all the same, but no box takes them."""
    try:
        orjson.dumps(raw)
    except orjson.JSONEncodeError as error:
        raise MalformedRecord("L’enregistrement contient un texte ou un nombre illisible.") from error


def _natinf(raw: dict) -> str:
    code = _text(raw, "codeNatinf")
    if len(code) > _NATINF_LENGTH or not (code.isascii() and code.isalnum()):
        raise MalformedRecord(f"Code NATINF illisible\u00a0: «\u00a0{code[:30]}\u00a0».")
    return bare_natinf(code)


def _plate(raw: dict) -> tuple[str, str]:
    try:
        country = country_alpha2(_optional(raw, "paysImmatriculation") or "FRA")
    except ValueError as error:
        raise MalformedRecord("Pays d’immatriculation inconnu.") from error
    country, key = plate_key(_text(raw, "immatriculation"), country)
    if not 2 <= len(key) <= 12:
        raise MalformedRecord("Immatriculation illisible.")
    return country, key


def _text(raw: dict, name: str) -> str:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise MalformedRecord(f"Champ «\u00a0{name}\u00a0» absent ou illisible.")
    return str(value).strip()


def _optional(raw: dict, name: str) -> str:
    value = raw.get(name)
    return str(value).strip()[:200] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _speed(raw: dict, name: str) -> int | None:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        speed = round(float(value))
    except (ValueError, OverflowError):
        return None
    return speed if 0 <= speed <= _FASTEST_KMH else None


def _day(raw: dict, name: str) -> date | None:
    value = raw.get(name)
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None
    except ValueError as error:
        raise MalformedRecord(f"Date illisible dans «\u00a0{name}\u00a0».") from error
