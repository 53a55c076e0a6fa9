"""The page of a vehicle's month: who held it on which day at which hours."""

from uuid import UUID

from flask import g, render_template

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import reading
from eprunes.fleet import months
from eprunes.fleet.blueprint import blueprint, found, in_vehicles


@blueprint.get("/vehicules/<uuid:vehicle_id>/mois")
@blueprint.get("/vehicules/<uuid:vehicle_id>/mois/<month>")
@requires(Permission.VIEW_FLEET)
@in_vehicles
def vehicle_month(vehicle_id: UUID, month: str = ""):
    as_of = clock.now()
    page = found(months.read_month_page(reading(), g.actor, vehicle_id, month, as_of))
    shown = {"page": page, "vehicle": page.vehicle, "as_of": as_of, "today": local_day(as_of, g.actor.zone)}
    return render_template("fleet/vehicle_month.html", **shown)
