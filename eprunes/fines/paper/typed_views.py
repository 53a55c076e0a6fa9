"""Pages of notices that come on paper: typing one in, correcting it, noting that the paper of another came."""

from uuid import UUID

from flask import flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.texts import tidy_line
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.core.wording import short_day
from eprunes.fines import pages
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.channels import channels_of
from eprunes.fines.deadlines import parking_fee_dates
from eprunes.fines.notice_versions import mark_of
from eprunes.fines.paper import typed_pages
from eprunes.fines.paper.typed_forms import PaperForm, TypedForm
from eprunes.fines.services import typing_in

LARGEST_BODY = 64 * 1024 * 1024
"""More than what is kept: a scan that is too heavy is refused on its form, with what was typed."""

blueprint.context_processor(lambda: {"channels_of": channels_of, "fee_dates": parking_fee_dates})


@blueprint.url_value_preprocessor
def _let_heavy_scans_in(endpoint: str | None, values: dict | None) -> None:
    if endpoint == "fines.type_in":
        request.max_content_length = LARGEST_BODY


@blueprint.route("/contraventions/saisir", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def type_in():
    as_of, known = clock.now(), None
    form = TypedForm(zone=g.actor.zone, as_of=as_of)
    if form.validate_on_submit():
        with refusals_on(form):
            notice_id = typing_in.type_in(g.actor, form.typed(), scans=form.scans(), as_of=as_of)
            flash("Avis saisi. Vérifiez son échéance, comptée de son envoi ou, à défaut, de sa date.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id))
        known = typed_pages.known_notice(g.actor, reading(), form.typed(), as_of)
    return render_form("fines/typed.html", form, known=known, corrected=None)


@blueprint.post("/contraventions/saisir/numero")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def type_in_number():
    """The empty form with a number in it: a number never stands in an address."""
    number = tidy_line(request.form.get("number", ""))[:60]
    form = TypedForm(formdata=None, zone=g.actor.zone, as_of=clock.now(), data=typed_pages.start_with(number))
    return render_form("fines/typed.html", form, known=None, corrected=None)


@blueprint.route("/contraventions/<uuid:notice_id>/corriger-saisie", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def correct_typed(notice_id: UUID):
    as_of = clock.now()
    notice = pages.load_notice(g.actor, reading(), notice_id, as_of)
    back = url_for("fines.notice_page", notice_id=notice_id)
    form = TypedForm(zone=g.actor.zone, as_of=as_of, data=typed_pages.typed_values(notice))
    if not typed_pages.may_correct(notice):
        return redirect(back)
    if form.validate_on_submit():
        with refusals_on(form):
            about = {"seen": request.form.get("vu", ""), "is_checked": form.is_checked.data, "as_of": as_of}
            typing_in.correct(g.actor, notice_id, form.typed(), **about)
            flash("Saisie corrigée. Vérifiez son échéance.")
            return redirect(back)
    return render_form("fines/typed.html", form, known=None, corrected=notice, seen=mark_of(notice, as_of))


@blueprint.route("/contraventions/<uuid:notice_id>/avis-papier", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def note_paper(notice_id: UUID):
    as_of = clock.now()
    notice = pages.load_notice(g.actor, reading(), notice_id, as_of)
    form = PaperForm(data={"sent_on": notice.sent_on})
    if form.validate_on_submit():
        with refusals_on(form):
            told = {"sent_on": form.sent_on.data, "is_checked": form.is_checked.data}
            deadline = typing_in.note_paper(g.actor, notice_id, **told, as_of=as_of)
            flash(f"Avis papier noté\u00a0: son échéance est le {short_day(deadline.day)}, dernier jour pour répondre.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id))
    return render_form("fines/typed_paper.html", form, notice=notice, number=pages.number_of(notice))
