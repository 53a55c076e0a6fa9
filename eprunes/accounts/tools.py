"""Which tools an organisation has on a day, from its order forms (C4.1-b, decision 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from eprunes.accounts.models import OrderForm
from eprunes.accounts.retention import DEFAULT, RetentionPolicy


@dataclass(frozen=True)
class Tools:
    """`fines` is contracted now; `live_notices` also covers notices still in their window after the tool was
    dropped; `archive` is true once the tool was ever contracted."""

    fleet: bool
    fines: bool
    live_notices: bool
    archive: bool


NO_TOOLS = Tools(fleet=False, fines=False, live_notices=False, archive=False)


def tools_on(forms: Sequence[OrderForm], day: date, policy: RetentionPolicy = DEFAULT) -> Tools:
    """The tools on a Paris day, given all order forms of the organisation."""
    past = sorted((form for form in forms if form.effective_from <= day), key=lambda f: (f.effective_from, f.id))
    if not past:
        return NO_TOOLS
    in_force = past[-1]
    dropped_on = _fines_dropped_on(past)
    window = timedelta(days=policy.shared_days)
    return Tools(
        fleet=in_force.fleet_tool,
        fines=in_force.fines_tool,
        live_notices=in_force.fines_tool or (dropped_on is not None and day <= dropped_on + window),
        archive=any(form.fines_tool for form in past),
    )


def _fines_dropped_on(past: Sequence[OrderForm]) -> date | None:
    """The first day of the last run of order forms without the fines tool, if one with it came before."""
    dropped_on = None
    for before, after in zip(past, past[1:], strict=False):
        if before.fines_tool and not after.fines_tool:
            dropped_on = after.effective_from
    return dropped_on
