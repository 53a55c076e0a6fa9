"""Forms of the fleet pages. Dates and hours are local to the organisation; a form turns them into instants."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, Field, HiddenField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.calendar import start_of_day
from eprunes.core.fields import EmailField, Needed, RadioField, SelectField, TelField, TextField
from eprunes.fleet import driver_rules, vehicle_rules, wording
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.local_times import first_instant, last_instant, typed_end, typed_start
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import DriverName
from eprunes.fleet.plates import FRANCE
from eprunes.fleet.vehicle_rules import ExitReason, VehicleDetails
from eprunes.fleet.versions import driver_version, stamp, vehicle_version

DATE_EXPECTED = "Indiquez une date (JJ/MM/AAAA)."
PLAUSIBLE_YEARS = range(1900, 2101)
TIME_EXPECTED = "Indiquez une heure (HH:MM)."


class Quiet:
    """A mark, not a check: the field always has a value, so that no « facultatif » stands beside it."""

    field_flags = {"quiet": True}

    def __call__(self, form, field) -> None:
        pass


def _choice(label: str, choices: Iterable[tuple[str, str]], mark: Callable | None = None) -> SelectField:
    options = [SelectChoice(str(value), word) for value, word in choices]
    return SelectField(label, choices=options, validators=[mark or Quiet()])


class LocalDateField(DateField):
    """A day; what cannot be read is refused with our own sentence."""

    def process_formdata(self, valuelist) -> None:
        self.data = None  # what the form proposed counts only if it was sent back
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(DATE_EXPECTED)
        if self.data is not None and self.data.year not in PLAUSIBLE_YEARS:
            raise ValueError(f"Indiquez une année entre {PLAUSIBLE_YEARS[0]} et {PLAUSIBLE_YEARS[-1]}.")


class LocalTimeField(TimeField):
    """An hour, seconds left aside; what cannot be read is refused with our own sentence."""

    def __init__(self, label: str, **keywords) -> None:
        super().__init__(label, validators=[Optional()], format=["%H:%M", "%H:%M:%S"], **keywords)

    def process_formdata(self, valuelist) -> None:
        self.data = None  # what the form proposed counts only if it was sent back
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(TIME_EXPECTED)


def _needed_day(label: str, sentence: str) -> LocalDateField:
    return LocalDateField(label, validators=[InputRequired(sentence)])


def _optional_day(label: str) -> LocalDateField:
    return LocalDateField(label, validators=[Optional()])


def _text(label: str, needed: str = "", **attributes) -> TextField:
    return TextField(label, validators=[Needed(needed)] if needed else [], render_kw=attributes)


class Checked(FlaskForm):
    """A form whose fields are also checked by pure rules, all at once; `today` is the local day."""

    def __init__(self, *args, today: date, **keywords) -> None:
        super().__init__(*args, **keywords)
        self.today = today

    def validate(self, extra_validators=None) -> bool:
        fine = super().validate(extra_validators)
        for name, sentence in self.problems().items():
            if not self[name].errors:
                self[name].errors = [sentence]
                fine = False
        return fine


class _OfOneRow(Checked):
    """The form of a row that others may change meanwhile: `seen` says what it was filled with."""

    seen = HiddenField(id="fiche-actuelle")

    def now_otherwise(self, values: dict) -> list[tuple[str, str]]:
        """(label, present value) of what is typed here otherwise than the row has it now."""
        pairs = [(self[name], value) for name, value in values.items() if name != "seen"]
        return [(one.label.text, _shown(one, value)) for one, value in pairs if (one.data or "") != (value or "")]


def _shown(field: Field, value: object) -> str:
    if isinstance(field, SelectField):
        return next((choice.label for choice in field.choices if choice.value == value), str(value or "—"))
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return f"{value:%H:%M}" if isinstance(value, time) else str(value or "(vide)")


class VehicleForm(_OfOneRow):
    plate = _text("Immatriculation", "Indiquez l’immatriculation.", autocapitalize="characters", spellcheck="false")
    country = _choice("Pays d’immatriculation", wording.countries())
    make = _text("Marque")
    model = _text("Modèle")
    category = _text("Genre", list="genres")
    vin = _text("N° VIN", autocapitalize="characters", spellcheck="false")
    first_registered_on = _optional_day("Première mise en circulation")
    holding = _choice("Détention", wording.HOLDINGS.items())
    site = _text("Site", list="sites")
    entered_at = _needed_day("Dans le parc depuis le", "Indiquez la date d’entrée dans le parc.")
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


class DriverForm(_OfOneRow):
    kind = _choice("Qualité", wording.KINDS.items())
    staff_number = _text("Matricule", maxlength=30)
    left_on = _optional_day("Parti le")
    civility = _choice("Civilité", [("", "—"), ("M.", "M."), ("Mme", "Mme")])
    last_name = _text("Nom", "Indiquez le nom.")
    first_name = _text("Prénom", "Indiquez le prénom.")
    birth_date = _optional_day("Date de naissance")
    birth_place = _text("Lieu de naissance")
    address_line = _text("Adresse (n° et rue)")
    address_complement = _text("Complément d’adresse")
    postcode = _text("Code postal", inputmode="numeric")
    city = _text("Ville")
    country = _choice("Pays", wording.countries())
    phone = TelField("Téléphone")
    email = EmailField("Adresse e-mail")
    licence_number = _text("N° de permis de conduire", autocapitalize="characters", spellcheck="false")
    licence_issued_on = _optional_day("Permis délivré le")
    licence_country = _choice("Pays du permis", wording.countries())

    def problems(self) -> dict[str, str]:
        """What the driver rules find wrong, by field."""
        return driver_rules.tidied(self.details(), self.today)[1]

    def details(self) -> DriverDetails:
        """The identity as typed."""
        return DriverDetails(**{name: self[name].data or _EMPTY.get(name, "") for name in _DETAIL_NAMES})

    def values(self) -> dict:
        """What is known of the driver beside the identity."""
        return {"kind": self.kind.data, "staff_number": self.staff_number.data, "left_on": self.left_on.data}


def driver_values(driver: Driver, details: DriverDetails, as_of: datetime) -> dict:
    """What the form of this driver starts with."""
    return {
        "kind": driver.kind,
        "staff_number": driver.staff_number,
        "left_on": driver.left_on,
        "seen": stamp(driver_version(driver, details), as_of),
        **{name: getattr(details, name) for name in _DETAIL_NAMES},
    }


_EMPTY = {"birth_date": None, "licence_issued_on": None}
_DETAIL_NAMES = [field.name for field in fields(DriverDetails)]


class DriverChoice(FlaskForm):
    """A driver named by a few words; `driver_id` picks one when several answer to them."""

    driver = _text("Conducteur", "Indiquez le conducteur.", list="conducteurs", autocomplete="off", spellcheck="false")
    driver_id = RadioField("Lequel ?", choices=[], validate_choice=False, validators=[Optional(), Quiet()])

    def offer(self, found: list[DriverName]) -> None:
        """Show the drivers to choose from."""
        self.driver_id.choices = [SelectChoice(str(one.id), one.label) for one in found]


class AssignForm(DriverChoice):
    starts_at = _needed_day("À partir du", "Indiquez le début.")
    starts_at_time = LocalTimeField("Heure")
    ends_at = _optional_day("Jusqu’au")
    ends_at_time = LocalTimeField("Heure")

    def start(self, zone: ZoneInfo) -> datetime:
        """The first instant. Raises Refused for an hour that spring skips."""
        return first_instant(self.starts_at.data, self.starts_at_time.data, zone, "starts_at_time")

    def end(self, zone: ZoneInfo) -> datetime | None:
        """The instant at which it ends, if any. Raises Refused for an hour that spring skips."""
        if self.ends_at.data is None:
            return None
        return last_instant(self.ends_at.data, self.ends_at_time.data, zone, "ends_at_time")


def assignment_values(assignment: Assignment, driver: DriverName, zone: ZoneInfo) -> dict:
    """What the form that corrects this assignment starts with."""
    start, start_time = typed_start(assignment.starts_at, zone)
    end, end_time = typed_end(assignment.ends_at, zone)
    return {
        "driver": driver.label,
        "starts_at": start,
        "starts_at_time": start_time,
        "ends_at": end,
        "ends_at_time": end_time,
    }


class HandOverForm(DriverChoice):
    at = _needed_day("Remis le", "Indiquez le jour de la remise.")
    at_time = LocalTimeField("Heure")

    def instant(self, zone: ZoneInfo) -> datetime:
        """When it changes hands. Raises Refused for an hour that spring skips."""
        return first_instant(self.at.data, self.at_time.data, zone, "at_time")


class EndForm(FlaskForm):
    at = _needed_day("Prend fin le", "Indiquez le dernier jour.")
    at_time = LocalTimeField("Heure")

    def instant(self, zone: ZoneInfo) -> datetime:
        """When it ends; without an hour, 24:00 of the day. Raises Refused for an hour that spring skips."""
        return last_instant(self.at.data, self.at_time.data, zone, "at_time")


class LeaveForm(EndForm):
    at = _needed_day("Sort du parc le", "Indiquez le dernier jour dans le parc.")
    reason = _choice("Motif", [("", "—"), *wording.EXIT_REASONS.items()], Optional())

    def chosen_reason(self) -> ExitReason | None:
        """The reason, if one was chosen."""
        return ExitReason(self.reason.data) if self.reason.data else None


class DriverLeftForm(FlaskForm):
    on = _needed_day("Dernier jour", "Indiquez le dernier jour.")


class ConfirmForm(FlaskForm):
    """Only the token: to confirm what the page says."""
