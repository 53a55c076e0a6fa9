"""What the operator decides about records to examine."""

from datetime import datetime
from uuid import UUID

from eprunes.antai import fetching, review


def replay(record_id: UUID, as_of: datetime) -> bool:
    """Try a record again as if it had just come in; True when it found its client and left the list.

    Raises NotVisible when it does not wait any more.
    """
    record, raw = review.opened(record_id)
    counts = fetching.take_in([raw], fetching.clients_with_convention(as_of), as_of)
    if not (counts["new"] or counts["known"] or counts["destroyed"]):
        return False
    review.settle(record.id, review.STORED, as_of)
    return True


def dismiss(record_id: UUID, as_of: datetime) -> None:
    """Put a record aside for good, on an operator's decision. Raises NotVisible as `replay` does."""
    record, _ = review.opened(record_id)
    review.settle(record.id, review.DISMISSED, as_of)
