"""Forms of bulk operations: one per act, filled beside a selection of vehicles that the list has sent."""

from datetime import date, time

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.fleet.assignment_forms import EndForm, HandOverForm
from eprunes.fleet.bulk.acts import FIELDS, Act, Change, End, Reassign
from eprunes.fleet.driver_choice import chosen_driver
from eprunes.fleet.form_parts import text
from eprunes.fleet.vehicle_rules import too_long

SENT = "etape"
"""What a filled form carries beside the selection, which the list sends alone."""


class BulkReassignForm(HandOverForm):
    def act(self, session: TenantSession, actor: Actor) -> Act:
        """The act that was chosen. Raises Refused."""
        return Reassign(chosen_driver(session, actor, self), self.instant(actor.zone))


class BulkEndForm(EndForm):
    def act(self, session: TenantSession, actor: Actor) -> Act:
        """The act that was chosen. Raises Refused."""
        return End(self.instant(actor.zone))


class BulkChangeForm(FlaskForm):
    site = text("Nouveau site", list="site-connus")
    clear_site = BooleanField("Vider le site")
    cost_centre = text("Nouveau centre de coûts", list="cost_centre-connus")
    clear_cost_centre = BooleanField("Vider le centre de coûts")

    def act(self, session: TenantSession, actor: Actor) -> Act:
        """The act that was chosen. Raises Refused."""
        values = {}
        for name in FIELDS:
            typed, is_cleared = self[name].data, self[f"clear_{name}"].data
            if typed and is_cleared:
                raise Refused("Indiquez une valeur, ou demandez de vider\u00a0: pas les deux.", name)
            if sentence := too_long(name, typed):
                raise Refused(sentence, name)
            if typed or is_cleared:
                values[name] = typed
        if not values:
            raise Refused("Indiquez ce qui change.", "site")
        return Change(values)


FORMS = {Reassign.name: BulkReassignForm, End.name: BulkEndForm, Change.name: BulkChangeForm}


def bulk_form(act: str, day: date, hour: time) -> FlaskForm:
    """The form of an act: as it was sent, or as it starts, at this local day and hour, beside a fresh selection."""
    form = FORMS[act]
    return form() if SENT in request.form else form(formdata=None, data={"at": day, "at_time": hour})


def is_filled(form: FlaskForm) -> bool:
    """True when the form itself was sent, and nothing is wrong with it."""
    return SENT in request.form and form.validate()
