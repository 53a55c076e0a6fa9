"""Only core/clock.py reads the time: everything else is handed `as_of`."""

import ast

import pytest

from tests.house.sources import Module, dotted, imported, product, refuse

CLOCK = "eprunes/core/clock.py"
READS_OF_A_DAY = {"now", "utcnow", "today"}
READS_OF_A_TIMER = {"time", "time_ns", "localtime", "gmtime", "ctime"}
READS_OF_THE_DATABASE = {"now", "current_timestamp", "current_date", "current_time", "localtimestamp"}
ADVICE = "take `as_of` as a parameter (views, commands and the clock process call core.clock.now())"


def breaches(module: Module) -> list[str]:
    """Calls that read the machine's or the database's clock, under whatever name they were imported."""
    if module.path == CLOCK:
        return []
    found = [
        module.at(node, f"{name}: {ADVICE}")
        for node, name in imported(module)
        if name.split(".")[0] == "time" and name.split(".")[-1] in READS_OF_A_TIMER and name != "time"
    ]
    return found + [module.at(call, f"{dotted(call.func)}(): {ADVICE}") for call in module.calls() if _reads(call.func)]


def _reads(function: ast.AST) -> bool:
    *owner, last = dotted(function).split(".")
    if not owner or owner[-1] == "clock":
        return False
    if owner[-1] == "time":
        return last in READS_OF_A_TIMER
    if owner[-1] == "func":
        return last in READS_OF_THE_DATABASE
    return last in READS_OF_A_DAY


def test_only_the_clock_reads_the_time():
    refuse(fault for module in product() for fault in breaches(module))


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "from datetime import datetime as moment\nmoment.now()",
        "time.time()",
        "from time import time",
        "import time as t\nfrom time import localtime",
        "select(func.now())",
        "func.current_timestamp()",
    ],
)
def test_a_look_at_the_clock_is_found(source):
    [fault] = breaches(Module("eprunes/fines/services.py", source))
    assert fault.startswith(f"eprunes/fines/services.py:{len(source.splitlines())}: ")


@pytest.mark.parametrize(
    "source",
    ["clock.now()", "from time import monotonic\nmonotonic()", "time.sleep(1)", "datetime.combine(day, time.min)"],
)
def test_what_is_no_look_at_the_clock_is_not(source):
    assert breaches(Module("eprunes/fines/services.py", source)) == []


def test_the_clock_itself_may():
    assert breaches(Module(CLOCK, "datetime.now(UTC)")) == []
