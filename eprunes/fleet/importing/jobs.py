"""The job that carries out long tasks."""

from collections.abc import Mapping
from datetime import datetime

from eprunes.accounts.queries import living_organisations
from eprunes.accounts.retention import has_ended
from eprunes.core import jobs, work
from eprunes.fleet.importing import steps

HANDLERS = {steps.KIND: steps.HANDLER}


def run_long_work(as_of: datetime) -> Mapping[str, int]:
    """Prepare and apply every task that is due, and remove the expired ones. Harmless when repeated.

    After the end of a contract (C3.4) nothing is begun any more.
    """
    ids = [one.id for one in living_organisations() if not has_ended(one.contract_ends_on, as_of)]
    return jobs.per_organisation(ids, lambda organisation_id: work.run_due(organisation_id, HANDLERS, as_of))
