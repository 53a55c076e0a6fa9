"""How long a client's data stay open, and from when they are destroyed (*durées de conservation*).

Source: service contract, articles 3.4, 4.3 and 12.3. All windows close at 24:00 Europe/Paris, wherever the
client or the offence is. Each `*_until` has its `*_cutoff`, the same rule turned round for queries.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from eprunes.core.calendar import add_months, earliest_day_reaching, end_of_day, paris_day


@dataclass(frozen=True)
class RetentionPolicy:
    """The durations in force for one client (*durées de conservation*)."""

    shared_days: int = 45
    archive_months: int = 12
    purge_after_end_months: int = 1


DEFAULT = RetentionPolicy()


def shared_until(posted_at: datetime, policy: RetentionPolicy) -> datetime:
    """When a notice without an answer closes to all but the administrator.

    24:00 in Paris of the Paris day of posting + 45.
    """
    return end_of_day(last_shared_day(paris_day(posted_at), policy))


def last_shared_day(posted_on: date, policy: RetentionPolicy) -> date:
    """The last Paris day on which a notice without an answer is open to all who have the right; `posted_on`: the Paris
    day of its posting."""
    return posted_on + timedelta(days=policy.shared_days)


def archived_until(offence_local_day: date, policy: RetentionPolicy) -> datetime:
    """When a notice closes to the administrator too.

    24:00 in Paris of the offence's local day + 12 months.
    """
    return end_of_day(add_months(offence_local_day, policy.archive_months))


def destroyed_from(posted_at: datetime, offence_local_day: date, answered: bool, policy: RetentionPolicy) -> datetime:
    """The instant from which a notice is destroyed.

    Without an answer it stays until both windows have closed. An answer that the agency refused counts as
    none. An answer in flight (`fines.answering.IN_FLIGHT`) forbids destruction whatever this says.
    """
    archive_end = archived_until(offence_local_day, policy)
    if answered:
        return archive_end
    return max(shared_until(posted_at, policy), archive_end)


def shared_cutoff(as_of: datetime, policy: RetentionPolicy) -> date:
    """The earliest Paris day of posting whose shared window is still open at `as_of`."""
    return paris_day(as_of) - timedelta(days=policy.shared_days)


def archive_cutoff(as_of: datetime, policy: RetentionPolicy) -> date:
    """The earliest local day of offence whose archive is still open at `as_of`."""
    return earliest_day_reaching(paris_day(as_of), policy.archive_months)


def access_ends_at(contract_ends_on: date) -> datetime:
    """When everything becomes unreachable: 24:00 in Paris of the contract's last day."""
    return end_of_day(contract_ends_on)


def has_ended(contract_ends_on: date | None, as_of: datetime) -> bool:
    """True from 24:00 in Paris of the contract's last day; a contract without an end date goes on."""
    return contract_ends_on is not None and as_of >= access_ends_at(contract_ends_on)


def purge_due_on(contract_ends_on: date, policy: RetentionPolicy) -> datetime:
    """The instant from which all that is left of the client is destroyed.

    24:00 in Paris of the contract's last day + 1 month.
    """
    return end_of_day(add_months(contract_ends_on, policy.purge_after_end_months))
