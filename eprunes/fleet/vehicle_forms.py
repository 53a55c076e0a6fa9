"""Forms of vehicles. Dates and hours are local to the organisation; a form turns them into instants."""

from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.calendar import start_of_day
from eprunes.core.fields import IntegerField, RadioField
from eprunes.core.refusals import Refused
from eprunes.fleet import vehicle_rules, wording
from eprunes.fleet.assignment_forms import EndForm
from eprunes.fleet.form_parts import (
    Dated,
    LocalDateField,
    LocalTimeField,
    OfOneRow,
    Quiet,
    choice,
    needed_day,
    optional_day,
    text,
)
from eprunes.fleet.local_times import first_instant, typed_end, typed_start
from eprunes.fleet.models import ExitReason, Vehicle
from eprunes.fleet.plates import FRANCE
from eprunes.fleet.vehicle_rules import HIGHEST_CO2, KEPT, VehicleDetails
from eprunes.fleet.versions import stamp, vehicle_version


class VehicleForm(OfOneRow):
    plate = text("Immatriculation", "Indiquez l’immatriculation.", autocapitalize="characters", spellcheck="false")
    country = choice("Pays d’immatriculation", wording.countries())
    make = text("Marque", list="make-connus")
    model = text("Modèle")
    category = text("Genre", list="genres")
    vin = text("N° VIN", autocapitalize="characters", spellcheck="false")
    formula_number = text("N° de formule", autocapitalize="characters", spellcheck="false")
    first_registered_on = optional_day("Première mise en circulation")
    energy = choice("Énergie", [("", "—"), *wording.ENERGIES.items()], Optional())
    co2_g_per_km = IntegerField(
        "Émissions de CO₂ (g/km)", validators=[Optional()], render_kw={"min": 0, "max": HIGHEST_CO2}
    )
    holding = choice("Détention", wording.HOLDINGS.items())
    registered_to = text("Titulaire du certificat d’immatriculation", list="registered_to-connus")
    lessor = text("Loueur", list="lessor-connus")
    site = text("Site", list="site-connus")
    cost_centre = text("Centre de coûts", list="cost_centre-connus")
    is_pool = BooleanField("Véhicule partagé (pool)")
    entered_at = needed_day("Dans le parc depuis le", "Indiquez la date d’entrée dans le parc.")
    entered_at_time = LocalTimeField("Heure")

    def problems(self) -> dict[str, str]:
        """What the vehicle rules find wrong, by field."""
        return vehicle_rules.tidied(self._details(start_of_day(self.today)), self.today)[1]

    def details(self, zone: ZoneInfo) -> VehicleDetails:
        """What was typed. Raises Refused for an hour that spring skips."""
        return self._details(first_instant(self.entered_at.data, self.entered_at_time.data, zone, "entered_at_time"))

    def _details(self, entered_at: datetime) -> VehicleDetails:
        typed = {name: self[name].data for name in KEPT} | {"entered_at": entered_at, "vin": self.vin.data or None}
        typed |= {name: self[name].data or "" for name in ("energy", "holding")}
        return VehicleDetails(plate=self.plate.data or "", country=self.country.data or FRANCE, **typed)


def vehicle_values(vehicle: Vehicle, zone: ZoneInfo, as_of: datetime) -> dict:
    """What the form of this vehicle starts with."""
    day, hour = typed_start(vehicle.entered_at, zone)
    values = {name: getattr(vehicle, name) for name in ("plate", "country", *KEPT)}
    values |= {"entered_at": day, "entered_at_time": hour}
    return values | {"seen": stamp(vehicle_version(vehicle), as_of)}


class LeaveForm(EndForm):
    at = needed_day("Sort du parc le", "Indiquez le dernier jour dans le parc.")
    reason = choice(
        "Motif", [("", "Choisissez…"), *wording.EXIT_REASONS.items()], InputRequired("Indiquez le motif de la sortie.")
    )

    def chosen_reason(self) -> ExitReason:
        """The reason, once the form was checked."""
        return ExitReason(self.reason.data)


def leave_values(vehicle: Vehicle, zone: ZoneInfo, today: date) -> dict:
    """What the form starts with: the exit that is planned already, or today."""
    day, hour = typed_end(vehicle.left_at, zone)
    return {"at": day or today, "at_time": hour, "reason": vehicle.left_because or ""}


class ReturnForm(Dated):
    """A vehicle that left is in the fleet: it came back, or had never left."""

    way = RadioField(
        "Que s’est-il passé\u00a0?",
        choices=[
            SelectChoice("revenu", "Il est revenu\u00a0: son absence est gardée"),
            SelectChoice("erreur", "La sortie était une erreur\u00a0: elle est effacée"),
        ],
        validators=[InputRequired("Dites si le véhicule est revenu, ou si sa sortie était une erreur.")],
    )
    at = LocalDateField("Revenu le", validators=[Optional(), Quiet()])
    at_time = LocalTimeField("Heure")

    def back_at(self, zone: ZoneInfo) -> datetime | None:
        """When it came back; None when its exit was an error. Raises Refused for an hour that spring skips."""
        if self.way.data != "revenu":
            return None
        if self.at.data is None:
            raise Refused("Indiquez le jour du retour.", "at")
        return first_instant(self.at.data, self.at_time.data, zone, "at_time")


class CancelExitForm(FlaskForm):
    """Only the token: an exit that has not come yet is given up."""

    def back_at(self, zone: ZoneInfo) -> None:
        """It never left."""


def return_form(
    vehicle: Vehicle, now: tuple[date, time], as_of: datetime, rules: Callable[[ReturnForm], None]
) -> ReturnForm | CancelExitForm:
    """What has to be told to have a vehicle in the fleet again; `rules` check what is told."""
    if vehicle.left_at is None or vehicle.left_at > as_of:
        return CancelExitForm()
    return ReturnForm(rules=rules, data=dict(zip(("at", "at_time"), now, strict=True)))
