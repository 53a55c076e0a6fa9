"""The client's administrator: users and contract, journal."""

from flask import g, render_template, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.admin import handover_views, user_views  # noqa: F401 - routes
from eprunes.admin.blueprint import blueprint, in_admin
from eprunes.admin.journal_export import journal_workbook, signed_head
from eprunes.admin.journal_search import families, family_in_words, journal_args, read_journal, read_journal_search
from eprunes.admin.journal_words import SUBJECTS
from eprunes.core import clock
from eprunes.core.web import XLSX, download, downloads, reading


@blueprint.get("/administration/journal")
@requires(Permission.ADMINISTER)
@in_admin
def journal():
    search = read_journal_search(request.args)
    found = read_journal(reading(), g.actor, search, request.args.get("page", ""), clock.now())
    choices = {"families": families(), "family_in_words": family_in_words, "subjects": SUBJECTS}
    return render_template("admin/journal.html", journal=found, search=search, args=journal_args(search), **choices)


@blueprint.get("/administration/journal/export.xlsx")
@requires(Permission.ADMINISTER, confirmed=True)
@downloads
def export_journal():
    search = read_journal_search(request.args)
    return download(journal_workbook(g.actor, reading(), search, clock.now()), "journal.xlsx", XLSX)


@blueprint.get("/administration/journal/empreinte.json")
@requires(Permission.ADMINISTER)
@downloads
def journal_head():
    return download(signed_head(reading(), clock.now()), "empreinte-du-journal.json", "application/json")
