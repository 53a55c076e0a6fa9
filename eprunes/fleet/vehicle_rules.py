"""What may be written about a vehicle: the details a person gives, tidied, and what is wrong with them."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from eprunes.core.texts import tidy_line
from eprunes.fleet.models import Holding, Vehicle
from eprunes.fleet.plates import FRANCE, InvalidPlate, Plate, parse_plate
from eprunes.fleet.vins import parse_vin

_LONGEST = {name: Vehicle.__table__.c[name].type.length for name in ("make", "model", "category", "site")}


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
    first_registered_on: date | None = None
    holding: str = Holding.OWNED
    site: str = ""


def tidied(details: VehicleDetails, today: date) -> tuple[VehicleDetails, dict[str, str]]:
    """The details as they are stored, and the French sentences of what is wrong, by field.

    `today` is the organisation's local day. A vehicle without a problem has a readable plate.
    """
    texts = {name: tidy_line(getattr(details, name)) for name in _LONGEST}
    tidy, problems = replace(details, **texts), {}
    for name, longest in _LONGEST.items():
        if len(texts[name]) > longest:
            problems[name] = f"{longest} caractères au plus."
    try:
        plate = plate_of(details)
        tidy = replace(tidy, plate=plate.display, country=plate.country)
    except InvalidPlate as error:
        problems["plate"] = str(error)
    try:
        tidy = replace(tidy, vin=parse_vin(details.vin) if details.vin else None)
    except ValueError as error:
        problems["vin"] = str(error)
    if details.first_registered_on and details.first_registered_on > today:
        problems["first_registered_on"] = "Cette date est dans le futur."
    if details.holding not in set(Holding):
        problems["holding"] = "Choisissez un mode de détention de la liste."
    return tidy, problems


def plate_of(details: VehicleDetails) -> Plate:
    """The plate of these details. Raises InvalidPlate."""
    return parse_plate(details.plate, details.country)
