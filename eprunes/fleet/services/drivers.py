"""Operations on drivers: entering them, completing who they are, their departure."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store, open_box
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fleet import queries
from eprunes.fleet.driver_details import (
    KEY_PURPOSE,
    TABLE,
    DriverDetails,
    from_json,
    missing_for_designation,
    open_details,
    seal_details,
)
from eprunes.fleet.driver_rules import departure_problem, tidied, tidy_staff_number
from eprunes.fleet.local_times import last_instant
from eprunes.fleet.models import Assignment, Driver, DriverKind
from eprunes.fleet.services import namesakes, steps
from eprunes.fleet.versions import driver_version, refuse_stale

KNOWN_STAFF_NUMBER = "Un autre conducteur porte déjà ce matricule."
_LONGEST_STAFF_NUMBER = Driver.__table__.c.staff_number.type.length


def add_driver(
    *,
    actor: Actor,
    details: DriverDetails,
    staff_number: str | None = None,
    kind: str = DriverKind.EMPLOYEE,
    left_on: date | None = None,
    distinct_from: Collection[UUID] = (),
    as_of: datetime,
) -> UUID:
    """Register a driver (C4.2), with a key of their own; `distinct_from` look the same and are others. Returns the id.

    Raises Refused on the field that is wrong, or for a staff number already known.
    """
    told = {"details": details, "staff_number": staff_number, "kind": kind, "left_on": left_on}
    with (
        newcomer(actor=actor, **told, as_of=as_of) as driver,
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        keep_newcomer(session, actor, driver, distinct_from, as_of)
    return driver.id


@contextmanager
def newcomer(
    *,
    actor: Actor,
    details: DriverDetails,
    staff_number: str | None = None,
    kind: str = DriverKind.EMPLOYEE,
    left_on: date | None = None,
    as_of: datetime,
) -> Iterator[Driver]:
    """Around a transaction that calls `keep_newcomer`: a driver who is checked and has a key, and is not in the fleet
    yet. When that transaction is refused nothing stays of them, the key neither. Raises Refused as `add_driver` does.
    """
    tidy = _checked(details, left_on, actor, as_of)
    driver_id, store = new_id(), key_store()
    values = {"staff_number": _staff_number(staff_number), "kind": _kind(kind), "left_on": left_on}
    [(key_id, key)] = store.create_keys(actor.organisation_id, KEY_PURPOSE, as_of)
    sealed = _sealed(actor, driver_id, key, tidy)
    own = {"organisation_id": actor.organisation_id, "id": driver_id, "key_id": key_id, "created_at": as_of}
    try:
        with _known_numbers_explained():
            yield Driver(**own, **values, **sealed)
    except (Refused, NotVisible):
        store.destroy_keys(actor.organisation_id, [key_id])
        raise


def keep_newcomer(
    session: TenantSession, actor: Actor, driver: Driver, distinct_from: Collection[UUID], as_of: datetime
) -> None:
    """Within a transaction inside `newcomer`: the driver is in the fleet from its commit on. Raises Refused."""
    _refuse_known_number(session, actor, driver.staff_number, None)
    session.add(driver)
    session.flush()
    others = namesakes.add_pairs(session, actor, driver.id, distinct_from, as_of)
    facts = {"distinct_de": [str(one) for one in others]} if others else {}
    steps.record(session, "conducteur.ajoute", ("conducteur", driver.id), actor, as_of, facts)


def change_driver(
    *,
    actor: Actor,
    driver_id: UUID,
    details: DriverDetails,
    staff_number: str | None,
    kind: str,
    left_on: date | None,
    seen: str | None = None,
    as_of: datetime,
) -> None:
    """Correct or complete a driver. Raises Refused as `add_driver` does.

    Also when the file is no longer what the form was filled with (`seen`, from `versions.stamp`).
    Also when an assignment lasts beyond the day of departure: `driver_left` is the one that ends them.
    """
    tidy = _checked(details, left_on, actor, as_of)
    key = _key_of(actor, driver_id)
    values = {"staff_number": _staff_number(staff_number), "kind": _kind(kind), "left_on": left_on}
    values |= _sealed(actor, driver_id, key, tidy)
    with _known_numbers_explained(), tenant_session(actor.organisation_id, write=True) as session:
        driver = _locked_driver(session, actor, driver_id)
        if seen is not None:
            before = from_json(open_box(key, actor.organisation_id, TABLE, driver_id, driver.box))
            refuse_stale(session, actor, seen, driver_version(driver, before), ("conducteur", driver_id))
        _refuse_known_number(session, actor, values["staff_number"], driver_id)
        if left_on is not None and _lasting_beyond(session, actor, driver_id, left_on):
            raise Refused(
                "Des attributions durent au-delà de ce jour\u00a0: passez par «\u00a0Départ du conducteur\u00a0», "
                "qui y met fin.",
                "left_on",
            )
        for name, value in values.items():
            setattr(driver, name, value)
        session.flush()
        steps.record(session, "conducteur.modifie", ("conducteur", driver_id), actor, as_of, {})


def rewrite_details(
    session: TenantSession, actor: Actor, driver: Driver, details: DriverDetails, as_of: datetime
) -> None:
    """Within a transaction, for a driver locked in it: the file says this from now on. Recorded, if it changes.

    For who answers notices and was asked to keep what they completed: the fleet right is not looked at.
    """
    key = key_store().keys(driver.organisation_id, [driver.key_id])[driver.key_id]
    if from_json(open_box(key, driver.organisation_id, TABLE, driver.id, driver.box)) == details:
        return
    for name, value in _sealed(actor, driver.id, key, details).items():
        setattr(driver, name, value)
    steps.record(session, "conducteur.modifie", ("conducteur", driver.id), actor, as_of, {})


def driver_left(*, actor: Actor, driver_id: UUID, on: date, as_of: datetime) -> None:
    """Note a driver's last day; whatever they hold beyond it ends at 24:00 local of that day.

    Raises Refused when an assignment only starts later, and for a day before the age at which one drives.
    """
    _check_departure(_details_of(actor, driver_id), on, "on")
    with tenant_session(actor.organisation_id, write=True) as session:
        driver = _locked_driver(session, actor, driver_id)
        at = last_instant(on, None, actor.zone, "on")
        steps.cut_at(session, _lasting_beyond(session, actor, driver_id, on), at, actor, as_of, field="on")
        driver.left_on = on
        facts = {"le": on.isoformat()}
        steps.record(session, "conducteur.parti", ("conducteur", driver_id), actor, as_of, facts)


def _checked(details: DriverDetails, left_on: date | None, actor: Actor, as_of: datetime) -> DriverDetails:
    tidy, problems = tidied(details, local_day(as_of, actor.zone))
    for field, sentence in problems.items():
        raise Refused(sentence, field)
    _check_departure(tidy, left_on, "left_on")
    return tidy


def _check_departure(details: DriverDetails, left_on: date | None, field: str) -> None:
    sentence = departure_problem(details, left_on)
    if sentence:
        raise Refused(sentence, field)


def _sealed(actor: Actor, driver_id: UUID, key: bytes, details: DriverDetails) -> dict:
    box = seal_details(key, actor.organisation_id, driver_id, details)
    return {"box": box, "is_designable": not missing_for_designation(details)}


def _staff_number(text: str | None) -> str | None:
    tidy = tidy_staff_number(text or "")
    if len(tidy) > _LONGEST_STAFF_NUMBER:
        raise Refused(f"{_LONGEST_STAFF_NUMBER} caractères au plus.", "staff_number")
    return tidy or None


def _kind(kind: str) -> str:
    if kind not in set(DriverKind):
        raise Refused("Choisissez une qualité de la liste.", "kind")
    return kind


def _key_of(actor: Actor, driver_id: UUID) -> bytes:
    with tenant_session(actor.organisation_id) as session:
        driver = queries.find_driver(session, actor, driver_id)
    if driver is None:
        raise Refused("Ce conducteur n’est pas dans votre parc.")
    keys = key_store().keys(actor.organisation_id, [driver.key_id])
    if driver.key_id not in keys:
        raise Refused("Les données de ce conducteur ont été effacées.")
    return keys[driver.key_id]


def _details_of(actor: Actor, driver_id: UUID) -> DriverDetails:
    """Who a driver is; nothing where that is erased."""
    with tenant_session(actor.organisation_id) as session:
        driver = queries.find_driver(session, actor, driver_id)
        known = open_details(key_store(), [driver]) if driver else {}
    return known.get(driver_id, DriverDetails())


def _locked_driver(session: TenantSession, actor: Actor, driver_id: UUID) -> Driver:
    driver = session.scalar(queries.visible_drivers(actor).where(Driver.id == driver_id).with_for_update())
    if driver is None:
        raise Refused("Ce conducteur n’est pas dans votre parc.")
    return driver


def _lasting_beyond(session: TenantSession, actor: Actor, driver_id: UUID, on: date) -> list[Assignment]:
    limit = last_instant(on, None, actor.zone, "on")
    query = queries.visible_assignments(actor).where(
        Assignment.driver_id == driver_id, or_(Assignment.ends_at.is_(None), Assignment.ends_at > limit)
    )
    return list(session.scalars(query))


def _refuse_known_number(session: TenantSession, actor: Actor, staff_number: str | None, but: UUID | None) -> None:
    if staff_number is None:
        return
    known = session.scalar(queries.visible_drivers(actor).where(Driver.staff_number == staff_number))
    if known is not None and known.id != but:
        raise Refused(KNOWN_STAFF_NUMBER, "staff_number")


@contextmanager
def _known_numbers_explained() -> Iterator[None]:
    """Around a transaction: two people who enter one staff number at the same time read the same sentence."""
    try:
        yield
    except IntegrityError as error:
        if "staff_number" not in str(error.orig):
            raise
        raise Refused(KNOWN_STAFF_NUMBER, "staff_number") from error
