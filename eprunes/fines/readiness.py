"""What the fleet says of a notice's driver, as conditions on rows of notices: who held the vehicle, and how ready
they are to be designated. The same rules as `proposals.propose`, for thousands of notices at once."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select

from eprunes.fines.catalogue import CatalogueLine, every_line
from eprunes.fines.catalogue_rules import ALWAYS
from eprunes.fines.models import DriverRequest, Notice, NoticeKind, Reply
from eprunes.fleet.models import Assignment, Driver, Vehicle, VehicleAbsence

DutyLine = tuple[str, date, date | None, bool]
FEW = 500
"""So few drivers are looked up by their vehicles first: otherwise the database goes through every notice."""


class Readiness(StrEnum):
    """What is proposed for a notice, as a filter of the inbox."""

    READY = "prete"
    INCOMPLETE = "a-completer"
    NOBODY = "personne"
    GONE = "hors-du-parc"
    UNKNOWN_PLATE = "plaque-inconnue"


READINESS_WORDS = {
    Readiness.READY: "Conducteur connu, fiche complète",
    Readiness.INCOMPLETE: "Conducteur à compléter ou à choisir",
    Readiness.NOBODY: "Personne n’avait le véhicule",
    Readiness.GONE: "Véhicule hors du parc ce jour-là",
    Readiness.UNKNOWN_PLATE: "Plaque inconnue",
}


def of_readiness(chosen: Readiness) -> ColumnElement[bool]:
    """The condition of one kind of proposal: each notice fulfils exactly one of them."""
    known = Notice.vehicle_id.is_not(None)
    return {
        Readiness.READY: has_ready_holder(),
        Readiness.INCOMPLETE: and_(_held(), not_(has_ready_holder())),
        Readiness.NOBODY: and_(known, not_(_held()), not_(_out_of_fleet())),
        Readiness.GONE: and_(known, not_(_held()), _out_of_fleet()),
        Readiness.UNKNOWN_PLATE: Notice.vehicle_id.is_(None),
    }[chosen]


def has_ready_holder() -> ColumnElement[bool]:
    """One holder at the instant, whose file lets them be designated and who has not said that it was not them; never
    in the hour that autumn doubles."""
    driver = (
        Driver.organisation_id == Notice.organisation_id,
        Driver.id == Assignment.driver_id,
        Driver.is_designable.is_(True),
        not_(exists().where(*has_denied(), DriverRequest.driver_id == Driver.id).correlate(Notice, Driver)),
    )
    return and_(Notice.second_offence_at.is_(None), _held(*driver))


def has_denied() -> tuple[ColumnElement[bool], ...]:
    """Requests by which a driver said that it was not them."""
    denied = DriverRequest.reply == Reply.NOT_MINE
    return DriverRequest.organisation_id == Notice.organisation_id, DriverRequest.notice_id == Notice.id, denied


def held_by(organisation_id: UUID, driver_ids: Iterable[UUID]) -> ColumnElement[bool]:
    """True for notices whose vehicle one of these drivers held at the instant, or at either of the two."""
    wanted = list(driver_ids)
    held = _held(Assignment.driver_id.in_(wanted))
    if len(wanted) > FEW:
        return held
    theirs = Assignment.organisation_id == organisation_id, Assignment.driver_id.in_(wanted)
    return and_(Notice.vehicle_id.in_(select(Assignment.vehicle_id).where(*theirs)), held)


def duty_lines(lines: Iterable[CatalogueLine] | None = None) -> tuple[DutyLine, ...]:
    """The lines of the catalogue that say whether a driver has to be designated: offence, first and last day, and
    what they say.

    `lines`: the catalogue, for who has read it already.
    """
    known = [one for one in (every_line() if lines is None else lines) if one.designation_required is not None]
    return tuple((one.natinf, one.valid_from, one.valid_to, one.designation_required) for one in known)


def may_ask_for_driver(duties: Sequence[DutyLine]) -> ColumnElement[bool]:
    """True unless `designation_rules.law_wants_driver` says no of the paper and of the catalogue of that day.

    `duties`: the lines of `duty_lines`.
    """
    asked = Notice.designation_asked
    imposed, left_free = ([one[:3] for one in duties if one[3] is required] for required in (True, False))
    unsaid, denied = and_(asked.is_(None), not_(_is_one_of(left_free))), and_(asked.is_(False), _is_one_of(imposed))
    return and_(Notice.kind == NoticeKind.OFFENCE, or_(asked.is_(True), unsaid, denied))


def _held(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """True when somebody held the vehicle at the instant; in the doubled hour, at one of the two or between."""
    last = func.coalesce(Notice.second_offence_at, Notice.offence_at)
    running = (Assignment.starts_at <= last, or_(Assignment.ends_at.is_(None), Assignment.ends_at > Notice.offence_at))
    own = Assignment.organisation_id == Notice.organisation_id, Assignment.vehicle_id == Notice.vehicle_id
    return exists().where(*own, *running, *more).correlate(Notice)


def _out_of_fleet() -> ColumnElement[bool]:
    not_there = or_(Vehicle.entered_at > Notice.offence_at, Vehicle.left_at <= Notice.offence_at)
    own = Vehicle.organisation_id == Notice.organisation_id, Vehicle.id == Notice.vehicle_id
    away = (
        VehicleAbsence.organisation_id == Notice.organisation_id,
        VehicleAbsence.vehicle_id == Notice.vehicle_id,
        VehicleAbsence.left_at <= Notice.offence_at,
        VehicleAbsence.back_at > Notice.offence_at,
    )
    return or_(exists().where(*own, not_there).correlate(Notice), exists().where(*away).correlate(Notice))


def _is_one_of(lines: Sequence[tuple[str, date, date | None]]) -> ColumnElement[bool]:
    """True for notices that one of these lines of the catalogue is about."""
    always = [natinf for natinf, first, last in lines if first == ALWAYS and last is None]
    return or_(Notice.natinf.in_(always), *(_is_offence(*one) for one in lines if one[0] not in always))


def _is_offence(natinf: str, valid_from: date, valid_to: date | None) -> ColumnElement[bool]:
    """True for notices that one line of the catalogue is about."""
    until = [Notice.offence_day <= valid_to] if valid_to else []
    return and_(Notice.natinf == natinf, Notice.offence_day >= valid_from, *until)
