"""What the planning of each sheet shares: the context it works in, and the account of its lines."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from eprunes.core.calendar import local_day
from eprunes.fleet.importing.cells import LABELS
from eprunes.fleet.importing.columns import column_heading
from eprunes.fleet.importing.parsing import Row, Sheet
from eprunes.fleet.importing.plan import Change, Created, Existing, Plan, SheetCounts
from eprunes.fleet.local_times import typed_end

ENDS = {"left_at", "ends_at"}
CREATED_SHOWN = 200


@dataclass(frozen=True)
class Context:
    """What lines are compared with, where and when; acts, counts and problems go to `plan`."""

    existing: Existing
    plan: Plan
    zone: ZoneInfo
    as_of: datetime

    @property
    def today(self) -> date:
        return local_day(self.as_of, self.zone)


@dataclass(frozen=True)
class Whose:
    """What or whom a change is about."""

    country: str = ""
    plate: str = ""
    person: str = ""


class Ledger:
    """The account of one sheet's lines, kept in the plan."""

    def __init__(self, sheet: Sheet, context: Context) -> None:
        self.sheet, self.context = sheet, context
        self.counts = SheetCounts(sheet.table.title, refused=sheet.refused_lines)
        context.plan.counts[sheet.table.kind.name] = self.counts
        if sheet.table.refusal:
            context.plan.notes.append(sheet.table.refusal)

    def note(self, row: Row, sentence: str, column: str = "") -> None:
        """Add a problem to a line, unless its cell already has one."""
        if not column or not self.is_wrong(row, column):
            row.problems.append(self.sheet.problem(row, sentence, column))

    def is_wrong(self, row: Row, column: str) -> bool:
        """Whether a cell of the line has a problem already."""
        return any(one.heading == column_heading(self.sheet.table, column) for one in row.problems)

    def refused(self, row: Row) -> None:
        """Count a line as refused, for the problems noted on it."""
        self.counts.refused += 1
        self.context.plan.problems.extend(row.problems)

    def refuse(self, row: Row, sentence: str, column: str = "") -> None:
        """Refuse a line for one more reason."""
        self.note(row, sentence, column)
        self.refused(row)

    def remark(self, row: Row, sentence: str, column: str) -> None:
        """Point at something improbable on an accepted line, for people to check."""
        self.context.plan.remarks.append(self.sheet.problem(row, sentence, column))

    def created(self, row: Row, whose: Whose, text: str) -> None:
        """Count an accepted line as one that adds something, and tell it, unless many are told already."""
        self.counts.created += 1
        told = self.context.plan.created.setdefault(self.sheet.table.kind.name, [])
        if len(told) < CREATED_SHOWN:
            told.append(Created(row.line, whose.country, whose.plate, whose.person, text))

    def changed(self, row: Row, whose: Whose, column: str, before: object, after: object) -> None:
        """Tell one field that an accepted line changes."""
        heading = column_heading(self.sheet.table, column)
        texts = (shown(value, column, self.context.zone) for value in (before, after))
        self.context.plan.changes.append(
            Change(self.sheet.table.title, row.line, whose.country, whose.plate, whose.person, heading, *texts)
        )


def shown(value: object, column: str, zone: ZoneInfo) -> str:
    """A value as the workbook would have it."""
    if value is None or value == "":
        return "(vide)"
    if isinstance(value, datetime):
        return end_text(value, zone) if column in ENDS else moment_text(value, zone)
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return LABELS.get(value, value) if isinstance(value, str | bool) else str(value)


def moment_text(instant: datetime, zone: ZoneInfo) -> str:
    """`03/03/2026 08:00` in the organisation's zone."""
    return f"{instant.astimezone(zone):%d/%m/%Y %H:%M}"


def end_text(instant: datetime, zone: ZoneInfo) -> str:
    """As `moment_text`, midnight as 24:00 of the day that ends."""
    day, hour = typed_end(instant, zone)
    return f"{day:%d/%m/%Y} 24:00" if hour is None else moment_text(instant, zone)


def period_text(starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> str:
    """`du 03/03/2026 08:00 au 04/03/2026 24:00`, or `depuis le 03/03/2026 08:00`."""
    start = moment_text(starts_at, zone)
    return f"du {start} au {end_text(ends_at, zone)}" if ends_at else f"depuis le {start}"
