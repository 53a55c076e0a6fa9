"""What the lines of the sheet « Conducteurs » would do. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from uuid import UUID

from eprunes.core.calendar import end_of_day
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.driver_rules import date_problems, tidied, tidy_staff_number
from eprunes.fleet.importing import cells
from eprunes.fleet.importing.ledger import Context, Ledger, Whose, moment_text
from eprunes.fleet.importing.namesakes import Namesakes
from eprunes.fleet.importing.parsing import Row, Sheet
from eprunes.fleet.importing.plan import DriverAct, Person, StoredAssignment, StoredDriver
from eprunes.fleet.models import DriverKind

_DETAILS = tuple(one.name for one in fields(DriverDetails))
_NAMES = ("last_name", "first_name")
# Files of old staff are full of such dates; refusing the person for it would help nobody.
_IMPROBABLE = {"licence_issued_on"}
# What can't be told wrong while the cell that it is read with is.
_READ_WITH = {"country": ("postcode", "phone")}
_ROW = {"kind": DriverKind.EMPLOYEE.value, "left_on": None}


@dataclass
class DriversOutcome:
    """The drivers there will be and the day each leaves, by staff number; how to name those of the file; the
    lines that were refused; the lines by which stored drivers leave, and when."""

    left_on: dict[str, date | None]
    labels: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    departures: dict[UUID, tuple[datetime, int]] = field(default_factory=dict)


def untouched_drivers(context: Context) -> DriversOutcome:
    """The outcome of a workbook without drivers."""
    return DriversOutcome({key: one.left_on for key, one in context.existing.drivers.items()})


def driver_key(staff_number: str) -> str:
    """What a staff number is matched by."""
    return tidy_staff_number(staff_number)


def unnumbered_key(driver_id: UUID) -> str:
    """What a driver without a staff number is known by; no staff number looks like it, they are in capitals."""
    return f"sans matricule {driver_id}"


def person_of(last_name: str, first_name: str, birth_date: date | None) -> Person:
    """What a line without a staff number is matched by."""
    return last_name.casefold(), first_name.casefold(), birth_date


def persons_of(drivers: dict[str, StoredDriver]) -> dict[Person, list[str]]:
    """The keys of these drivers, of those whose details were read, by name and birth date."""
    found: dict[Person, list[str]] = defaultdict(list)
    for key, one in drivers.items():
        if one.details:
            found[person_of(one.details.last_name, one.details.first_name, one.details.birth_date)].append(key)
    return dict(found)


def keys_of_line(values: dict, persons: dict[Person, list[str]]) -> list[str]:
    """The keys that a line's driver may have: one by its staff number, else those of the same person."""
    if "staff_number" in values:
        return [driver_key(values["staff_number"])]
    names = (values.get(name, "") for name in _NAMES)
    return persons.get(person_of(*names, values.get("birth_date")), [])


def driver_label(details: DriverDetails, staff_number: str | None) -> str:
    """`Caroline DUMAS (E1001)`."""
    return f"{details.sort_name} ({staff_number})" if staff_number else details.sort_name


def plan_drivers(sheet: Sheet, context: Context) -> DriversOutcome:
    """Add the sheet's acts, counts and problems to the plan."""
    outcome, ledger = untouched_drivers(context), Ledger(sheet, context)
    held = _by_driver(context.existing.assignments)
    namesakes = _namesakes(context)
    first_lines: dict[str, int] = {}
    for row in sheet.rows:
        key = _key(ledger, row)
        first_line = first_lines.setdefault(key, row.line) if key else row.line
        if first_line != row.line:
            what = "ce matricule" if "staff_number" in row.values else "ce conducteur"
            ledger.note(row, f"Doublon\u00a0: {what} est déjà à la ligne {first_line}.", "staff_number")
        stored = context.existing.drivers.get(key)
        act = _act(ledger, row, stored)
        if stored and act:
            _check_assignments(ledger, row, act, stored, held[stored.id])
            _check_person(ledger, row, act, stored)
        if row.problems:
            ledger.refused(row)
            if key:
                outcome.refused.setdefault(key, row.line)
        else:
            outcome.left_on[key] = act.left_on
            outcome.labels[key] = driver_label(act.details, act.staff_number)
            for name, sentence in date_problems(act.details, context.today).items():
                ledger.remark(row, sentence, name)
            if not stored and (sentence := namesakes.remark(act.details, row.line)):
                ledger.remark(row, sentence, "last_name")
            _accept(ledger, row, act, stored, outcome)
    return outcome


def _key(ledger: Ledger, row: Row) -> str:
    """What the line's driver is known by; empty, with the problem noted on the line, when that can't be told."""
    keys = keys_of_line(row.values, ledger.context.existing.persons)
    if len(keys) > 1:  # the one without a number, for a line that changes nothing: see `_check_person`
        unnumbered = [key for key in keys if ledger.context.existing.drivers[key].staff_number is None]
        keys = unnumbered if len(unnumbered) == 1 else keys
    if len(keys) == 1:
        return keys[0]
    sentence = "Indiquez le matricule\u00a0: sans lui, seul un conducteur déjà enregistré est reconnu, à ses nom, "
    sentence += "prénom et date de naissance."
    ledger.note(row, _several(len(keys)) if keys else sentence, "staff_number")
    return ""


