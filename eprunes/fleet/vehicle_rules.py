"""What may be written about a vehicle: the details a person gives, tidied, and what is wrong with them.

And what its exit asks for: the proofs that an organisation keeps, by reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from eprunes.core.texts import tidy_line
from eprunes.fleet.models import DocumentKind, Energy, ExitReason, Holding, Vehicle
from eprunes.fleet.plates import FRANCE, InvalidPlate, Plate, parse_plate
from eprunes.fleet.vins import parse_vin

_TEXTS = ("make", "model", "category", "site", "formula_number", "registered_to", "lessor", "cost_centre")
_LONGEST = {name: Vehicle.__table__.c[name].type.length for name in _TEXTS}
KEPT = (
    *_TEXTS, "vin", "first_registered_on", "holding", "energy", "co2_g_per_km", "is_pool", "entered_at",
)  # fmt: skip
"""The columns of a vehicle that its form fills, but for its plate and its country."""
TOLD = ("first_registered_on", "holding", "energy", "co2_g_per_km", "is_pool", "entered_at")
"""Those whose values the journal may keep: dates, numbers and choices, where no person can be named."""
HIGHEST_CO2 = 1500
_FORMULA = re.compile(r"(19|20)[0-9]{2}[A-Z]{2}[0-9]{5}", re.ASCII)

PROOFS: dict[ExitReason, tuple[DocumentKind, ...]] = {
    ExitReason.SOLD: (DocumentKind.TRANSFER, DocumentKind.TRANSFER_RECEIPT),
    ExitReason.RETURNED: (DocumentKind.RETURN_REPORT,),
    ExitReason.DESTROYED: (DocumentKind.DESTRUCTION,),
    ExitReason.STOLEN: (DocumentKind.COMPLAINT,),
    ExitReason.OTHER: (),
}
"""The papers to keep of a vehicle that left: an offence after its exit is answered with them."""


@dataclass(frozen=True)
class VehicleDetails:
    """Fiche d'un véhicule, as typed; `entered_at` is an instant."""

    plate: str
    entered_at: datetime
    country: str = FRANCE
    make: str = ""
    model: str = ""
    category: str = ""
    vin: str | None = None
    formula_number: str = ""
    first_registered_on: date | None = None
    energy: str = ""
    co2_g_per_km: int | None = None
    holding: str = Holding.OWNED
    registered_to: str = ""
    lessor: str = ""
    site: str = ""
    cost_centre: str = ""
    is_pool: bool = False


def told_values(values: Mapping[str, object]) -> dict[str, object]:
    """Those of a vehicle's values that the journal may keep, as it keeps them."""
    kept = {name: values[name] for name in TOLD if name in values}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in kept.items()}


def tidied(details: VehicleDetails, today: date) -> tuple[VehicleDetails, dict[str, str]]:
    """The details as they are stored, and the French sentences of what is wrong, by field.

    `today` is the organisation's local day. A vehicle without a problem has a readable plate.
    """
    texts = {name: tidy_line(getattr(details, name)) for name in _LONGEST}
    texts["formula_number"] = tidy_formula(texts["formula_number"])
    tidy, problems = replace(details, **texts), {}
    problems |= {name: sentence for name, text in texts.items() if (sentence := too_long(name, text))}
    try:
        plate = plate_of(details)
        tidy = replace(tidy, plate=plate.display, country=plate.country)
    except InvalidPlate as error:
        problems["plate"] = str(error)
    try:
        tidy = replace(tidy, vin=parse_vin(details.vin) if details.vin else None)
    except ValueError as error:
        problems["vin"] = str(error)
    return tidy, problems | _odd_facts(details, today)


def too_long(name: str, text: str) -> str:
    """What is wrong with the length of one of a vehicle's texts; empty when nothing is."""
    return f"{_LONGEST[name]} caractères au plus." if len(text) > _LONGEST[name] else ""


def plate_of(details: VehicleDetails) -> Plate:
    """The plate of these details. Raises InvalidPlate."""
    return parse_plate(details.plate, details.country)


def tidy_formula(text: str) -> str:
    """The number of a registration certificate (*n° de formule*) in capitals, without spaces where it is of today's
    form; an older one stays as it was typed."""
    compact = re.sub(r"[\s.-]+", "", text).upper() if text.isascii() else text
    return compact if _FORMULA.fullmatch(compact) else text


def has_unusual_formula(text: str) -> bool:
    """True when a formula number is not of the form in use since 2009 (`2019AB12345`): kept, and to be checked."""
    return bool(text) and not _FORMULA.fullmatch(text)


def lacks_lessor(holding: str, lessor: str) -> bool:
    """True when a vehicle is leased or rented and from whom is not said: worth asking for, never refused."""
    return holding != Holding.OWNED and not lessor


def _odd_facts(details: VehicleDetails, today: date) -> dict[str, str]:
    problems = {}
    if details.first_registered_on and details.first_registered_on > today:
        problems["first_registered_on"] = "Cette date est dans le futur."
    if details.holding not in set(Holding):
        problems["holding"] = "Choisissez un mode de détention de la liste."
    if details.energy and details.energy not in set(Energy):
        problems["energy"] = "Choisissez une énergie de la liste."
    if details.co2_g_per_km is not None and not 0 <= details.co2_g_per_km <= HIGHEST_CO2:
        problems["co2_g_per_km"] = f"Indiquez de 0 à {HIGHEST_CO2}\u00a0g/km."
    return problems
