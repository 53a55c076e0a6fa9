"""The inbox: its views, and the workbook of what they show."""

from flask import g, render_template, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.texts import tidy_line
from eprunes.core.web import XLSX, download, downloads, reading
from eprunes.fines import exports, inbox
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.proposals import Why
from eprunes.fines.queries import View
from eprunes.fines.services import looking

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
    looking.note_list_seen(g.actor, view=view, found=shown, is_searched=bool(search), as_of=as_of)
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


def _asked() -> tuple[View, str, str]:
    wanted = request.args.get("vue", "")
    view = next((one for one in inbox.views_of(g.actor) if one == wanted), View.TO_DO)
    return view, tidy_line(request.args.get("q", ""))[:40], request.args.get("tri", "echeance")
