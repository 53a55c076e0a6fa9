"""Pages of shared vehicles, made for a telephone: who has which, taking one, giving it back."""

from uuid import UUID

from flask import flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import in_section, reading, refusals_on, render_form
from eprunes.fleet import pool as pages
from eprunes.fleet import queries
from eprunes.fleet.blueprint import blueprint, found
from eprunes.fleet.form_parts import ConfirmForm
from eprunes.fleet.held_twice import also_held
from eprunes.fleet.pool_forms import TakeForm
from eprunes.fleet.services import pool as services

in_pool = in_section("fleet.pool")


@blueprint.get("/vehicules-partages")
@requires(Permission.VIEW_FLEET)
def pool():
    undoable = pages.undoable(reading(), g.actor, request.args.get("rendu", ""), clock.now())
    return _list(ConfirmForm(), undoable=undoable)


@blueprint.route("/vehicules-partages/<uuid:vehicle_id>/prendre", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_pool
def take(vehicle_id: UUID):
    vehicle, as_of, form = found(queries.find_vehicle(reading(), g.actor, vehicle_id)), clock.now(), TakeForm()
    if form.validate_on_submit():
        with refusals_on(form):
            until = form.expected_return(local_day(as_of, g.actor.zone), g.actor.zone)
            driver_id = form.chosen_driver()
            services.take(actor=g.actor, vehicle_id=vehicle_id, driver_id=driver_id, until=until, as_of=as_of)
            return _taken(vehicle.plate, vehicle_id, driver_id)
    text = request.args.get("q", "")[:80]
    takers = pages.takers(reading(), g.actor, vehicle_id, text, as_of)
    now, later = pages.who_has(reading(), g.actor, vehicle_id, as_of)
    shown = {"vehicle": vehicle, "takers": takers, "text": text, "now": now, "later": later}
    return render_form("fleet/pool_take.html", form, **shown)


@blueprint.post("/attributions/<uuid:assignment_id>/rendre")
@requires(Permission.EDIT_FLEET)
@in_pool
def give_back(assignment_id: UUID):
    found(queries.find_assignment(reading(), g.actor, assignment_id))
    form = ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            if not services.give_back(actor=g.actor, assignment_id=assignment_id, as_of=clock.now()):
                flash("Rendu dans la minute\u00a0: le véhicule est libre, comme s’il n’avait pas été pris.")
            return redirect(url_for("fleet.pool", rendu=assignment_id))
    return _list(form)


@blueprint.post("/attributions/<uuid:assignment_id>/reprendre")
@requires(Permission.EDIT_FLEET)
@in_pool
def undo_give_back(assignment_id: UUID):
    found(queries.find_assignment(reading(), g.actor, assignment_id))
    form = ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            services.undo_give_back(actor=g.actor, assignment_id=assignment_id, as_of=clock.now())
            flash("Retour annulé\u00a0: le véhicule est de nouveau tenu par la même personne, sans interruption.")
            return redirect(url_for("fleet.pool"))
    return _list(form)


def _list(form: ConfirmForm, **context):
    as_of = clock.now()
    listed = pages.read_pool(reading(), g.actor, request.args.get("page", ""), as_of)
    return render_form("fleet/pool.html", form, listed=listed, as_of=as_of, **context)


def _taken(plate: str, vehicle_id: UUID, driver_id: UUID):
    """Back to the list, with who has the vehicle now; and a warning when its driver holds another one."""
    now = clock.now()
    flash(f"{plate} est pris. N’oubliez pas de le rendre ici.")
    twice = also_held(reading(), g.actor, driver_id, vehicle_id, (now, None))
    if twice:
        flash(twice, "warning")
    return redirect(url_for("fleet.pool"))
