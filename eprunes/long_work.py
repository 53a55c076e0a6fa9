"""The job that carries out the long tasks of every room: imports and bulk operations."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from eprunes.accounts.queries import living_organisations
from eprunes.accounts.retention import has_ended
from eprunes.core import jobs, work
from eprunes.fines.bulk import steps as designations
from eprunes.fleet.bulk import steps as bulk
from eprunes.fleet.importing import steps as importing

HANDLERS = {
    importing.KIND: importing.HANDLER,
    bulk.KIND: bulk.HANDLER,
    designations.KIND: designations.HANDLER,
}


def run_long_work(as_of: datetime) -> Mapping[str, int]:
    """Prepare and apply every task that is due, and remove the expired ones. Harmless when repeated.

    After the end of a contract (C3.4) nothing is begun any more.
    """
    ended = {one.id: has_ended(one.contract_ends_on, as_of) for one in living_organisations()}

    def run(organisation_id: UUID) -> Mapping[str, int]:
        if ended[organisation_id]:
            return {"removed": work.remove_expired(organisation_id, as_of)}
        return work.run_due(organisation_id, HANDLERS, as_of)

    return jobs.per_organisation(ended, run)
