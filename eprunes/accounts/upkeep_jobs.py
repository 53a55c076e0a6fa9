"""Jobs on a client's people: upkeep of accounts, hand-overs that fall due."""

from collections import Counter
from datetime import datetime

from eprunes.accounts import upkeep
from eprunes.accounts.queries import living_organisations
from eprunes.accounts.services import handovers, second_factors
from eprunes.core.jobs import per_organisation


def accounts_upkeep(as_of: datetime) -> Counter:
    """Destroy accounts deleted for 30 days, links that open nothing any more, keys whose account is gone."""
    ids = [one.id for one in living_organisations()]
    counts = per_organisation(ids, lambda one: {"accounts_destroyed": upkeep.purge_deleted_users(one, as_of)})
    counts["links_destroyed"] = upkeep.purge_spent_links(as_of)
    counts["orphan_keys"] = second_factors.destroy_orphan_keys(as_of)
    return counts


def settle_handovers(as_of: datetime) -> Counter:
    """Make announced hand-overs effective once due, and close those that came to nothing."""
    ids = [one.id for one in living_organisations()]
    return per_organisation(ids, lambda one: _settled(handovers.settle(one, as_of)))


def _settled(outcome: str | None) -> dict[str, int]:
    if outcome is None:
        return {}
    return {"handed_over": 1} if outcome == "effective" else {"handovers_closed": 1}
