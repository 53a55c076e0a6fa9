"""The form by which a shared vehicle is taken."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import Field

from eprunes.core.refusals import Refused
from eprunes.fleet.form_parts import LocalTimeField, optional_day, text
from eprunes.fleet.local_times import last_instant


class TakeForm(FlaskForm):
    """The driver is the button that was pressed; the expected return may be left out."""

    driver_id = text("Conducteur", "Choisissez un conducteur.")
    until = optional_day("Retour prévu le")
    until_time = LocalTimeField("Heure")

    @property
    def ends_at(self) -> Field:
        """Where the refusal of a use that lasts into somebody else's stands."""
        return self.until

    def chosen_driver(self) -> UUID:
        """Whose button was pressed. Raises Refused for anything that is no driver's."""
        try:
            return UUID(self.driver_id.data)
        except ValueError:
            raise Refused("Choisissez un conducteur de votre parc.", "driver_id") from None

    def expected_return(self, today: date, zone: ZoneInfo) -> datetime | None:
        """When the vehicle is expected back, if that was said; an hour alone is today's."""
        if self.until.data is None and self.until_time.data is None:
            return None
        return last_instant(self.until.data or today, self.until_time.data, zone, "until_time")
