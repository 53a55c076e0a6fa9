"""The import of a workbook: send it, look at the preview, agree or give up, fetch the refused lines."""

from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import XLSX, download, downloads, in_section, reading, refusals_on, render_form
from eprunes.fleet.import_forms import ConfirmForm, ImportForm
from eprunes.fleet.importing import tasks
from eprunes.fleet.importing.running import template_workbook

SHOWN = 200

blueprint = Blueprint("fleet_import", __name__)
in_fleet = in_section("fleet.vehicles")


@blueprint.route("/import", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_fleet
def upload():
    form = ImportForm()
    if form.validate_on_submit():
        sent, as_of = form.file.data, clock.now()
        with refusals_on(form):
            task_id = tasks.start_import(actor=g.actor, filename=sent.filename, content=sent.read(), as_of=as_of)
            return redirect(url_for("fleet_import.progress", task_id=task_id))
    recent = tasks.recent_imports(reading(), g.actor, clock.now())
    return render_form("fleet/import.html", form, recent=recent)


@blueprint.get("/import/modele.xlsx")
@requires(Permission.EDIT_FLEET)
@downloads
def template():
    return download(template_workbook(), "modele-import-parc.xlsx", XLSX)


@blueprint.get("/import/<uuid:task_id>")
@requires(Permission.EDIT_FLEET)
@in_fleet
def progress(task_id: UUID):
    found = _found(task_id)
    form = ConfirmForm()
    if found.refusal:
        form.form_errors.append(found.refusal)
    return render_form("fleet/import_task.html", form, found=found, shown=SHOWN)


@blueprint.post("/import/<uuid:task_id>/confirmer")
@requires(Permission.EDIT_FLEET)
@in_fleet
def confirm(task_id: UUID):
    found, form = _found(task_id), ConfirmForm()
    with refusals_on(form):
        tasks.confirm_import(actor=g.actor, task_id=task_id, as_of=clock.now())
        return redirect(url_for("fleet_import.progress", task_id=task_id))
    return render_form("fleet/import_task.html", form, found=found, shown=SHOWN)


@blueprint.post("/import/<uuid:task_id>/annuler")
@requires(Permission.EDIT_FLEET)
@in_fleet
def cancel(task_id: UUID):
    found, form = _found(task_id), ConfirmForm()
    with refusals_on(form):
        tasks.cancel_import(actor=g.actor, task_id=task_id, as_of=clock.now())
        flash("Import abandonné\u00a0: rien n’a été enregistré et le fichier est effacé.")
        return redirect(url_for("fleet_import.upload"))
    return render_form("fleet/import_task.html", form, found=found, shown=SHOWN)


@blueprint.get("/import/<uuid:task_id>/lignes-refusees.xlsx")
@requires(Permission.EDIT_FLEET)
@downloads
def refused(task_id: UUID):
    content = tasks.refused_lines(reading(), g.actor, task_id, clock.now())
    return download(content or abort(404), "lignes-refusees.xlsx", XLSX)


def _found(task_id: UUID) -> tasks.Import:
    return tasks.find_import(reading(), g.actor, task_id, clock.now()) or abort(404)
