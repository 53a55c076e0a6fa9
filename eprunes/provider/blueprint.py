"""The blueprint of the operator's pages."""

from flask import Blueprint, g

from eprunes.accounts.services import visits

blueprint = Blueprint("provider", __name__)
blueprint.app_context_processor(lambda: {"current_visit": lambda: visits.current_visit(g.actor)})
