"""Forms of assignments. Dates and hours are local to the organisation; a form turns them into instants."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import Field
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from eprunes.core.fields import Needed, RadioField, SelectField
from eprunes.fleet.change_reasons import OFFERED, ChangeReason
from eprunes.fleet.form_parts import Dated, LocalTimeField, Quiet, Stamped, needed_day, optional_day, text
from eprunes.fleet.local_times import first_instant, last_instant, typed_end, typed_start
from eprunes.fleet.models import Assignment
from eprunes.fleet.names import DriverName

Period = tuple[datetime, datetime | None]


class DriverChoice(FlaskForm):
    """A driver named by a few words; `driver_id` picks one when several answer to them."""

    driver = text("Conducteur", "Indiquez le conducteur.", list="conducteurs", autocomplete="off", spellcheck="false")
    driver_id = RadioField("Lequel ?", choices=[], validate_choice=False, validators=[Optional(), Quiet()])

    def offer(self, found: list[DriverName]) -> None:
        """Show the drivers to choose from."""
        self.driver_id.choices = [SelectChoice(str(one.id), one.label) for one in found]


class AssignForm(DriverChoice, Dated):
    starts_at = needed_day("À partir du", "Indiquez le début.")
    starts_at_time = LocalTimeField("Heure")
    ends_at = optional_day("Jusqu’au")
    ends_at_time = LocalTimeField("Heure")

    def start(self, zone: ZoneInfo) -> datetime:
        """The first instant. Raises Refused for an hour that spring skips."""
        return first_instant(self.starts_at.data, self.starts_at_time.data, zone, "starts_at_time")

    def end(self, zone: ZoneInfo) -> datetime | None:
        """The instant at which it ends, if any. Raises Refused for an hour that spring skips."""
        if self.ends_at.data is None:
            return None
        return last_instant(self.ends_at.data, self.ends_at_time.data, zone, "ends_at_time")

    def period(self, zone: ZoneInfo) -> Period:
        """From when until when. Raises Refused for an hour that spring skips."""
        return self.start(zone), self.end(zone)


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


class Reasoned(FlaskForm):
    """A change that the journal has to explain."""

    reason = SelectField(
        "Pourquoi\u00a0?",
        choices=[SelectChoice("", "Choisissez un motif"), *(SelectChoice(str(one), OFFERED[one]) for one in OFFERED)],
        validators=[Needed("Indiquez le motif.")],
    )

    def chosen_reason(self) -> ChangeReason:
        """The reason of a form that is valid."""
        return ChangeReason(self.reason.data)


class CancelForm(Reasoned, Stamped):
    """Why an assignment is removed."""


class CorrectForm(AssignForm, Reasoned, Stamped):
    """The period as stored counts to the second: an hour that was left as it stood is that very instant."""

    def says_nothing_new(self, known: dict, stored: Assignment) -> bool:
        """True when what was sent is what the form starts with (`known`), to the minute that it shows."""
        is_same_driver = self.driver_id.data in (None, "", str(stored.driver_id))
        return is_same_driver and all(self[name].data == _shown(value) for name, value in known.items())

    def period_beside(self, stored: Assignment, zone: ZoneInfo) -> Period:
        """From when until when, given what stands there. Raises Refused for an hour that spring skips."""
        starts_at, ends_at = self.period(zone)
        return _as_stored(starts_at, stored.starts_at), _as_stored(ends_at, stored.ends_at)


def _shown(value: object) -> object:
    return value.replace(second=0, microsecond=0) if isinstance(value, time) else value


def _as_stored(typed: datetime | None, stored: datetime | None) -> datetime | None:
    is_same = typed is not None and stored is not None and typed == stored.replace(second=0, microsecond=0)
    return stored if is_same else typed


class HandOverForm(DriverChoice, Dated):
    at = needed_day("À partir du", "Indiquez le jour du passage.")
    at_time = LocalTimeField("Heure")

    @property
    def starts_at(self) -> Field:
        """Where the refusals of the period that begins then stand: beside its only date."""
        return self.at

    ends_at = starts_at

    def instant(self, zone: ZoneInfo) -> datetime:
        """When it changes hands. Raises Refused for an hour that spring skips."""
        return first_instant(self.at.data, self.at_time.data, zone, "at_time")

    def period(self, zone: ZoneInfo) -> Period:
        """What begins then. Raises Refused for an hour that spring skips."""
        return self.instant(zone), None


class EndForm(Dated, Stamped):
    at = needed_day("Prend fin le", "Indiquez le dernier jour.")
    at_time = LocalTimeField("Heure")

    def instant(self, zone: ZoneInfo) -> datetime:
        """When it ends; without an hour, 24:00 of the day. Raises Refused for an hour that spring skips."""
        return last_instant(self.at.data, self.at_time.data, zone, "at_time")
