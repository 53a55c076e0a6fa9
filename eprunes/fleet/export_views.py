"""Downloads of the fleet pages."""

from uuid import UUID

from flask import g, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import CSV, XLSX, download, downloads, reading
from eprunes.fleet import exports, queries
from eprunes.fleet.blueprint import blueprint, found
from eprunes.fleet.driver_search import read_driver_search
from eprunes.fleet.vehicle_search import read_vehicle_search


@blueprint.get("/vehicules/export.xlsx")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_vehicles():
    search = read_vehicle_search(request.args)
    return download(exports.vehicles_workbook(g.actor, reading(), search, clock.now()), "vehicules.xlsx", XLSX)


@blueprint.get("/conducteurs/export.xlsx")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_drivers():
    search = read_driver_search(request.args)
    return download(exports.drivers_workbook(g.actor, reading(), search, clock.now()), "conducteurs.xlsx", XLSX)


@blueprint.get("/vehicules/export.csv")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_vehicles_csv():
    search = read_vehicle_search(request.args)
    return download(exports.vehicles_csv(g.actor, reading(), search, clock.now()), "vehicules.csv", CSV)


@blueprint.get("/conducteurs/export.csv")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_drivers_csv():
    search = read_driver_search(request.args)
    return download(exports.drivers_csv(g.actor, reading(), search, clock.now()), "conducteurs.csv", CSV)


@blueprint.get("/parc/export.xlsx")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_fleet():
    return download(exports.fleet_workbook(g.actor, reading(), clock.now()), "parc.xlsx", XLSX)


@blueprint.get("/vehicules/<uuid:vehicle_id>/attributions.xlsx")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_vehicle_assignments(vehicle_id: UUID):
    found(queries.find_vehicle(reading(), g.actor, vehicle_id))
    content = exports.assignments_workbook(g.actor, reading(), clock.now(), vehicle_id=vehicle_id)
    return download(content, "attributions.xlsx", XLSX)


@blueprint.get("/conducteurs/<uuid:driver_id>/attributions.xlsx")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_driver_assignments(driver_id: UUID):
    found(queries.find_driver(reading(), g.actor, driver_id))
    content = exports.assignments_workbook(g.actor, reading(), clock.now(), driver_id=driver_id)
    return download(content, "attributions.xlsx", XLSX)
