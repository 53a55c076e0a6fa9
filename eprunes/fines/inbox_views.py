"""The inbox: its views, and the workbook or CSV file of what they show."""

from flask import g, render_template, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import CSV, XLSX, download, downloads, reading
from eprunes.fines import exports, inbox, inbox_filters
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.inbox_filters import (
    VIEW_WORDS,
    NoticeSearch,
    chosen_filters,
    notice_search_args,
    read_notice_search,
    search_problems,
)
from eprunes.fines.notice_counts import views_of
from eprunes.fines.proposals import Why
from eprunes.fines.queries import View
from eprunes.fines.services import looking

blueprint.context_processor(
    lambda: {
        "View": View,
        "view_words": VIEW_WORDS,
        "notice_args": notice_search_args,
        "notice_choices": inbox_filters,
        "Why": Why,
    }
)


@blueprint.get("/contraventions", endpoint="inbox")
@requires(Permission.VIEW_NOTICES)
@in_inbox
def inbox_list():
    search, as_of, session = _asked(), clock.now(), reading()
    listed = inbox.read_inbox(session, g.actor, search, request.args.get("page", ""), as_of)
    g.notices_to_do = listed.to_do
    found, is_searched = listed.found.number, search.is_narrowed
    looking.note_list_seen(g.actor, view=search.view, found=found, is_searched=is_searched, as_of=as_of)
    filters = chosen_filters(search, listed.choices.offences)
    shown = {"filters": filters, "problems": search_problems(request.args, search)}
    return render_template("fines/inbox.html", search=search, listed=listed, choices=listed.choices, **shown)


@blueprint.get("/contraventions/export.xlsx")
@requires(Permission.EXPORT_NOTICES, confirmed=True)
@downloads
def export():
    search = _asked()
    content = exports.notices_workbook(g.actor, reading(), search, clock.now())
    return download(content, f"contraventions-{search.view}.xlsx", XLSX)


@blueprint.get("/contraventions/export.csv")
@requires(Permission.EXPORT_NOTICES, confirmed=True)
@downloads
def export_csv():
    search = _asked()
    content = exports.notices_csv(g.actor, reading(), search, clock.now())
    return download(content, f"contraventions-{search.view}.csv", CSV)


def _asked() -> NoticeSearch:
    return read_notice_search(request.args, views_of(g.actor))