def _several(count: int) -> str:
    sentence = f"{count} conducteurs ont ces nom, prénom et date de naissance\u00a0: indiquez le matricule, après en "
    return sentence + "avoir donné un, sur sa fiche, à qui n’en a pas."


def _act(ledger: Ledger, row: Row, stored: StoredDriver | None) -> DriverAct | None:
    """The whole driver as the line would have it; problems are noted on the line."""
    if stored and stored.details is None:
        ledger.note(row, "Les données de ce conducteur ont été effacées.", "staff_number")
        return None
    details = _tidied(ledger, row, _merged_details(ledger, row, stored.details if stored else DriverDetails()))
    given = {name: row.values.get(name, getattr(stored, name, default)) for name, default in _ROW.items()}
    return DriverAct(
        stored and stored.id,
        stored and stored.key_id,
        stored.staff_number if stored else row.values.get("staff_number"),
        details=details,
        **given,
    )


def _tidied(ledger: Ledger, row: Row, details: DriverDetails) -> DriverDetails:
    """The details tidy; what is wrong is noted on the line, what is improbable waits until the line is accepted."""
    tidy, problems = tidied(details, ledger.context.today)
    unsure = {one for column, depending in _READ_WITH.items() if ledger.is_wrong(row, column) for one in depending}
    for name, sentence in problems.items():
        if name not in _IMPROBABLE | unsure:
            ledger.note(row, sentence, name)
    return tidy


def _merged_details(ledger: Ledger, row: Row, stored: DriverDetails) -> DriverDetails:
    given = {name: value for name, value in row.values.items() if name in _DETAILS}
    for name in _NAMES:
        if given.get(name, "").casefold() == getattr(stored, name).casefold():
            given.pop(name, None)
    if "postcode" in given and not ledger.is_wrong(row, "country"):
        try:
            given["postcode"] = cells.postcode(given["postcode"], given.get("country", stored.country))
        except ValueError as error:
            ledger.note(row, cells.sentence(error), "postcode")
            given.pop("postcode")
    return replace(stored, **given)


def _check_assignments(
    ledger: Ledger, row: Row, act: DriverAct, stored: StoredDriver, held: list[StoredAssignment]
) -> None:
    """No stored assignment may begin once the driver has left; those that last longer are cut later."""
    if act.left_on is None or act.left_on == stored.left_on:
        return
    leaves_at = end_of_day(act.left_on, ledger.context.zone)
    late = min((one.starts_at for one in held if one.starts_at >= leaves_at), default=None)
    if late:
        start = moment_text(late, ledger.context.zone)
        ledger.note(row, f"Une attribution commence après, le {start}\u00a0: supprimez-la d’abord.", "left_on")


def _check_person(ledger: Ledger, row: Row, act: DriverAct, stored: StoredDriver) -> None:
    """A line without a staff number that several drivers answer to is one's only when it changes nothing."""
    keys = keys_of_line(row.values, ledger.context.existing.persons)
    if len(keys) > 1 and _values(act) != _values(stored):
        ledger.note(row, _several(len(keys)), "staff_number")


def _values(one: DriverAct | StoredDriver) -> dict[str, object]:
    return {**vars(one.details), **{name: getattr(one, name) for name in _ROW}}


def _accept(ledger: Ledger, row: Row, act: DriverAct, stored: StoredDriver | None, outcome: DriversOutcome) -> None:
    whose = Whose(person=driver_label(act.details, act.staff_number))
    if stored is None:
        ledger.context.plan.drivers.append(act)
        ledger.created(row, whose, f"{act.details.postcode} {act.details.city}".strip())
        return
    before, after = _values(stored), _values(act)
    changed = [name for name in before if before[name] != after[name]]
    if not changed:
        ledger.counts.unchanged += 1
        return
    if "left_on" in changed:
        outcome.departures[stored.id] = end_of_day(act.left_on, ledger.context.zone), row.line
    ledger.context.plan.drivers.append(act)
    ledger.counts.changed += 1
    for name in changed:
        ledger.changed(row, whose, name, before[name], after[name])


def _namesakes(context: Context) -> Namesakes:
    known = (one for one in context.existing.drivers.values() if one.details)
    return Namesakes((one.details, driver_label(one.details, one.staff_number)) for one in known)


def _by_driver(assignments: list[StoredAssignment]) -> dict[UUID, list[StoredAssignment]]:
    found: dict[UUID, list[StoredAssignment]] = defaultdict(list)
    for assignment in assignments:
        found[assignment.driver_id].append(assignment)
    return found
