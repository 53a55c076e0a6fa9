"""Forms of vehicles. Dates and hours are local to the organisation; a form turns them into instants."""

from datetime import datetime
from zoneinfo import ZoneInfo

from wtforms.validators import Optional

from eprunes.core.calendar import start_of_day
from eprunes.fleet import vehicle_rules, wording
from eprunes.fleet.assignment_forms import EndForm
from eprunes.fleet.form_parts import LocalTimeField, OfOneRow, choice, needed_day, optional_day, text
from eprunes.fleet.local_times import first_instant, typed_start
from eprunes.fleet.models import ExitReason, Vehicle
from eprunes.fleet.plates import FRANCE
from eprunes.fleet.vehicle_rules import VehicleDetails
from eprunes.fleet.versions import stamp, vehicle_version


class VehicleForm(OfOneRow):
    plate = text("Immatriculation", "Indiquez l’immatriculation.", autocapitalize="characters", spellcheck="false")
    country = choice("Pays d’immatriculation", wording.countries())
    make = text("Marque")
    model = text("Modèle")
    category = text("Genre", list="genres")
    vin = text("N° VIN", autocapitalize="characters", spellcheck="false")
    first_registered_on = optional_day("Première mise en circulation")
    holding = choice("Détention", wording.HOLDINGS.items())
    site = text("Site", list="sites")
    entered_at = needed_day("Dans le parc depuis le", "Indiquez la date d’entrée dans le parc.")
    entered_at_time = LocalTimeField("Heure")

    def problems(self) -> dict[str, str]:
        """What the vehicle rules find wrong, by field."""
        return vehicle_rules.tidied(self._details(start_of_day(self.today)), self.today)[1]

    def details(self, zone: ZoneInfo) -> VehicleDetails:
        """What was typed. Raises Refused for an hour that spring skips."""
        return self._details(first_instant(self.entered_at.data, self.entered_at_time.data, zone, "entered_at_time"))

    def _details(self, entered_at: datetime) -> VehicleDetails:
        names = ("plate", "make", "model", "category", "site")
        return VehicleDetails(
            **{name: getattr(self, name).data or "" for name in names},
            country=self.country.data or FRANCE,
            vin=self.vin.data or None,
            first_registered_on=self.first_registered_on.data,
            holding=self.holding.data or "",
            entered_at=entered_at,
        )


def vehicle_values(vehicle: Vehicle, zone: ZoneInfo, as_of: datetime) -> dict:
    """What the form of this vehicle starts with."""
    names = ("plate", "country", "make", "model", "category", "vin", "first_registered_on", "holding", "site")
    day, hour = typed_start(vehicle.entered_at, zone)
    values = {name: getattr(vehicle, name) for name in names} | {"entered_at": day, "entered_at_time": hour}
    return values | {"seen": stamp(vehicle_version(vehicle), as_of)}


class LeaveForm(EndForm):
    at = needed_day("Sort du parc le", "Indiquez le dernier jour dans le parc.")
    reason = choice("Motif", [("", "—"), *wording.EXIT_REASONS.items()], Optional())

    def chosen_reason(self) -> ExitReason | None:
        """The reason, if one was chosen."""
        return ExitReason(self.reason.data) if self.reason.data else None
