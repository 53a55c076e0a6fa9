"""The exchanges with ANTAI, as the fleet's users see them."""

from flask import Blueprint, g, render_template

from eprunes.accounts.permissions import Permission, requires
from eprunes.antai.queries import read_exchanges
from eprunes.core import clock
from eprunes.core.web import in_section, reading

blueprint = Blueprint("antai", __name__)


@blueprint.get("/antai")
@requires(Permission.VIEW_FLEET)
@in_section("antai.exchanges")
def exchanges():
    return render_template("antai/exchanges.html", exchanges=read_exchanges(g.actor, reading(), clock.now()))
