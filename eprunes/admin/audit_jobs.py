"""The journal's jobs: chain what waits each minute; each night sign the heads and erase old connection data."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from eprunes.accounts.queries import living_organisations
from eprunes.core.audit import erase_connections
from eprunes.core.audit_chain import chain_pending
from eprunes.core.audit_seals import keep_head
from eprunes.core.jobs import per_organisation


def chain_entries(as_of: datetime) -> Counter:
    """Link the entries that were appended without waiting for a lock: views, exports, sign-ins."""
    return per_organisation(_organisation_ids(), lambda one: {"chained": chain_pending(one)})


def upkeep(as_of: datetime) -> Counter:
    """Sign the head of every client's journal, once a day, and erase connection data after twelve months (C11)."""
    return per_organisation(_organisation_ids(), lambda one: _keep(one, as_of))


def _keep(organisation_id: UUID, as_of: datetime) -> dict[str, int]:
    return {
        "chained": chain_pending(organisation_id),
        "signed": keep_head(organisation_id, as_of),
        "connections_erased": erase_connections(organisation_id, as_of),
    }


def _organisation_ids() -> list[UUID]:
    return [one.id for one in living_organisations()]
