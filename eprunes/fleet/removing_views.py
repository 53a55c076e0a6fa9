"""Pages that remove a vehicle or a driver entered by mistake, after a word on what that means."""

from uuid import UUID

from flask import flash, g, redirect, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fleet import pages, queries
from eprunes.fleet.blueprint import blueprint, found, in_drivers, in_vehicles
from eprunes.fleet.form_parts import ConfirmForm
from eprunes.fleet.names import ERASED
from eprunes.fleet.services import removing

_OF_VEHICLE = {
    "title": "Supprimer un véhicule",
    "kept": removing.VEHICLE_SERVED,
    "advice": "Un véhicule qui quitte le parc n’est pas supprimé\u00a0: enregistrez sa sortie.",
}
_OF_DRIVER = {
    "title": "Supprimer un conducteur",
    "kept": removing.DRIVER_SERVED,
    "advice": "Un conducteur qui quitte l’entreprise n’est pas supprimé\u00a0: enregistrez son départ.",
}


@blueprint.route("/vehicules/<uuid:vehicle_id>/supprimer", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def remove_vehicle(vehicle_id: UUID):
    row, form = found(queries.find_vehicle(reading(), g.actor, vehicle_id)), ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            removing.remove_vehicle(actor=g.actor, vehicle_id=vehicle_id, as_of=clock.now())
            flash(f"Véhicule {row.plate} supprimé.")
            return redirect(url_for("fleet.vehicles"))
    shown = {"name": row.plate, "back": url_for("fleet.vehicle", vehicle_id=vehicle_id), **_OF_VEHICLE}
    return render_form("fleet/remove.html", form, removable=removing.never_served(reading(), row), **shown)


@blueprint.route("/conducteurs/<uuid:driver_id>/supprimer", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_drivers
def remove_driver(driver_id: UUID):
    head, form = found(pages.read_driver_head(reading(), g.actor, driver_id)), ConfirmForm()
    name = head.details.full_name if head.details else ERASED
    if form.validate_on_submit():
        with refusals_on(form):
            removing.remove_driver(actor=g.actor, driver_id=driver_id, as_of=clock.now())
            flash("Conducteur supprimé.")
            return redirect(url_for("fleet.drivers"))
    shown = {"name": name, "back": url_for("fleet.driver", driver_id=driver_id), **_OF_DRIVER}
    return render_form("fleet/remove.html", form, removable=removing.never_held(reading(), head.driver), **shown)
