"""Holding a list of notice numbers against what the platform knows."""

from flask import g, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import XLSX, download, downloads, reading, refusals_on, render_form
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.paper import reconciling
from eprunes.fines.paper.reconciling import WORDS, counted_words
from eprunes.fines.paper.typed_forms import ReconcileForm


@blueprint.route("/contraventions/rapprocher", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def reconcile():
    form, lines = ReconcileForm(), None
    if form.validate_on_submit():
        with refusals_on(form):
            lines = reconciling.reconcile(g.actor, reading(), _given(form), clock.now())
    return render_form("fines/reconcile.html", form, lines=lines, words=WORDS, counted_words=counted_words)


@blueprint.post("/contraventions/rapprocher.xlsx")
@requires(Permission.EXPORT_NOTICES)
@downloads
def export_reconciled():
    form = ReconcileForm()
    with refusals_on(form):
        lines = reconciling.reconcile(g.actor, reading(), _given(form), clock.now())
        return download(reconciling.workbook_of(lines), "verification-avis.xlsx", XLSX)
    return render_form("fines/reconcile.html", form, lines=None, words=WORDS, counted_words=counted_words)


def _given(form: ReconcileForm) -> list[str]:
    """The numbers pasted, and those of the file."""
    sent = request.files.get("file")
    pasted = reconciling.numbers_in(form.numbers.data or "")
    if sent is None or not sent.filename:
        return pasted
    content = sent.read(reconciling.LARGEST_BYTES + 1)
    return pasted + reconciling.numbers_of_file(content, sent.filename)
