"""Which tools a contract has on a day: the last effective order form rules, and a dropped tool leaves a tail."""

from datetime import date, timedelta

import pytest

from eprunes.accounts.models import OrderForm
from eprunes.accounts.tools import NO_TOOLS, Tools, tools_on
from eprunes.core.database import new_id

START = date(2026, 1, 1)
CHANGE = date(2026, 4, 1)


def form(day: date, tools: str) -> OrderForm:
    return OrderForm(
        id=new_id(), effective_from=day, fleet_tool="fleet" in tools, fines_tool="fines" in tools, vehicle_quota=10
    )


def words(tools: Tools) -> set[str]:
    return {name for name in ("fleet", "fines", "live_notices", "archive") if getattr(tools, name)}


EVER = {"fleet", "fines", "live_notices", "archive"}


@pytest.mark.parametrize(
    ("before", "after", "day", "expected"),
    [
        # Before the first order form there is nothing, on its day there is all.
        ("fleet fines", None, START - timedelta(days=1), set()),
        ("fleet fines", None, START, EVER),
        ("fleet", None, START, {"fleet"}),
        ("fines", None, START, EVER - {"fleet"}),
        # A tool is added.
        ("fleet", "fleet fines", CHANGE - timedelta(days=1), {"fleet"}),
        ("fleet", "fleet fines", CHANGE, EVER),
        # The fines tool is dropped: live notices for 45 days, then the archive alone.
        ("fleet fines", "fleet", CHANGE - timedelta(days=1), EVER),
        ("fleet fines", "fleet", CHANGE, {"fleet", "live_notices", "archive"}),
        ("fleet fines", "fleet", CHANGE + timedelta(days=45), {"fleet", "live_notices", "archive"}),
        ("fleet fines", "fleet", CHANGE + timedelta(days=46), {"fleet", "archive"}),
        # The fleet tool is dropped: it leaves nothing open.
        ("fleet fines", "fines", CHANGE, EVER - {"fleet"}),
    ],
)
def test_the_last_effective_order_form_rules(before, after, day, expected):
    """C4.1-b, decision 10"""
    forms = [form(START, before)] + ([form(CHANGE, after)] if after else [])
    assert words(tools_on(forms, day)) == expected
    assert words(tools_on(forms[::-1], day)) == expected


def test_of_two_order_forms_of_one_day_the_later_one_rules():
    """C4.1-b"""
    forms = [form(START, "fleet fines"), form(START, "fleet")]
    assert not tools_on(forms, START).fines
    assert not tools_on(forms[::-1], START).fines


def test_the_days_are_counted_from_the_last_time_the_tool_was_dropped():
    """Decision 10"""
    dropped, again, dropped_again = START + timedelta(days=10), START + timedelta(days=90), START + timedelta(days=99)
    forms = [form(START, "fines"), form(dropped, "fleet"), form(again, "fines"), form(dropped_again, "fleet")]
    assert not tools_on(forms, dropped + timedelta(days=46)).live_notices
    assert tools_on(forms, dropped_again + timedelta(days=45)).live_notices
    assert not tools_on(forms, dropped_again + timedelta(days=46)).live_notices


def test_later_order_forms_without_the_tool_do_not_prolong_the_tail():
    """Decision 10"""
    later = CHANGE + timedelta(days=30)
    forms = [form(START, "fleet fines"), form(CHANGE, "fleet"), form(later, "fleet")]
    assert tools_on(forms, CHANGE + timedelta(days=45)).live_notices
    assert not tools_on(forms, CHANGE + timedelta(days=46)).live_notices


def test_without_an_order_form_there_is_no_tool():
    assert tools_on([], START) == NO_TOOLS
