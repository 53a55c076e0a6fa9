"""Letters to print and to post, and the neutral file of the answers: the administrator's, as all that is answered."""

from uuid import UUID

from flask import Response, flash, g, redirect, request, url_for
from flask_wtf import FlaskForm

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.spreadsheets.writing import write_csv, write_workbook
from eprunes.core.texts import ids_in
from eprunes.core.web import CSV, XLSX, download, downloads, reading, refusals_on, render_form
from eprunes.fines import pages
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.paper import answer_files, letter_pages
from eprunes.fines.paper.typed_forms import LetterForm, PeriodForm, PostedForm
from eprunes.fines.services import posting

PDF = "application/pdf"


@blueprint.get("/contraventions/lettres")
@requires(Permission.VIEW_ARCHIVE)
@in_inbox
def letters():
    return _letters_page(LetterForm(formdata=None, data={"signatory": f"{g.actor.display_name}, représentant légal"}))


@blueprint.post("/contraventions/lettres.pdf")
@requires(Permission.VIEW_ARCHIVE)
@downloads
def print_letters():
    form = LetterForm()
    if form.validate_on_submit():
        with refusals_on(form):
            content = posting.print_letters(g.actor, reading(), _ticked(), head=form.head(), as_of=clock.now())
            return download(content, "lettres-de-reponse.pdf", PDF)
    return _letters_page(form)


@blueprint.route("/contraventions/<uuid:notice_id>/lettre-postee", methods=["GET", "POST"])
@requires(Permission.VIEW_ARCHIVE)
@in_inbox
def letter_posted(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    form = PostedForm(data={"posted_on": local_day(clock.now(), g.actor.zone)})
    if letter_pages.letter_of(reading(), notice) is None:
        return redirect(url_for("fines.notice_page", notice_id=notice_id))
    if form.validate_on_submit():
        with refusals_on(form):
            told = {"receipt_number": form.receipt_number.data, "posted_on": form.posted_on.data}
            posting.note_posted(g.actor, notice_id, **told, as_of=clock.now())
            flash("Lettre notée comme postée. Gardez la preuve de dépôt et l’avis de réception.")
            return redirect(url_for("fines.letters"))
    return render_form("fines/letter_posted.html", form, notice=notice, number=pages.number_of(notice))


@blueprint.get("/contraventions/reponses.xlsx")
@requires(Permission.VIEW_ARCHIVE, confirmed=True)
@downloads
def export_answers():
    form = PeriodForm(request.args)
    if not form.validate():
        return _told_why(form)
    sheet = answer_files.answers_sheet(g.actor, reading(), **form.values(), as_of=clock.now())
    return download(write_workbook([sheet]), "reponses-contraventions.xlsx", XLSX)


@blueprint.get("/contraventions/reponses.csv")
@requires(Permission.VIEW_ARCHIVE, confirmed=True)
@downloads
def export_answers_csv():
    form = PeriodForm(request.args)
    if not form.validate():
        return _told_why(form)
    sheet = answer_files.answers_sheet(g.actor, reading(), **form.values(), as_of=clock.now())
    return download(write_csv(sheet), "reponses-contraventions.csv", CSV)


def _told_why(form: PeriodForm) -> Response:
    flash(f"Période refusée\u00a0: {' '.join(one for errors in form.errors.values() for one in errors)}", "warning")
    return redirect(url_for("fines.letters"))


def _ticked() -> list[UUID]:
    return ids_in(request.values.getlist("avis"))[: letter_pages.MOST]


def _letters_page(form: FlaskForm) -> Response:
    as_of, session = clock.now(), reading()
    lists = {
        "waiting": letter_pages.letters_to_post(g.actor, session, as_of),
        "posted": letter_pages.posted_letters(g.actor, session, as_of),
    }
    period = PeriodForm(formdata=None)
    return render_form("fines/letters.html", form, **lists, period=period, ticked=_ticked())
