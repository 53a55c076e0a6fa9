"""The client's administrator: users and contract, journal."""

from flask import Blueprint, g, render_template, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.admin.journal import words_for
from eprunes.admin.queries import read_account, visible_journal
from eprunes.core import clock
from eprunes.core.audit import AuditEntry
from eprunes.core.paging import count_of, read_page
from eprunes.core.web import in_section, reading

blueprint = Blueprint("admin", __name__)
in_admin = in_section("admin.users")


@blueprint.get("/administration")
@requires(Permission.ADMINISTER)
@in_admin
def users():
    return render_template("admin/users.html", account=read_account(g.actor, reading(), clock.now()))


@blueprint.get("/administration/journal")
@requires(Permission.ADMINISTER)
@in_admin
def journal():
    session, query = reading(), visible_journal(g.actor)
    page = read_page(session, query, AuditEntry, ("at",), cursor=request.args.get("page", ""), descending=True)
    names = {user.id: user.display_name for user in read_account(g.actor, session, clock.now()).users}
    return render_template(
        "admin/journal.html", page=page, found=count_of(session, query), names=names, words_for=words_for
    )
