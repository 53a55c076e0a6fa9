"""Pages of bulk operations: what to do with the vehicles chosen in the list, what is ready, and what became of it."""

from uuid import UUID

from flask import abort, flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import XLSX, download, downloads, reading, refusals_on, render_form
from eprunes.fleet.blueprint import blueprint, found, in_vehicles
from eprunes.fleet.bulk import tasks
from eprunes.fleet.bulk.acts import FIELDS
from eprunes.fleet.bulk.selection import Selection, selected
from eprunes.fleet.bulk_forms import bulk_form, is_filled
from eprunes.fleet.driver_choice import suggested_drivers
from eprunes.fleet.form_parts import ConfirmForm
from eprunes.fleet.vehicle_search import read_vehicle_search, vehicle_search_args
from eprunes.fleet.vehicle_suggestions import suggestions

SHOWN = 200


@blueprint.post("/vehicules/groupe/<any(reattribuer, terminer, modifier):act>")
@requires(Permission.EDIT_FLEET)
@in_vehicles
def bulk(act: str):
    selection, now = _selection(), clock.now().astimezone(g.actor.zone)
    if not selection.found:
        flash("Choisissez d’abord des véhicules dans la liste.", "warning")
        return redirect(url_for("fleet.vehicles", **vehicle_search_args(read_vehicle_search(request.args))))
    form = bulk_form(act, now.date(), now.time().replace(second=0, microsecond=0))
    if is_filled(form):
        with refusals_on(form):
            chosen = {"selection": selection, "act": form.act(reading(), g.actor)}
            bulk_id = tasks.start_bulk(actor=g.actor, **chosen, as_of=clock.now())
            return redirect(url_for("fleet.bulk_task", bulk_id=bulk_id))
    drivers = suggested_drivers(reading(), g.actor, now.date()) if "driver" in form else []
    suggested = suggestions(reading(), g.actor, [name for name in FIELDS if name in form])
    return render_form("fleet/bulk.html", form, act=act, selection=selection, drivers=drivers, suggested=suggested)


@blueprint.get("/vehicules/groupe")
@requires(Permission.EDIT_FLEET)
@in_vehicles
def bulks():
    return render_template("fleet/bulks.html", recent=tasks.recent_bulks(reading(), g.actor, clock.now()))


@blueprint.get("/vehicules/groupe/<uuid:bulk_id>")
@requires(Permission.EDIT_FLEET)
@in_vehicles
def bulk_task(bulk_id: UUID):
    return _task_page(ConfirmForm(), _found(bulk_id))


@blueprint.post("/vehicules/groupe/<uuid:bulk_id>/confirmer")
@requires(Permission.EDIT_FLEET)
@in_vehicles
def confirm_bulk(bulk_id: UUID):
    task, form = _found(bulk_id), ConfirmForm()
    with refusals_on(form):
        tasks.confirm_bulk(actor=g.actor, bulk_id=bulk_id, as_of=clock.now())
        return redirect(url_for("fleet.bulk_task", bulk_id=bulk_id))
    return _task_page(form, task)


@blueprint.post("/vehicules/groupe/<uuid:bulk_id>/abandonner")
@requires(Permission.EDIT_FLEET)
@in_vehicles
def cancel_bulk(bulk_id: UUID):
    _found(bulk_id)
    form = ConfirmForm()
    with refusals_on(form):
        tasks.cancel_bulk(actor=g.actor, bulk_id=bulk_id, as_of=clock.now())
        flash("Opération abandonnée\u00a0: rien n’a été modifié.")
        return redirect(url_for("fleet.vehicles"))
    flash(form.form_errors[0], "warning")
    return redirect(url_for("fleet.bulks"))


@blueprint.get("/vehicules/groupe/<uuid:bulk_id>/vehicules.xlsx")
@requires(Permission.EDIT_FLEET)
@downloads
def bulk_result(bulk_id: UUID):
    content = tasks.result_workbook(reading(), g.actor, bulk_id, clock.now())
    return download(content or abort(404), "operation-groupee.xlsx", XLSX)


def _selection() -> Selection:
    searched = request.args if "trouves" in request.form else None
    return selected(reading(), g.actor, request.form.getlist("v"), searched, clock.now())


def _found(bulk_id: UUID) -> tasks.Bulk:
    return found(tasks.find_bulk(reading(), g.actor, bulk_id, clock.now()))


def _task_page(form: ConfirmForm, task: tasks.Bulk):
    return render_form("fleet/bulk_task.html", form, task=task, shown=SHOWN)
