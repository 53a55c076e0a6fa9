"""In whose name long work of the fleet is done: a person whose rights are looked at again when it is."""

from datetime import datetime

from eprunes.accounts.authors import author
from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.work import Claim

NOT_ALLOWED = "Le compte qui a demandé cette opération ne permet plus de modifier le parc."


def fleet_author(claim: Claim, as_of: datetime) -> Actor | None:
    """Whoever asked, or agreed last, if they may still change the fleet."""
    found = author(claim.organisation_id, claim.author_id, as_of)
    return found if found is not None and found.may(Permission.EDIT_FLEET) else None
