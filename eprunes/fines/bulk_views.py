"""Pages of bulk designations: what is ready among the notices chosen in the inbox, and what became of it."""

from uuid import UUID

from flask import abort, flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.paging import slice_page
from eprunes.core.refusals import NotVisible
from eprunes.core.web import XLSX, download, downloads, reading, refusals_on, render_form
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.bulk import lines, tasks
from eprunes.fines.bulk.selection import Selection, selected
from eprunes.fines.services import looking
from eprunes.fleet.form_parts import ConfirmForm

SHOWN = 80


@blueprint.post("/contraventions/groupe")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def bulk():
    form = ConfirmForm()
    with refusals_on(form):
        bulk_id = tasks.start_bulk(actor=g.actor, selection=_selection(), as_of=clock.now())
        return redirect(url_for("fines.bulk_task", batch_id=bulk_id))
    flash(form.form_errors[0], "warning")
    return redirect(url_for("fines.inbox", **request.args))


@blueprint.get("/contraventions/groupe")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def bulks():
    return render_template("fines/bulks.html", recent=tasks.recent_bulks(reading(), g.actor, clock.now()))


@blueprint.get("/contraventions/groupe/<uuid:batch_id>")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def bulk_task(batch_id: UUID):
    return _task_page(ConfirmForm(), _found(batch_id))


@blueprint.post("/contraventions/groupe/<uuid:batch_id>/confirmer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def confirm_bulk(batch_id: UUID):
    task, form = _found(batch_id), ConfirmForm()
    with refusals_on(form):
        tasks.confirm_bulk(actor=g.actor, bulk_id=batch_id, as_of=clock.now())
        return redirect(url_for("fines.bulk_task", batch_id=batch_id))
    return _task_page(form, task)


@blueprint.post("/contraventions/groupe/<uuid:batch_id>/abandonner")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def cancel_bulk(batch_id: UUID):
    _found(batch_id)
    form = ConfirmForm()
    with refusals_on(form):
        tasks.cancel_bulk(actor=g.actor, bulk_id=batch_id, as_of=clock.now())
        flash("Désignations abandonnées\u00a0: aucune réponse n’a été donnée.")
        return redirect(url_for("fines.inbox"))
    flash(form.form_errors[0], "warning")
    return redirect(url_for("fines.bulks"))


@blueprint.get("/contraventions/groupe/<uuid:batch_id>/avis.xlsx")
@requires(Permission.ANSWER_NOTICES)
@downloads
def bulk_result(batch_id: UUID):
    content = tasks.result_workbook(reading(), g.actor, batch_id, clock.now())
    return download(content or abort(404), "designations-groupees.xlsx", XLSX)


def _selection() -> Selection:
    searched = request.args if "trouves" in request.form else None
    return selected(reading(), g.actor, request.form.getlist("v"), searched, clock.now())


def _found(bulk_id: UUID) -> tasks.Bulk:
    found = tasks.find_bulk(reading(), g.actor, bulk_id, clock.now())
    if found is None:
        raise NotVisible
    return found


def _task_page(form: ConfirmForm, task: tasks.Bulk):
    session, as_of, rows = reading(), clock.now(), task.done if task.is_over else task.ready
    page = slice_page(rows, cursor=request.args.get("page", ""), size=SHOWN)
    listed, others, lapsed = [], [], 0
    if task.is_waiting or task.is_over:
        left = task.not_done if task.is_over else task.unready
        others = lines.lines_of(session, g.actor, left[:SHOWN], as_of)
        read = lines.lines_to_agree_to if task.is_waiting else lines.lines_of
        listed = read(session, g.actor, page.rows, as_of)
        lapsed = lines.no_longer_ready(session, g.actor, rows, listed, as_of) if task.is_waiting else 0
        looking.note_list_seen(g.actor, view="groupe", found=len(listed) + len(others), is_searched=False, as_of=as_of)
    shown = {"page": page, "listed": listed, "others": others, "lapsed": lapsed}
    return render_form("fines/bulk_task.html", form, task=task, **shown)
