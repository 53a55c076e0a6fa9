"""The import of a workbook: send it, look at the preview, choose, agree or give up, fetch the refused lines."""

from uuid import UUID

from flask import Blueprint, Response, abort, flash, g, redirect, url_for
from flask_wtf import FlaskForm

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import XLSX, download, downloads, in_section, reading, refusals_on, render_form
from eprunes.core.wording import counted
from eprunes.fleet.import_forms import (
    ClosingForm,
    ConfirmForm,
    ImportForm,
    closing_form,
    closing_text,
    mapping_form,
)
from eprunes.fleet.importing import choices, tasks
from eprunes.fleet.importing.mappings import count_remembered
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
    return render_form("fleet/import.html", form, recent=recent, remembered=count_remembered(reading()))


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
    if found.refusal or found.unreadable:
        form.form_errors.append(found.refusal or found.unreadable)
    return _page(found, form)


@blueprint.post("/import/<uuid:task_id>/colonnes")
@requires(Permission.EDIT_FLEET)
@in_fleet
def columns(task_id: UUID):
    found = _found(task_id)
    form = mapping_form(found.mapping)
    if form.validate_on_submit():
        with refusals_on(form):
            choices.choose_columns(actor=g.actor, task_id=task_id, chosen=form.chosen(), as_of=clock.now())
            return redirect(url_for("fleet_import.progress", task_id=task_id))
    return _page(found, form, mapping=form)


@blueprint.post("/import/<uuid:task_id>/vehicules-absents")
@requires(Permission.EDIT_FLEET)
@in_fleet
def closing(task_id: UUID):
    found, form = _found(task_id), ClosingForm()
    if form.validate_on_submit():
        with refusals_on(form):
            chosen = {"at": form.instant(g.actor.zone), "reason": form.chosen_reason()}
            choices.choose_closing(actor=g.actor, task_id=task_id, **chosen, as_of=clock.now())
            return redirect(url_for("fleet_import.progress", task_id=task_id))
    return _page(found, form, closing=form)


@blueprint.post("/import/<uuid:task_id>/confirmer")
@requires(Permission.EDIT_FLEET)
@in_fleet
def confirm(task_id: UUID):
    found, form = _found(task_id), ConfirmForm()
    with refusals_on(form):
        tasks.confirm_import(actor=g.actor, task_id=task_id, seen=form.seen.data or "", as_of=clock.now())
        return redirect(url_for("fleet_import.progress", task_id=task_id))
    return _page(found, form)


@blueprint.post("/import/<uuid:task_id>/annuler")
@requires(Permission.EDIT_FLEET)
@in_fleet
def cancel(task_id: UUID):
    found, form = _found(task_id), ConfirmForm()
    with refusals_on(form):
        tasks.cancel_import(actor=g.actor, task_id=task_id, as_of=clock.now())
        flash("Import abandonné\u00a0: rien n’a été enregistré et le fichier est effacé.")
        return redirect(url_for("fleet_import.upload"))
    return _page(found, form)


@blueprint.post("/import/colonnes-retenues/oublier")
@requires(Permission.EDIT_FLEET)
@in_fleet
def forget():
    count = choices.forget_columns(actor=g.actor, as_of=clock.now())
    flash(f"{counted(count, 'colonne oubliée', 'colonnes oubliées')}\u00a0: seuls les titres comptent à nouveau.")
    return redirect(url_for("fleet_import.upload"))


@blueprint.get("/import/<uuid:task_id>/lignes-refusees.xlsx")
@requires(Permission.EDIT_FLEET)
@downloads
def refused(task_id: UUID):
    content = tasks.refused_lines(reading(), g.actor, task_id, clock.now())
    return download(content or abort(404), "lignes-refusees.xlsx", XLSX)


def _found(task_id: UUID) -> tasks.Import:
    return tasks.find_import(reading(), g.actor, task_id, clock.now()) or abort(404)


def _page(found: tasks.Import, form: FlaskForm, **posted: FlaskForm) -> Response:
    """The page of an import, with the form that was sent and the others as they stand."""
    missing = (found.preview or {}).get("missing")
    asked, today = missing["closing"] if missing else None, local_day(clock.now(), g.actor.zone)
    forms = {
        "mapping": mapping_form(found.mapping, formdata=None),
        "closing": closing_form(asked, today, g.actor.zone, formdata=None),
    }
    told = closing_text(asked, g.actor.zone) if asked else ""
    return render_form("fleet/import_task.html", form, found=found, shown=SHOWN, told=told, **forms | posted)
