"""The connector's jobs: declare and withdraw vehicles, fetch offences, send answers."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from eprunes.accounts.queries import living_organisations
from eprunes.antai import declaring, fetching, sending
from eprunes.antai.client import AgencyUnavailable, agency
from eprunes.core.jobs import FAILED, per_organisation

UNAVAILABLE = "agency_unavailable"


def declare_vehicles(as_of: datetime) -> Counter:
    """Make each client's new vehicles known and withdraw those that left. What was not acknowledged stays due:
    for vehicles that the agency refuses, at the next run; for withdrawals, this one counts as failed."""
    client = agency()
    clients = {one.id: one for one in living_organisations()}

    def step(organisation_id: UUID) -> Counter:
        organisation = clients[organisation_id]
        convention = declaring.has_convention(organisation, as_of)
        counts = declaring.withdraw_gone(organisation, client, convention, as_of)
        if convention:
            counts.update(declaring.declare_new(organisation, client, as_of))
        return counts

    counts = per_organisation(clients, step)
    try:
        counts.update(declaring.withdraw_purged(client, as_of))
    except AgencyUnavailable as error:
        declaring.log.warning("plates of purged clients not withdrawn: %s", error)
        counts[FAILED] += 1
    counts[FAILED] += counts["not_withdrawn"]
    return counts


def fetch_notices(as_of: datetime) -> Counter:
    """Read the agency's waiting offences and store what is new."""
    try:
        return fetching.fetch(agency(), as_of)
    except AgencyUnavailable as error:
        fetching.log.warning("fetch stopped: %s", error)
        return Counter({UNAVAILABLE: 1, FAILED: 1})


def send_answers(as_of: datetime) -> Counter:
    """Send every client's due answers, those of ended contracts included (decision 9)."""
    client = agency()
    return per_organisation(
        [one.id for one in living_organisations()],
        lambda organisation_id: sending.send_due(organisation_id, client, as_of),
    )
