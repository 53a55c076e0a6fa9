"""The home page: what has to be done today, by right."""

from flask import Blueprint, render_template

from eprunes.accounts.permissions import Permission, requires

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@requires(Permission.ENTER)
def home():
    return render_template("home/home.html")
