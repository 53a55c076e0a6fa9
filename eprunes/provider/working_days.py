"""Working days of the provider: Monday to Friday, French public holidays left out."""

from datetime import datetime, timedelta

import holidays

from eprunes.core.calendar import PARIS

_HOLIDAYS = holidays.country_holidays("FR")
_SATURDAY = 5


def before(instant: datetime, days: int) -> datetime:
    """The instant that lies so many working days earlier, at the same Paris hour."""
    local = instant.astimezone(PARIS)
    while days > 0:
        local -= timedelta(days=1)
        if local.weekday() < _SATURDAY and local.date() not in _HOLIDAYS:
            days -= 1
    return local.astimezone(instant.tzinfo)
