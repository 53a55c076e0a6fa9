"""The pages of a month: who held a vehicle, and which vehicles a driver held, on which day at which hours."""

from uuid import UUID

from flask import g, render_template

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import reading
from eprunes.fleet import months, pages
from eprunes.fleet.blueprint import blueprint, found, in_drivers, in_vehicles


@blueprint.get("/vehicules/<uuid:vehicle_id>/mois")
@blueprint.get("/vehicules/<uuid:vehicle_id>/mois/<month>")
@requires(Permission.VIEW_FLEET)
@in_vehicles
def vehicle_month(vehicle_id: UUID, month: str = ""):
    as_of = clock.now()
    page = found(months.read_month_page(reading(), g.actor, vehicle_id, month, as_of))
    shown = {"page": page, "vehicle": page.vehicle, "as_of": as_of, "today": local_day(as_of, g.actor.zone)}
    return render_template("fleet/vehicle_month.html", **shown)


@blueprint.get("/conducteurs/<uuid:driver_id>/mois")
@blueprint.get("/conducteurs/<uuid:driver_id>/mois/<month>")
@requires(Permission.VIEW_FLEET)
@in_drivers
def driver_month(driver_id: UUID, month: str = ""):
    as_of = clock.now()
    frame = found(pages.read_driver_head(reading(), g.actor, driver_id))._asdict()
    page = found(months.read_driver_month(reading(), g.actor, driver_id, month, as_of))
    shown = {"page": page, "as_of": as_of, "today": local_day(as_of, g.actor.zone), **frame}
    return render_template("fleet/driver_month.html", **shown)
