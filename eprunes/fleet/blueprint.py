"""The blueprint of the fleet pages, with the words and filters that its templates use."""

from dataclasses import dataclass
from typing import TypeVar

from babel.dates import format_date
from flask import Blueprint, abort, current_app, g

from eprunes.accounts.permissions import Permission
from eprunes.core import clock
from eprunes.core.web import in_section
from eprunes.core.wording import LOCALE
from eprunes.fleet import vehicle_filters, wording
from eprunes.fleet.driver_rules import doubts, has_unusual_licence, shown_phone
from eprunes.fleet.driver_search import driver_search_args, is_gone
from eprunes.fleet.local_times import DOUBLED_HOUR_HINT, absence_text, end_text, holding_text, period_text, typed_end
from eprunes.fleet.timeline import gap_text, hours_text, period_args
from eprunes.fleet.vehicle_rules import has_unusual_formula, lacks_lessor
from eprunes.fleet.vehicle_search import chosen_filters, vehicle_search_args

Row = TypeVar("Row")

blueprint = Blueprint("fleet", __name__)


@dataclass(frozen=True)
class Tab:
    """One of the pages of a vehicle or of a driver, all opened by its id, and what its reader needs besides."""

    endpoint: str
    label: str
    icon: str
    permission: Permission = Permission.VIEW_FLEET


VEHICLE_TABS = [
    Tab("fleet.vehicle", "Attributions", "clock-history"),
    Tab("fleet.vehicle_month", "Calendrier", "calendar3"),
    Tab("fleet.vehicle_documents", "Documents", "paperclip"),
    Tab("fleet.vehicle_due_dates", "Échéances", "calendar-check"),
]
DRIVER_TABS = [
    Tab("fleet.driver", "Fiche", "person-vcard"),
    Tab("fleet.driver_month", "Calendrier", "calendar3"),
    Tab("fleet.driver_documents", "Documents", "paperclip"),
    Tab("fleet.driver_due_dates", "Échéances", "calendar-check"),
]
FILTERS = {
    "end_instant": lambda value: end_text(value, g.actor.zone) if value else "",
    "start_day": lambda value: f"{value.astimezone(g.actor.zone):%d/%m/%Y}",
    "end_day": lambda value: f"{typed_end(value, g.actor.zone)[0]:%d/%m/%Y}",
    "period": lambda one: period_text(one.starts_at, one.ends_at, g.actor.zone, clock.now()),
    "holding": lambda one: holding_text(one.starts_at, one.ends_at, g.actor.zone, clock.now()),
    "month_day": lambda value: format_date(value, "EEE d MMM", locale=LOCALE),
    "hours": lambda stretch: hours_text(stretch, g.actor.zone),
    "phone": shown_phone,
}
for name, shown in FILTERS.items():
    blueprint.add_app_template_filter(shown, name)
blueprint.context_processor(
    lambda: {
        "words": wording,
        "vehicle_tabs": vehicle_tabs(),
        "driver_tabs": DRIVER_TABS,
        "vehicle_args": vehicle_search_args,
        "vehicle_choices": vehicle_filters,
        "chosen_filters": chosen_filters,
        "gap_words": lambda gap, as_of: gap_text(gap, as_of, g.actor.zone),
        "gap_args": period_args,
        "absence_words": lambda one: absence_text(one.left_at, one.back_at, g.actor.zone),
        "driver_args": driver_search_args,
        "is_gone": is_gone,
        "has_unusual_licence": has_unusual_licence,
        "doubts": doubts,
        "has_unusual_formula": has_unusual_formula,
        "lacks_lessor": lacks_lessor,
        "hour_hint": DOUBLED_HOUR_HINT,
        "may_edit": bool(g.actor) and g.actor.may(Permission.EDIT_FLEET),
        "may_export": bool(g.actor) and g.actor.may(Permission.EXPORT_FLEET),
    }
)
blueprint.app_context_processor(lambda: {"declaration": declaration_words()})
in_vehicles = in_section("fleet.vehicles")
in_drivers = in_section("fleet.drivers")


def vehicle_tabs() -> list[Tab]:
    """The pages of a vehicle that the actor may open; other rooms add theirs to VEHICLE_TABS."""
    return [one for one in VEHICLE_TABS if g.actor and g.actor.may(one.permission)]


def vehicle_page_words() -> dict[str, object]:
    """What the frame of a vehicle's pages says, for the page that another room puts in it."""
    return {"words": wording, "vehicle_tabs": vehicle_tabs(), "may_edit": g.actor.may(Permission.EDIT_FLEET)}


def declaration_words() -> dict[str, str]:
    """When the agency is told what entered and left the fleet; a demo does not wait for the night."""
    if current_app.extensions["eprunes_settings"].demo:
        return {"next": "dans la minute", "following": "dans la minute qui suit", "each": "chaque minute"}
    return {"next": "la nuit prochaine", "following": "la nuit suivante", "each": "chaque nuit"}


def found(row: Row | None) -> Row:
    """The row, or the answer of a page that does not exist."""
    return abort(404) if row is None else row
