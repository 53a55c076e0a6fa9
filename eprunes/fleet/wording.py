"""The fleet's words on screens: labels of stored choices, and states as (word, icon, tone)."""

from datetime import datetime
from functools import cache

import pycountry
from babel import Locale

from eprunes.core.texts import folded
from eprunes.core.wording import LOCALE
from eprunes.fleet.models import (
    Assignment,
    AssignmentSource,
    DocumentKind,
    DriverKind,
    Energy,
    ExitReason,
    Holding,
    Vehicle,
)
from eprunes.fleet.plates import FRANCE

HOLDINGS = {
    Holding.OWNED: "Propriété",
    Holding.LEASED: "Location longue durée (LLD)",
    Holding.LEASED_TO_BUY: "Location avec option d’achat (LOA)",
    Holding.RENTED: "Location",
}
KINDS = {
    DriverKind.EMPLOYEE: "Préposé (salarié)",
    DriverKind.RENTER: "Locataire",
    DriverKind.REPRESENTATIVE: "Représentant légal",
}
EXIT_REASONS = {
    ExitReason.SOLD: "Vendu ou cédé",
    ExitReason.RETURNED: "Restitué au loueur",
    ExitReason.DESTROYED: "Détruit",
    ExitReason.STOLEN: "Volé",
    ExitReason.OTHER: "Autre motif",
}
ENERGIES = {
    Energy.PETROL: "Essence",
    Energy.DIESEL: "Gazole",
    Energy.ELECTRIC: "Électricité",
    Energy.HYBRID: "Hybride",
    Energy.PLUG_IN_HYBRID: "Hybride rechargeable",
    Energy.ETHANOL: "Superéthanol E85",
    Energy.LPG: "GPL",
    Energy.NATURAL_GAS: "Gaz naturel (GNV)",
    Energy.HYDROGEN: "Hydrogène",
    Energy.OTHER: "Autre énergie",
}
DOCUMENT_KINDS = {
    DocumentKind.REGISTRATION: "Certificat d’immatriculation",
    DocumentKind.INSURANCE: "Attestation d’assurance",
    DocumentKind.INSPECTION: "Procès-verbal de contrôle technique",
    DocumentKind.LEASE: "Contrat de location",
    DocumentKind.TRANSFER: "Déclaration de cession",
    DocumentKind.TRANSFER_RECEIPT: "Accusé d’enregistrement de la cession (SIV)",
    DocumentKind.RETURN_REPORT: "Procès-verbal de restitution",
    DocumentKind.COMPLAINT: "Récépissé du dépôt de plainte",
    DocumentKind.DESTRUCTION: "Certificat de destruction",
    DocumentKind.LICENCE: "Permis de conduire",
    DocumentKind.OTHER: "Autre document",
}
SOURCES = {
    AssignmentSource.TYPED: "Saisie",
    AssignmentSource.IMPORTED: "Import",
    AssignmentSource.PHONE: "Téléphone",
}
CATEGORIES = {
    "VP": "voiture particulière",
    "CTTE": "camionnette",
    "CAM": "camion",
    "TRR": "tracteur routier",
    "VASP": "véhicule spécialisé",
    "TCP": "transport en commun",
    "MTL": "motocyclette légère",
    "MTT1": "motocyclette",
    "MTT2": "motocyclette",
    "CL": "cyclomoteur",
    "REM": "remorque",
    "SREM": "semi-remorque",
    "TRA": "tracteur agricole",
}
_SHORTER_NAMES = {"HK": "Hong Kong", "MO": "Macao"}
State = tuple[str, str, str]


def agency_state(vehicle: Vehicle, as_of: datetime) -> State:
    """How far the agency knows a vehicle, or a row of a list: no notice comes in before it does (C4.3-b)."""
    is_gone = vehicle.left_at is not None and vehicle.left_at <= as_of
    if vehicle.antai_withdrawn_at is not None:
        return ("Retiré de l’ANTAI", "dash-circle", "idle") if is_gone else _TO_DECLARE
    if vehicle.antai_acknowledged_at is not None:
        return ("À retirer de l’ANTAI", "hourglass-split", "info") if is_gone else _KNOWN
    if vehicle.antai_declared_at is not None:
        return "Déclaré, sans accusé", "hourglass-split", "warn"
    return ("Jamais déclaré à l’ANTAI", "dash-circle", "idle") if is_gone else _TO_DECLARE


def presence_state(vehicle: Vehicle, as_of: datetime) -> State:
    """Whether a vehicle is in the fleet at an instant."""
    if vehicle.entered_at > as_of:
        return "Pas encore entré", "calendar-plus", "info"
    if vehicle.left_at is None:
        return "Dans le parc", "check-circle", "ok"
    if vehicle.left_at > as_of:
        return "Sortie prévue", "calendar-x", "warn"
    return "Sorti du parc", "box-arrow-right", "idle"


def assignment_state(assignment: Assignment, as_of: datetime) -> State:
    """Whether an assignment is to come, current or past."""
    if assignment.starts_at > as_of:
        return "À venir", "calendar-plus", "info"
    if assignment.ends_at is None or assignment.ends_at > as_of:
        return "En cours", "check-circle", "ok"
    return "Terminée", "clock-history", "idle"


def file_state(is_designable: bool) -> State:
    """Whether a driver's file holds what a designation needs."""
    if is_designable:
        return "Prêt à être désigné", "check-circle", "ok"
    return "Fiche incomplète", "exclamation-triangle", "warn"


@cache
def countries() -> list[tuple[str, str]]:
    """ISO alpha-2 codes and French names, for a list: France first, then by name."""
    names = {**Locale.parse(LOCALE).territories, **_SHORTER_NAMES}
    found = sorted(
        ((one.alpha_2, names.get(one.alpha_2, one.name)) for one in pycountry.countries),
        key=lambda pair: folded(pair[1]),
    )
    return [(FRANCE, names[FRANCE]), *(pair for pair in found if pair[0] != FRANCE)]


def country_name(code: str) -> str:
    """The French name of a country."""
    return dict(countries()).get(code, code)


_TO_DECLARE = ("Pas encore connu de l’ANTAI", "exclamation-triangle", "warn")
_KNOWN = ("Connu de l’ANTAI", "check-circle", "ok")
