"""Pages of vehicles: the list, one vehicle, entering, correcting, leaving and coming back."""

from collections.abc import Callable
from datetime import date, datetime, time
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fleet import exits, pages, queries
from eprunes.fleet.blueprint import blueprint, declaration_words, found, in_vehicles
from eprunes.fleet.models import Vehicle
from eprunes.fleet.places import read_places
from eprunes.fleet.services import vehicles as services
from eprunes.fleet.services.presence import check_exit
from eprunes.fleet.services.vehicles import check_return
from eprunes.fleet.vehicle_forms import (
    LeaveForm,
    ReturnForm,
    VehicleForm,
    leave_values,
    return_form,
    vehicle_values,
)
from eprunes.fleet.vehicle_rules import PROOFS
from eprunes.fleet.vehicle_search import read_vehicle_search, read_vehicles
from eprunes.fleet.vehicle_suggestions import suggestions


@blueprint.get("/vehicules")
@requires(Permission.VIEW_FLEET)
@in_vehicles
def vehicles():
    search, as_of = read_vehicle_search(request.args), clock.now()
    listed = read_vehicles(reading(), g.actor, search, request.args.get("page", ""), as_of)
    places = read_places(reading(), as_of)
    return render_template("fleet/vehicles.html", search=search, listed=listed, places=places, as_of=as_of)


@blueprint.get("/vehicules/<uuid:vehicle_id>")
@requires(Permission.VIEW_FLEET)
@in_vehicles
def vehicle(vehicle_id: UUID):
    as_of = clock.now()
    page = found(pages.read_vehicle(reading(), g.actor, vehicle_id, as_of))
    proofs = exits.proofs_of(reading(), page.vehicle, page.vehicle.left_because)
    return render_template("fleet/vehicle.html", page=page, vehicle=page.vehicle, proofs=proofs, as_of=as_of)


@blueprint.route("/vehicules/nouveau", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def add_vehicle():
    as_of, today = clock.now(), _today()
    form = VehicleForm(today=today, data={"entered_at": today, "country": "FR"})
    if form.validate_on_submit():
        with refusals_on(form):
            details = form.details(g.actor.zone)
            vehicle_id = services.add_vehicle(actor=g.actor, details=details, as_of=as_of)
            flash(f"Véhicule ajouté. Il sera déclaré à l’ANTAI {declaration_words()['next']}.")
            return redirect(_page_of(vehicle_id))
    return _form_page(form, vehicle=None, places=read_places(reading(), as_of))


@blueprint.route("/vehicules/<uuid:vehicle_id>/modifier", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def change_vehicle(vehicle_id: UUID):
    row, as_of = _vehicle(vehicle_id), clock.now()
    known = vehicle_values(row, g.actor.zone, as_of)
    form = VehicleForm(today=_today(), data=known)
    if form.validate_on_submit():
        with refusals_on(form):
            typed = {"details": form.details(g.actor.zone), "seen": form.seen.data}
            services.change_vehicle(actor=g.actor, vehicle_id=vehicle_id, **typed, as_of=as_of)
            flash("Fiche du véhicule enregistrée.")
            return redirect(_page_of(vehicle_id))
    return _form_page(form, vehicle=row, known=known)


@blueprint.route("/vehicules/<uuid:vehicle_id>/sortie", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def leave_fleet(vehicle_id: UUID):
    page, as_of = found(pages.read_vehicle(reading(), g.actor, vehicle_id, clock.now())), clock.now()
    form = LeaveForm(rules=_exit_rules(page, as_of), data=leave_values(page.vehicle, g.actor.zone, _today()))
    if form.validate_on_submit():
        with refusals_on(form):
            told = {"at": form.instant(g.actor.zone), "reason": form.chosen_reason()}
            services.leave_fleet(actor=g.actor, vehicle_id=vehicle_id, **told, as_of=as_of)
            flash("Sortie du parc enregistrée.")
            return redirect(_page_of(vehicle_id))
    return render_form("fleet/leave.html", form, page=page, vehicle=page.vehicle, proofs=PROOFS, as_of=as_of)


@blueprint.route("/vehicules/<uuid:vehicle_id>/retour", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def return_to_fleet(vehicle_id: UUID):
    row, as_of = _vehicle(vehicle_id), clock.now()
    form = return_form(row, _now(as_of), as_of, _return_rules(row, as_of))
    if form.validate_on_submit():
        with refusals_on(form):
            back_at = form.back_at(g.actor.zone)
            services.return_to_fleet(actor=g.actor, vehicle_id=vehicle_id, back_at=back_at, as_of=as_of)
            flash("Le véhicule est de nouveau dans le parc.")
            return redirect(_page_of(vehicle_id))
    return render_form("fleet/return.html", form, vehicle=row, as_of=as_of)


def _exit_rules(page: pages.VehiclePage, as_of: datetime) -> Callable[[LeaveForm], None]:
    return lambda form: check_exit(page.vehicle, form.instant(g.actor.zone), g.actor, as_of, page.absences)


def _return_rules(vehicle: Vehicle, as_of: datetime) -> Callable[[ReturnForm], None]:
    def check(form: ReturnForm) -> None:
        back_at = form.back_at(g.actor.zone)
        if back_at is not None:
            check_return(vehicle, back_at, g.actor, as_of)

    return check


def _form_page(form: VehicleForm, **shown):
    return render_form("fleet/vehicle_form.html", form, suggested=suggestions(reading(), g.actor), **shown)


def _vehicle(vehicle_id: UUID) -> Vehicle:
    return found(queries.find_vehicle(reading(), g.actor, vehicle_id))


def _page_of(vehicle_id: UUID) -> str:
    return url_for("fleet.vehicle", vehicle_id=vehicle_id)


def _now(as_of: datetime) -> tuple[date, time]:
    """The local day and hour, to the minute: what a form proposes."""
    local = as_of.astimezone(g.actor.zone)
    return local.date(), local.time().replace(second=0, microsecond=0)


def _today() -> date:
    return local_day(clock.now(), g.actor.zone)
