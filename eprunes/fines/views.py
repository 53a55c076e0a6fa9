"""The fines tool: the inbox, one notice's page, and the three outcomes."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.texts import tidy_line
from eprunes.core.web import XLSX, download, downloads, in_section, reading, refusals_on, render_form
from eprunes.fines import exports, inbox, pages, services
from eprunes.fines.answering import FilingReason, ImpossibilityReason
from eprunes.fines.events import WORDS
from eprunes.fines.forms import FilingForm, ImpossibilityForm, ReopenForm
from eprunes.fines.proposals import Why
from eprunes.fines.queries import View

blueprint = Blueprint("fines", __name__)
blueprint.app_context_processor(
    lambda: {
        "reasons": list(ImpossibilityReason),
        "reason_labels": {one.value: one.requirements.label for one in ImpossibilityReason},
        "filing_labels": {one.value: one.label for one in FilingReason},
    }
)
blueprint.context_processor(
    lambda: {
        "may_answer": bool(g.actor) and g.actor.may(Permission.ANSWER_NOTICES),
        "may_export": bool(g.actor) and g.actor.may(Permission.EXPORT_NOTICES),
    }
)
in_inbox = in_section("fines.inbox")
VIEW_WORDS = {
    View.TO_DO: "À traiter",
    View.URGENT: "Urgentes",
    View.REFUSED: "Refusées",
    View.FILED: "Classées",
    View.SENT: "Transmises",
    View.ARCHIVE: "Archives",
}


@blueprint.get("/contraventions", endpoint="inbox")
@requires(Permission.VIEW_NOTICES)
@in_inbox
def inbox_list():
    view, search, sort = _asked()
    as_of, session = clock.now(), reading()
    page, rows, found = inbox.read_inbox(g.actor, session, view, search, sort, request.args.get("page", ""), as_of)
    pinned = [] if view is not View.TO_DO or search else inbox.pinned(g.actor, session, as_of)
    counts = inbox.counts(g.actor, session, as_of)
    shown = found + len(pinned)
    services.note_list_seen(g.actor, view=view, found=shown, is_searched=bool(search), as_of=as_of)
    lists = {"page": page, "rows": rows, "found": found, "pinned": pinned, "counts": counts}
    asked = {"view": view, "search": search, "sort": sort}
    return render_template("fines/inbox.html", **lists, **asked, View=View, view_words=VIEW_WORDS, Why=Why)


@blueprint.get("/contraventions/export.xlsx")
@requires(Permission.EXPORT_NOTICES, confirmed=True)
@downloads
def export():
    view, search, sort = _asked()
    content = exports.notices_workbook(g.actor, reading(), view, search, sort, clock.now())
    return download(content, f"contraventions-{view}.xlsx", XLSX)


@blueprint.get("/contraventions/<uuid:notice_id>")
@requires(Permission.VIEW_NOTICES)
@in_inbox
def notice_page(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    services.note_opened(g.actor, notice, as_of=clock.now())
    return _render(notice_id)


@blueprint.post("/contraventions/<uuid:notice_id>/designer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def designate(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    form, choice = pages.sent_designation(g.actor, reading(), notice, clock.now()), ReopenForm()
    with refusals_on(choice):
        candidate = pages.candidate_of(reading(), form.driver_id.data)
        if form.validate_on_submit():
            with refusals_on(form):
                declared = pages.designation_of(form, candidate)
                services.designate(g.actor, notice.id, **declared, as_of=clock.now())
                return _answered(notice)
        return _render(notice_id, designation=form, chosen=form.driver_id.data or pages.NEW_DRIVER)
    return _render(notice_id, choice=choice, chosen="")


@blueprint.post("/contraventions/<uuid:notice_id>/impossible")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def report_impossible(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), ImpossibilityForm()
    if form.validate_on_submit():
        with refusals_on(form):
            services.report_impossibility(
                g.actor,
                notice.id,
                reason=form.chosen(),
                comment=form.comment.data or "",
                proofs=form.proofs(),
                as_of=clock.now(),
            )
            return _answered(notice)
    return _render(notice_id, impossibility=form)


@blueprint.post("/contraventions/<uuid:notice_id>/classer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def file_notice(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), FilingForm()
    if form.validate_on_submit():
        with refusals_on(form):
            reason = FilingReason(form.filing_reason.data)
            services.file_notice(g.actor, notice.id, reason=reason, as_of=clock.now())
            flash("Avis classé sans désignation. Il reste visible dans «\u00a0Classées\u00a0» jusqu’à son échéance.")
            return redirect(url_for("fines.inbox"))
    return _render(notice_id, filing=form)


@blueprint.post("/contraventions/<uuid:notice_id>/rouvrir")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def reopen_notice(notice_id: UUID):
    form = ReopenForm()
    if form.validate_on_submit():
        with refusals_on(form):
            services.reopen_notice(g.actor, notice_id, as_of=clock.now())
            flash("Avis rouvert\u00a0: il est de nouveau à traiter.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id))
    return _render(notice_id, reopening=form)


@blueprint.get("/contraventions/<uuid:notice_id>/designer")
@blueprint.get("/contraventions/<uuid:notice_id>/impossible")
@blueprint.get("/contraventions/<uuid:notice_id>/classer")
@blueprint.get("/contraventions/<uuid:notice_id>/rouvrir")
@requires(Permission.VIEW_NOTICES)
def back_to_notice(notice_id: UUID):
    """A reloaded or copied address of an answer that was refused."""
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    return redirect(url_for("fines.notice_page", notice_id=notice.id))


def _asked() -> tuple[View, str, str]:
    wanted = request.args.get("vue", "")
    view = next((one for one in inbox.views_of(g.actor) if one == wanted), View.TO_DO)
    return view, tidy_line(request.args.get("q", ""))[:40], request.args.get("tri", "echeance")


def _answered(notice):
    """Back to the inbox with a sentence that names only the notice's number (decision 1)."""
    flash(f"Réponse confirmée pour l’avis n° {pages.number_of(notice)}\u00a0: elle part vers l’ANTAI.")
    return redirect(url_for("fines.inbox"))


def _render(notice_id: UUID, *, chosen: str | None = None, **forms):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    wanted = request.args.get("conducteur", "") if chosen is None else chosen
    page = pages.read_page(g.actor, reading(), notice, wanted, clock.now())
    search = tidy_line(request.args.get("cherche", ""))[:80]
    refused = next(iter(forms.values()), None)
    return render_form(
        "fines/notice.html",
        refused if refused is not None else ReopenForm(),
        page=page,
        search=search,
        found=pages.find_candidates(g.actor, reading(), search),
        is_new=wanted == pages.NEW_DRIVER,
        designation=forms.get("designation") or pages.designation_form(page),
        impossibility=forms.get("impossibility") or pages.impossibility_form(page),
        filing=forms.get("filing") or FilingForm(formdata=None),
        words=WORDS,
        Why=Why,
    )
