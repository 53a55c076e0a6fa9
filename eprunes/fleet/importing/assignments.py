"""What the lines of the sheet « Attributions » would do, and which assignments a departure cuts short. Pure.

Ends that come earlier make room first, then departures, then later ends, then new assignments.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from eprunes.core.calendar import end_of_day
from eprunes.fleet.importing.columns import DRIVERS, VEHICLES, SheetKind
from eprunes.fleet.importing.drivers import DriversOutcome, driver_key
from eprunes.fleet.importing.ledger import Context, Ledger, Whose, end_text, moment_text, period_text
from eprunes.fleet.importing.parsing import Row, Sheet
from eprunes.fleet.importing.plan import AssignmentAct, Change, EndAct, VehicleKey
from eprunes.fleet.importing.timeline import Span, Timeline, lasts_beyond, overlap_sentence
from eprunes.fleet.importing.vehicles import VehiclesOutcome

_Identity = tuple[VehicleKey, str, datetime]


@dataclass
class _State:
    """The timeline of each vehicle, the stored spans by what a line is matched by, and the first lines seen.

    `unnumbered` are the drivers without a staff number, by what they hold since when.
    """

    context: Context
    vehicles: VehiclesOutcome
    drivers: DriversOutcome
    timelines: dict[VehicleKey, Timeline] = field(default_factory=dict)
    stored: dict[_Identity, Span] = field(default_factory=dict)
    unnumbered: dict[tuple[VehicleKey, datetime], str] = field(default_factory=dict)
    seen: dict[_Identity, int] = field(default_factory=dict)

    def label(self, span: Span) -> str:
        """Whom a span belongs to."""
        return self.drivers.labels.get(span.driver) or self.context.existing.name_of(span.driver_id)


@dataclass
class _Line:
    """A line without a problem in itself: its span, and the stored one whose end it moves, if any."""

    row: Row
    vehicle: VehicleKey
    span: Span
    moves: Span | None


def plan_assignments(sheet: Sheet | None, context: Context, vehicles: VehiclesOutcome, drivers: DriversOutcome) -> None:
    """Add the acts, counts and problems of the assignments to the plan."""
    state = _State(context, vehicles, drivers)
    _lay_out(state)
    ledger = Ledger(sheet, context) if sheet else None
    lines = [line for row in sheet.rows if (line := _understood(state, ledger, row))] if sheet else []
    moves = [line for line in lines if line.moves]
    later = [line for line in moves if not _is_earlier(line)]
    for line in filter(_is_earlier, moves):
        _move_end(state, ledger, line)
    _cut_at_departures(state)
    for line in later:
        _move_end(state, ledger, line)
    for line in lines:
        if not line.moves:
            _add(state, ledger, line)
    _write_ends(state)


def _lay_out(state: _State) -> None:
    existing = state.context.existing
    plates = {one.id: key for key, one in existing.vehicles.items()}
    numbers = {one.id: key for key, one in existing.drivers.items()}
    spans: dict[VehicleKey, list[Span]] = defaultdict(list)
    for one in existing.assignments:
        driver, vehicle = numbers[one.driver_id], plates[one.vehicle_id]
        span = Span(one.starts_at, one.ends_at, driver, one.driver_id, stored=one)
        spans[vehicle].append(span)
        state.stored[vehicle, driver, one.starts_at] = span
        if existing.drivers[driver].staff_number is None:
            state.unnumbered[vehicle, one.starts_at] = driver
    state.timelines = {key: Timeline(of_vehicle) for key, of_vehicle in spans.items()}


def _understood(state: _State, ledger: Ledger, row: Row) -> _Line | None:
    """The line, unless it was refused by itself or counted as unchanged."""
    starts_at, starts_with_hour = row.values.get("starts_at", (None, True))
    vehicle = _known_vehicle(state, ledger, row)
    driver = _known_driver(state, ledger, row, vehicle, starts_at)
    ends_at, ends_with_hour = row.values.get("ends_at", (None, True))
    if starts_at and ends_at and ends_at <= starts_at:
        ledger.note(row, "La fin doit être après le début.", "ends_at")
    if row.problems:
        _check_presence(state, ledger, row, vehicle, driver, (starts_at, ends_at))
        ledger.refused(row)
        return None
    identity = vehicle, driver, starts_at
    if identity in state.seen:
        ledger.refuse(row, f"Doublon\u00a0: cette attribution est déjà à la ligne {state.seen[identity]}.")
        return None
    state.seen[identity] = row.line
    stored = state.stored.get(identity)
    if stored and ends_at in (None, stored.ends_at):
        ledger.counts.unchanged += 1
        return None
    known = state.context.existing.drivers.get(driver)
    span = Span(starts_at, ends_at, driver, known and known.id, row.line)
    span.starts_on_day, span.ends_on_day = not starts_with_hour, not ends_with_hour
    return _Line(row, vehicle, span, stored)


def _known_vehicle(state: _State, ledger: Ledger, row: Row) -> VehicleKey | None:
    plate = row.values.get("plate")
    if plate is None:
        return None
    key = plate.country, plate.key
    if key in state.vehicles.presence:
        return key
    if key in state.vehicles.refused:
        sentence = _refused_line(state, VEHICLES, state.vehicles.refused[key])
    else:
        sentence = f"Véhicule inconnu\u00a0: {plate.display} n’est ni dans ce classeur ni dans votre parc."
    ledger.note(row, sentence, "plate")
    return None


def _known_driver(
    state: _State, ledger: Ledger, row: Row, vehicle: VehicleKey | None, starts_at: datetime | None
) -> str | None:
    number = row.values.get("staff_number")
    if number is None:
        driver = state.unnumbered.get((vehicle, starts_at))
        if driver is None:
            sentence = "Indiquez le matricule\u00a0: sans lui, seule une attribution déjà enregistrée est reconnue, "
            ledger.note(row, f"{sentence}à son véhicule et à son début.", "staff_number")
        return driver
    key = driver_key(number)
    if key in state.drivers.left_on:
        return key
    if key in state.drivers.refused:
        sentence = _refused_line(state, DRIVERS, state.drivers.refused[key])
    else:
        sentence = f"Conducteur inconnu\u00a0: le matricule {number} n’est ni dans ce classeur ni dans votre parc."
    ledger.note(row, sentence, "staff_number")
    return None


def _refused_line(state: _State, kind: SheetKind, line: int) -> str:
    sheet = _title(state, kind)
    return f"Dépend de la ligne {line} de la feuille «\u00a0{sheet}\u00a0», qui est refusée."


def _title(state: _State, kind: SheetKind) -> str:
    return state.context.plan.counts[kind.name].title


def _is_earlier(line: _Line) -> bool:
    return lasts_beyond(line.moves.ends_at, line.span.ends_at)


def _move_end(state: _State, ledger: Ledger, line: _Line) -> None:
    moved, before = line.moves, line.moves.ends_at
    met = state.timelines[line.vehicle].met_by_longer(moved, line.span.ends_at)
    if not _may_stand(state, ledger, line, met, "ends_at"):
        return
    moved.ends_at, moved.line, moved.ends_on_day = line.span.ends_at, line.row.line, line.span.ends_on_day
    ledger.counts.changed += 1
    whose = Whose(line.vehicle[0], state.context.existing.vehicles[line.vehicle].plate, state.label(moved))
    ledger.changed(line.row, whose, "ends_at", before, moved.ends_at)


def _add(state: _State, ledger: Ledger, line: _Line) -> None:
    timeline = state.timelines.setdefault(line.vehicle, Timeline([]))
    if not _may_stand(state, ledger, line, timeline.met_by(line.span), "starts_at"):
        return
    timeline.add(line.span)
    span = line.span
    known = state.context.existing.drivers.get(span.driver)
    act = AssignmentAct(line.vehicle, span.driver, known and known.id, span.starts_at, span.ends_at)
    state.context.plan.assignments.append(act)
    plate = line.row.values["plate"].display
    period = period_text(span.starts_at, span.ends_at, state.context.zone)
    ledger.created(line.row, Whose(line.vehicle[0], plate, state.label(span)), period)


def _may_stand(state: _State, ledger: Ledger, line: _Line, met: Span | None, column: str) -> bool:
    """Refuse a line outside the presence of its vehicle or driver, or that would overlap the span `met`."""
    span = line.span
    _check_presence(state, ledger, line.row, line.vehicle, span.driver, (span.starts_at, span.ends_at))
    if met is not None and not line.row.problems:
        ledger.note(line.row, overlap_sentence(span, met, state.label(met), state.context.zone), column)
    if line.row.problems:
        ledger.refused(line.row)
        return False
    return True


def _check_presence(
    state: _State,
    ledger: Ledger,
    row: Row,
    vehicle: VehicleKey | None,
    driver: str | None,
    period: tuple[datetime | None, datetime | None],
) -> None:
    """The period within the presence of the vehicle and of the driver, as far as the line says which."""
    (starts_at, ends_at), zone = period, state.context.zone
    entered_at, left_at = state.vehicles.presence[vehicle] if vehicle else (None, None)
    if entered_at and starts_at and starts_at < entered_at:
        entry = moment_text(entered_at, zone)
        ledger.note(row, f"Ce véhicule n’est entré dans le parc que le {entry}.", "starts_at")
    if left_at and lasts_beyond(ends_at, left_at):
        gone = end_text(left_at, zone)
        sentence = f"Ce véhicule quitte le parc le {gone}\u00a0: indiquez une fin à cet instant au plus tard."
        ledger.note(row, sentence, "ends_at")
    stored = state.context.existing.vehicles.get(vehicle)
    for one in state.context.existing.absences.get(stored.id, ()) if stored and starts_at else ():
        if starts_at < one.back_at and lasts_beyond(ends_at, one.left_at):
            away = f"du {end_text(one.left_at, zone)} au {moment_text(one.back_at, zone)}"
            column = "starts_at" if starts_at >= one.left_at else "ends_at"
            ledger.note(row, f"Ce véhicule était absent du parc {away}.", column)
    left_on = state.drivers.left_on[driver] if driver else None
    if left_on and lasts_beyond(ends_at, end_of_day(left_on, zone)):
        day = f"{left_on:%d/%m/%Y}"
        sentence = f"Ce conducteur quitte l’entreprise le {day}\u00a0: indiquez une fin ce jour-là au plus tard."
        ledger.note(row, sentence, "ends_at")


def _cut_at_departures(state: _State) -> None:
    """A vehicle that leaves, or a driver who does, ends what they still hold, as their own pages do."""
    for key, timeline in state.timelines.items():
        for span in timeline.spans:
            closed_at = state.vehicles.closings.get(span.stored.vehicle_id)
            if closed_at and lasts_beyond(span.ends_at, closed_at):
                span.ends_at = closed_at
                state.context.plan.closed_holds += 1
            vehicle = state.vehicles.exits.get(span.stored.vehicle_id)
            driver = state.drivers.departures.get(span.driver_id)
            for kind, departure in ((VEHICLES, vehicle), (DRIVERS, driver)):
                if departure and lasts_beyond(span.ends_at, departure[0]):
                    _cut(state, key, span, departure, _title(state, kind))


def _cut(state: _State, key: VehicleKey, span: Span, departure: tuple[datetime, int], sheet: str) -> None:
    at, line = departure
    zone = state.context.zone
    before = end_text(span.ends_at, zone) if span.ends_at else "(vide)"
    plate = state.context.existing.vehicles[key].plate
    change = Change(sheet, line, key[0], plate, state.label(span), "Fin de l’attribution", before, end_text(at, zone))
    state.context.plan.changes.append(change)
    span.ends_at = at


def _write_ends(state: _State) -> None:
    spans = [span for timeline in state.timelines.values() for span in timeline.spans if span.stored]
    moved = [span for span in spans if span.ends_at != span.stored.ends_at]
    moved.sort(key=lambda span: not (span.ends_at and lasts_beyond(span.stored.ends_at, span.ends_at)))
    state.context.plan.ends.extend(EndAct(span.stored.id, span.stored.ends_at, span.ends_at) for span in moved)
