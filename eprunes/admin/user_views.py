"""The administrator's pages on users: who they are, inviting, rights, and the acts of `user_acts`."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for

from eprunes.accounts.people import read_people, read_person
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import invitations, users
from eprunes.admin import user_acts
from eprunes.admin.blueprint import blueprint, in_admin
from eprunes.admin.queries import read_account
from eprunes.admin.user_acts import ACTS
from eprunes.admin.user_forms import ActForm, InviteForm, RightsForm
from eprunes.core import clock
from eprunes.core.web import reading, refusals_on, render_form

_WORDS = ", ".join(f'"{word}"' for word in ACTS)


@blueprint.get("/administration", endpoint="users")
@requires(Permission.ADMINISTER)
@in_admin
def list_users():
    account = read_account(g.actor, reading(), clock.now())
    return render_template("admin/users.html", account=account, people=read_people(g.actor, reading(), clock.now()))


@blueprint.get("/administration/utilisateurs/<uuid:user_id>")
@requires(Permission.ADMINISTER)
@in_admin
def user(user_id: UUID):
    person = read_person(g.actor, reading(), user_id, clock.now())
    return render_template("admin/user.html", person=person, acts=user_acts.offered(person))


@blueprint.route("/administration/utilisateurs/inviter", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, confirmed=True)
@in_admin
def invite():
    form, tools = InviteForm(), read_account(g.actor, reading(), clock.now()).tools
    if form.validate_on_submit():
        with refusals_on(form):
            who = form.email.data, form.display_name.data
            invitations.invite(g.actor, *who, form.fleet.data, form.fines.data, clock.now())
            flash("Invitation envoyée.")
            return redirect(url_for("admin.users"))
    return render_form("admin/invite.html", form, tools=tools)


@blueprint.route("/administration/utilisateurs/<uuid:user_id>/droits", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, confirmed=True)
@in_admin
def change_rights(user_id: UUID):
    person = read_person(g.actor, reading(), user_id, clock.now())
    form = RightsForm(fleet=person.user.fleet_right, fines=person.user.fines_right)
    if form.validate_on_submit():
        with refusals_on(form):
            users.change_rights(g.actor, user_id, form.fleet.data, form.fines.data, clock.now())
            flash("Droits enregistrés\u00a0: ils valent dès maintenant.")
            return redirect(url_for("admin.user", user_id=user_id))
    tools = read_account(g.actor, reading(), clock.now()).tools
    return render_form("admin/rights.html", form, person=person, tools=tools)


@blueprint.route(f"/administration/utilisateurs/<uuid:user_id>/<any({_WORDS}):word>", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, confirmed=True)
@in_admin
def act_on_user(user_id: UUID, word: str):
    person, form = read_person(g.actor, reading(), user_id, clock.now()), ActForm()
    act = user_acts.for_person(word, person)
    if form.validate_on_submit():
        with refusals_on(form):
            act.do(g.actor, user_id, clock.now())
            flash(act.done)
            return redirect(url_for("admin.users"))
    return render_form("admin/act.html", form, person=person, act=act)
