"""The operator's desk for accounts: found by a whole address; every look and every act is traced for the client."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import blocking, handovers, second_factors
from eprunes.core import clock
from eprunes.core.web import in_section, refusals_on, render_form
from eprunes.provider import services
from eprunes.provider.account_forms import AccountSearchForm, BlockForm, SuccessionForm, UnblockForm
from eprunes.provider.account_queries import Account, find_account, read_account, read_succession
from eprunes.provider.blueprint import blueprint
from eprunes.provider.forms import ConfirmForm

in_accounts = in_section("provider.accounts")


@blueprint.route("/exploitation/comptes", methods=["GET", "POST"])
@requires(Permission.OPERATE)
@in_accounts
def accounts():
    form = AccountSearchForm()
    if form.validate_on_submit():
        with refusals_on(form):
            return _to_account(find_account(form.email.data))
    return render_form("provider/accounts.html", form)


@blueprint.get("/exploitation/comptes/<uuid:identity_id>")
@requires(Permission.OPERATE)
@in_accounts
def account(identity_id: UUID):
    return render_template("provider/account.html", account=_looked_at(identity_id))


@blueprint.route("/exploitation/comptes/<uuid:identity_id>/bloquer", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_accounts
def block_account(identity_id: UUID):
    found, form = read_account(identity_id, clock.now()), BlockForm()
    if form.validate_on_submit():
        with refusals_on(form):
            blocking.block_account(g.actor, identity_id, clock.now(), form.reason.data)
            flash("Compte bloqué\u00a0: ses sessions sont fermées.")
            return _to_account(identity_id)
    return render_form("provider/block.html", form, account=found)


@blueprint.route("/exploitation/comptes/<uuid:identity_id>/debloquer", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_accounts
def unblock_account(identity_id: UUID):
    found, form = read_account(identity_id, clock.now()), UnblockForm()
    if form.validate_on_submit():
        with refusals_on(form):
            blocking.unblock_account(g.actor, identity_id, clock.now(), form.reason.data)
            flash("Compte débloqué.")
            return _to_account(identity_id)
    return render_form("provider/unblock.html", form, account=found)


@blueprint.route("/exploitation/comptes/<uuid:identity_id>/double-authentification", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_accounts
def lift_second_factor(identity_id: UUID):
    found, form = read_account(identity_id, clock.now()), ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            second_factors.remove_for_account(g.actor, identity_id, clock.now())
            flash("Double authentification levée\u00a0: la personne en mettra une autre en place.")
            return _to_account(identity_id)
    return render_form("provider/second_factor.html", form, account=found)


@blueprint.route("/exploitation/clients/<uuid:organisation_id>/passation", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_section("provider.clients")
def succession(organisation_id: UUID):
    found, form = read_succession(organisation_id, clock.now()), SuccessionForm()
    form.to_user_id.choices = [(str(one.id), f"{one.display_name} ({one.email})") for one in found.candidates]
    if form.validate_on_submit():
        with refusals_on(form):
            chosen, proof = UUID(form.to_user_id.data), form.proof.data
            handovers.start_proven(g.actor, organisation_id, chosen, proof, clock.now())
            flash("Passation annoncée à tous les utilisateurs du client.")
            return redirect(url_for("provider.succession", organisation_id=organisation_id))
    services.note_look(g.actor, organisation_id, ("client", organisation_id), clock.now())
    return render_form("provider/succession.html", form, succession=found)


@blueprint.post("/exploitation/clients/<uuid:organisation_id>/passation/annuler")
@requires(Permission.OPERATE, confirmed=True)
@in_section("provider.clients")
def cancel_succession(organisation_id: UUID):
    handovers.cancel_proven(g.actor, organisation_id, clock.now())
    flash("Passation annulée.")
    return redirect(url_for("provider.succession", organisation_id=organisation_id))


def _to_account(identity_id: UUID):
    return redirect(url_for("provider.account", identity_id=identity_id))


def _looked_at(identity_id: UUID) -> Account:
    """An account, whose client is told that an operator looked at it."""
    found = read_account(identity_id, clock.now())
    subject = "utilisateur", found.identity.user_id
    services.note_look(g.actor, found.identity.organisation_id, subject, clock.now())
    return found
