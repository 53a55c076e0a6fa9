"""The privacy room's jobs: the retention sweep and the purge one month after a contract's end."""

from collections import Counter
from datetime import datetime

from eprunes.accounts.queries import living_organisations
from eprunes.antai import review
from eprunes.core.database import truncate_wal
from eprunes.core.jobs import per_organisation
from eprunes.privacy import purging, sweeping


def retention_sweep(as_of: datetime) -> Counter:
    """Destroy, for every client, what its windows no longer allow to keep."""
    ids = [one.id for one in living_organisations()]
    counts = per_organisation(ids, lambda organisation_id: sweeping.sweep(organisation_id, as_of))
    counts["orphan_keys"] += review.destroy_orphan_keys(as_of)
    counts["wal_truncated"] = int(truncate_wal())
    return counts


def contract_end_purge(as_of: datetime) -> Counter:
    """Destroy everything of clients whose contract ended a month ago."""
    due = [one.id for one in living_organisations() if purging.is_due(one, as_of)]
    counts = per_organisation(due, lambda organisation_id: purging.purge(organisation_id, as_of))
    counts["plates_forgotten"] = purging.forget_acknowledged_plates(as_of)
    if due:
        counts["wal_truncated"] = int(truncate_wal())
    return counts
