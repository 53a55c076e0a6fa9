"""Vehicles, drivers, assignments and notices for tests, put into the tables as rows."""

import itertools
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import select, update

from eprunes.antai import messages
from eprunes.antai.models import DeclaredPlate
from eprunes.core.crypto import key_store
from eprunes.core.database import new_id, platform_session, tenant_session
from eprunes.fines.models import Notice
from eprunes.fines.receiving import Incoming, receive
from eprunes.fleet.driver_details import KEY_PURPOSE, DriverDetails, seal_details
from eprunes.fleet.models import Assignment, Driver, Vehicle
from tests.support.worlds import AS_OF

ENTERED = datetime(2025, 1, 1, tzinfo=UTC)
NOEL = DriverDetails(
    civility="M",
    last_name="Quatremare",
    first_name="Noëlig",
    birth_date=date(1980, 2, 29),
    address_line="12 rue des Lilas-Pourpres",
    postcode="44000",
    city="Nantes",
    licence_number="210692106990",
    licence_issued_on=date(1999, 5, 4),
)
_numbers = itertools.count(8_000_000_001)
_plates = itertools.count(1)


def new_number() -> str:
    """A notice number that no other test has used."""
    return str(next(_numbers))


def new_plate() -> str:
    """The match key of a plate that no other test has used."""
    series, number = divmod(next(_plates), 999)
    return f"BC{number + 1:03d}D{'ABCDEFGH'[series]}"


def add_vehicle(
    organisation_id: UUID,
    plate: str,
    *,
    country: str = "FR",
    entered_at: datetime = ENTERED,
    left_at: datetime | None = None,
) -> UUID:
    """A vehicle by its match key, not declared to the agency."""
    row = Vehicle(
        organisation_id=organisation_id,
        id=new_id(),
        country=country,
        plate_key=plate,
        plate=plate,
        make="Renault",
        model="Clio",
        entered_at=entered_at,
        left_at=left_at,
        created_at=entered_at,
    )
    with tenant_session(organisation_id, write=True) as session:
        session.add(row)
    return row.id


def change_vehicle(organisation_id: UUID, vehicle_id: UUID, **columns: object) -> None:
    """Another value in some of its columns; a new plate clears what the agency was told, as the fleet does."""
    if "plate_key" in columns:
        columns |= dict.fromkeys(("antai_declared_at", "antai_acknowledged_at", "antai_withdrawn_at"))
    with tenant_session(organisation_id, write=True) as session:
        mine = Vehicle.organisation_id == organisation_id, Vehicle.id == vehicle_id
        session.execute(update(Vehicle).where(*mine).values(**columns))


def vehicle(organisation_id: UUID, vehicle_id: UUID) -> Vehicle:
    """One vehicle as stored."""
    with tenant_session(organisation_id) as session:
        mine = Vehicle.organisation_id == organisation_id, Vehicle.id == vehicle_id
        return session.scalars(select(Vehicle).where(*mine)).one()


def add_driver(organisation_id: UUID, details: DriverDetails = NOEL) -> UUID:
    """A driver with these details, sealed with a key of its own."""
    driver_id = new_id()
    [(key_id, key)] = key_store().create_keys(organisation_id, KEY_PURPOSE, AS_OF)
    row = Driver(
        organisation_id=organisation_id,
        id=driver_id,
        is_designable=True,
        key_id=key_id,
        box=seal_details(key, organisation_id, driver_id, details),
        created_at=AS_OF,
    )
    with tenant_session(organisation_id, write=True) as session:
        session.add(row)
    return driver_id


def assign(
    organisation_id: UUID,
    vehicle_id: UUID,
    driver_id: UUID,
    starts_at: datetime = ENTERED,
    ends_at: datetime | None = None,
) -> UUID:
    """The driver holds the vehicle from an instant to another."""
    row = Assignment(
        organisation_id=organisation_id,
        id=new_id(),
        vehicle_id=vehicle_id,
        driver_id=driver_id,
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=starts_at,
    )
    with tenant_session(organisation_id, write=True) as session:
        session.add(row)
    return row.id


def note_declared(organisation_id: UUID, vehicle_id: UUID, plate: str, declared_at: datetime = ENTERED) -> None:
    """The plate as the connector remembers it once it was declared."""
    row = DeclaredPlate(
        country="FR", plate_key=plate, organisation_id=organisation_id, vehicle_id=vehicle_id, declared_at=declared_at
    )
    with platform_session("tests", write=True) as session:
        session.add(row)


def offence_record(plate: str, **changes: object) -> dict:
    """An offence as the agency writes it, of 27 February 2026 in Rungis unless told."""
    return {
        "numeroAco": new_number(),
        "dateAco": "2026-03-02",
        "immatriculation": plate,
        "paysImmatriculation": "FRA",
        "marque": "RENAULT",
        "codeNatinf": "25387",
        "libelleNatinf": "Excès de vitesse de 5 à 19 km/h, vitesse limite > 50 km/h",
        "dateHeureInfraction": "2026-02-27T10:12:00",
        "lieu": "A6 PR 12+300",
        "commune": "Rungis",
        "codePostal": "94150",
        "sens": None,
        "vitesseLimite": 110,
        "vitesseRetenue": 122,
        "vitesseMesuree": 128,
        **changes,
    }


def receive_notice(
    organisation_id: UUID, *, posted_at: datetime = AS_OF, vehicle_id: UUID | None = None, **changes: object
) -> UUID:
    """One notice posted at an instant, its record changed as told; returns its id."""
    record = offence_record(**{"plate": "AB123CD", **changes})
    before = set(notice_ids(organisation_id))
    receive(organisation_id, [Incoming(messages.read_offence(record), vehicle_id)], posted_at)
    [notice_id] = set(notice_ids(organisation_id)) - before
    return notice_id


def notice_ids(organisation_id: UUID) -> list[UUID]:
    """The ids of every notice stored, whoever may see it."""
    return [one.id for one in notices(organisation_id)]


def notices(organisation_id: UUID) -> list[Notice]:
    """Every notice stored, whoever may see it."""
    with tenant_session(organisation_id) as session:
        query = select(Notice).where(Notice.organisation_id == organisation_id).order_by(Notice.id)
        return list(session.scalars(query))


def notice(organisation_id: UUID, notice_id: UUID) -> Notice:
    """One notice as stored."""
    [found] = [one for one in notices(organisation_id) if one.id == notice_id]
    return found
