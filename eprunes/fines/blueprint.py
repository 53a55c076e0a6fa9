"""The blueprint of the fines tool, and what all its pages know."""

from flask import Blueprint, g

from eprunes.accounts.permissions import Permission
from eprunes.core.web import in_section
from eprunes.fines.answering import FilingReason, ImpossibilityReason

blueprint = Blueprint("fines", __name__)
blueprint.app_context_processor(
    lambda: {
        "reasons": list(ImpossibilityReason),
        "reason_labels": {one.value: one.requirements.label for one in ImpossibilityReason},
        "filing_labels": {one.value: one.label for one in FilingReason},
    }
)
blueprint.context_processor(
    lambda: {
        "may_answer": bool(g.actor) and g.actor.may(Permission.ANSWER_NOTICES),
        "may_export": bool(g.actor) and g.actor.may(Permission.EXPORT_NOTICES),
    }
)
in_inbox = in_section("fines.inbox")
