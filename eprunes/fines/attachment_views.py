"""Files kept with a notice: adding one, saving one, taking one away."""

from uuid import UUID

from flask import abort, flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import download, downloads, reading, refusals_on, render_form
from eprunes.fines import attached, pages
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.forms import FileForm, ReopenForm
from eprunes.fines.models import NoticeFileKind
from eprunes.fines.notice_rendering import render_notice
from eprunes.fines.services import attachments

LARGEST_BODY = 64 * 1024 * 1024
"""More than what is kept: a photo that is too heavy is refused on its form, with what was typed."""
_UPLOADS = {"fines.add_file", "fines.report_impossible"}


@blueprint.url_value_preprocessor
def _let_heavy_photos_in(endpoint: str | None, values: dict | None) -> None:
    if endpoint in _UPLOADS:
        request.max_content_length = LARGEST_BODY


@blueprint.post("/contraventions/<uuid:notice_id>/pieces")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def add_file(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), FileForm()
    if form.validate_on_submit():
        with refusals_on(form):
            kind = NoticeFileKind(form.file_kind.data)
            attachments.add_file(g.actor, notice.id, kind=kind, sent=form.sent(), as_of=clock.now())
            flash("Pièce jointe à l’avis.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id, _anchor="pieces"))
    return render_notice(notice_id, attaching=form)


@blueprint.get("/contraventions/pieces/<uuid:file_id>")
@requires(Permission.EXPORT_NOTICES)
@downloads
def notice_file(file_id: UUID):
    """Closed to a visiting operator, who sees on the notice's page that the file is there."""
    file = attachments.take_file(reading(), g.actor, file_id, as_of=clock.now())
    return download(file.content, file.name, file.media_type)


@blueprint.route("/contraventions/<uuid:notice_id>/pieces/<uuid:file_id>/retirer", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def remove_file(notice_id: UUID, file_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), ReopenForm()
    if form.validate_on_submit():
        with refusals_on(form):
            attachments.remove_file(g.actor, notice.id, file_id, as_of=clock.now())
            flash("Pièce retirée.")
            return redirect(url_for("fines.notice_page", notice_id=notice.id))
    file = next((one for one in attached.read_files(reading(), notice) if one.id == file_id), None)
    if file is None:
        return abort(404)
    return render_form("fines/notice/remove_file.html", form, number=pages.number_of(notice), notice=notice, file=file)
