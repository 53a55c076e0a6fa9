"""The places of the order form as the fleet's pages show them, before they run out (C4.1-a)."""

from dataclasses import dataclass
from datetime import datetime

from eprunes.accounts import quota
from eprunes.core.database import TenantSession

NEAR_PERCENT = 90


@dataclass(frozen=True)
class Places:
    """How many vehicles count, and how many the order form in force allows."""

    used: int
    allowed: int

    @property
    def is_full(self) -> bool:
        return self.used >= self.allowed

    @property
    def is_nearly_full(self) -> bool:
        return self.used * 100 >= self.allowed * NEAR_PERCENT

    @property
    def left(self) -> int:
        return max(self.allowed - self.used, 0)


def read_places(session: TenantSession, as_of: datetime) -> Places:
    """The places of an organisation at an instant."""
    return Places(*quota.usage(session, as_of))
