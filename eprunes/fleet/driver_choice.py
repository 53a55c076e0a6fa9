"""Naming a driver on a form by a few words: name, first name, staff number or a piece of them."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.paging import count_of
from eprunes.core.refusals import Refused
from eprunes.fleet.assignment_forms import DriverChoice
from eprunes.fleet.driver_search import DriverSearch, searched_drivers
from eprunes.fleet.names import DriverName, named, names_by_id, words_of
from eprunes.fleet.queries import visible_drivers

MOST_SUGGESTED = 1_000
MOST_OFFERED = 20


def suggested_drivers(session: TenantSession, actor: Actor, today: date) -> list[str]:
    """The labels that the browser may complete from; none in a company with too many drivers for that."""
    present = searched_drivers(actor, DriverSearch(), today)
    if count_of(session, present) > MOST_SUGGESTED:
        return []
    return [one.label for one in sorted(named(session, actor, present), key=lambda one: one.folded)]


def named_driver(session: TenantSession, actor: Actor, args: Mapping[str, str]) -> str:
    """The label of the driver whom an address names by `conducteur`; empty for anything else."""
    try:
        driver_id = UUID(args.get("conducteur", ""))
    except ValueError:
        return ""
    names = names_by_id(session, actor, [driver_id])
    return names[driver_id].label if driver_id in names else ""


def chosen_driver(session: TenantSession, actor: Actor, form: DriverChoice) -> UUID:
    """The one driver that the form names. Raises Refused, with those to choose from put on the form."""
    text = form.driver.data or ""
    found = _matching(session, actor, text)
    if not found:
        raise Refused(f"Aucun conducteur ne correspond à «\u00a0{text.strip()[:60]}\u00a0».", "driver")
    picked = [one for one in found if str(one.id) == form.driver_id.data]
    exact = [one for one in found if _is_exactly(one, text)]
    for sure in (picked, exact, found):
        if len(sure) == 1:
            return sure[0].id
    form.offer(sorted(found, key=lambda one: one.folded)[:MOST_OFFERED])
    if len(found) > MOST_OFFERED:
        raise Refused(f"{len(found)} conducteurs correspondent\u00a0: précisez, ou choisissez ci-dessous.", "driver")
    raise Refused(f"{len(found)} conducteurs correspondent\u00a0: choisissez ci-dessous.", "driver")


def _matching(session: TenantSession, actor: Actor, text: str) -> list[DriverName]:
    words = words_of(text)
    return named(session, actor, visible_drivers(actor), words) if words else []


def _is_exactly(one: DriverName, text: str) -> bool:
    """True when the text is the whole name, the whole label or the whole staff number."""
    words = sorted(words_of(text))
    return words in (sorted(words_of(one.name)), sorted(words_of(one.label)), words_of(one.staff_number or ""))
