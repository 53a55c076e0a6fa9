"""Tables of vehicles, drivers and assignments."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DDL, CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, String, event
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, TenantScoped
from eprunes.core.files import StoredFile


class Holding(StrEnum):
    OWNED = "propriete"
    LEASED = "lld"
    LEASED_TO_BUY = "loa"
    RENTED = "location"


class DriverKind(StrEnum):
    EMPLOYEE = "prepose"
    RENTER = "locataire"
    REPRESENTATIVE = "representant_legal"


class AssignmentSource(StrEnum):
    TYPED = "saisie"
    IMPORTED = "import"
    PHONE = "telephone"


class Energy(StrEnum):
    PETROL = "essence"
    DIESEL = "gazole"
    ELECTRIC = "electricite"
    HYBRID = "hybride"
    PLUG_IN_HYBRID = "hybride_rechargeable"
    ETHANOL = "superethanol"
    LPG = "gpl"
    NATURAL_GAS = "gaz_naturel"
    HYDROGEN = "hydrogene"
    OTHER = "autre"


class ExitReason(StrEnum):
    SOLD = "vente"
    RETURNED = "restitution"
    DESTROYED = "destruction"
    STOLEN = "vol"
    OTHER = "autre"


class DocumentKind(StrEnum):
    REGISTRATION = "carte_grise"
    INSURANCE = "assurance"
    INSPECTION = "controle_technique"
    LEASE = "contrat_location"
    TRANSFER = "declaration_cession"
    TRANSFER_RECEIPT = "accuse_cession"
    RETURN_REPORT = "proces_verbal_restitution"
    COMPLAINT = "depot_plainte"
    DESTRUCTION = "certificat_destruction"
    LICENCE = "permis"
    OTHER = "autre"


class DueKind(StrEnum):
    INSPECTION = "controle_technique"
    INSURANCE = "assurance"
    LEASE_END = "fin_de_contrat"
    LICENCE_CHECK = "verification_permis"
    EXIT_PROOF = "preuve_de_sortie"
    CUSTOM = "autre"


class Vehicle(TenantScoped, Base):
    """Véhicule : in the fleet from `entered_at` until `left_at` (half-open instants), known by its plate.

    `counts_in_quota` says whether it takes one of the order form's places. The antai_* instants say what the
    agency was told: declared (sent), acknowledged, withdrawn. `is_pool`: shared, taken for short uses.
    """

    __tablename__ = "vehicles"
    __table_args__ = (
        CheckConstraint("left_at IS NULL OR left_at > entered_at", name="leaves_after_entry"),
        Index(None, "organisation_id", "country", "plate_key", unique=True),
        Index(None, "organisation_id", "site", "plate_key", "id", "left_at"),
        Index(None, "organisation_id", "site", "left_at"),
        Index(None, "organisation_id", "make", "model", "id"),
        Index(None, "organisation_id", "plate_key", "id", "left_at"),
    )

    country: Mapped[str] = mapped_column(String(2))
    plate_key: Mapped[str] = mapped_column(String(12))
    plate: Mapped[str] = mapped_column(String(16))
    make: Mapped[str] = mapped_column(String(40), default="")
    model: Mapped[str] = mapped_column(String(60), default="")
    category: Mapped[str] = mapped_column(String(20), default="")
    vin: Mapped[str | None] = mapped_column(String(17))
    first_registered_on: Mapped[date | None] = mapped_column(Date)
    holding: Mapped[str] = mapped_column(String(12), default=Holding.OWNED)
    formula_number: Mapped[str] = mapped_column(String(15), default="")
    energy: Mapped[str] = mapped_column(String(24), default="")
    co2_g_per_km: Mapped[int | None]
    registered_to: Mapped[str] = mapped_column(String(80), default="")
    lessor: Mapped[str] = mapped_column(String(80), default="")
    cost_centre: Mapped[str] = mapped_column(String(40), default="")
    is_pool: Mapped[bool] = mapped_column(default=False)
    site: Mapped[str] = mapped_column(String(80), default="")
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    left_because: Mapped[str | None] = mapped_column(String(12))
    counts_in_quota: Mapped[bool] = mapped_column(default=True)
    antai_declared_at: Mapped[datetime | None]
    antai_acknowledged_at: Mapped[datetime | None]
    antai_withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class VehicleAbsence(TenantScoped, Base):
    """Absence : a vehicle was out of the fleet from `left_at` until `back_at` (half-open), and came back.

    Nobody holds it meanwhile. An exit that stands is in the vehicle's own row.
    """

    __tablename__ = "vehicle_absences"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "vehicle_id"], ["vehicles.organisation_id", "vehicles.id"]),
        CheckConstraint("back_at > left_at", name="back_after_exit"),
        Index(None, "organisation_id", "vehicle_id"),
    )

    vehicle_id: Mapped[UUID]
    left_at: Mapped[datetime]
    back_at: Mapped[datetime]
    left_because: Mapped[str] = mapped_column(String(12))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


class Driver(TenantScoped, Base):
    """Conducteur : a natural person without an account; who it is stands in the sealed `box`.

    `is_designable` is true when the details that a designation needs are all there.
    """

    __tablename__ = "drivers"
    __table_args__ = (Index(None, "organisation_id", "staff_number", unique=True),)

    staff_number: Mapped[str | None] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(20), default=DriverKind.EMPLOYEE)
    left_on: Mapped[date | None] = mapped_column(Date)
    is_designable: Mapped[bool] = mapped_column(default=False)
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class DistinctDrivers(TenantScoped, Base):
    """Homonymes : two files of one name and birth date that somebody said to be two persons', the lower id first."""

    __tablename__ = "distinct_drivers"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "first_id"], ["drivers.organisation_id", "drivers.id"]),
        ForeignKeyConstraint(["organisation_id", "second_id"], ["drivers.organisation_id", "drivers.id"]),
        CheckConstraint("first_id < second_id", name="in_order"),
        Index(None, "organisation_id", "first_id", "second_id", unique=True),
        Index(None, "organisation_id", "second_id"),
        Index(None, "organisation_id", "created_at", "id"),
    )

    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


class Assignment(TenantScoped, Base):
    """Attribution : one driver holds one vehicle from `starts_at` until `ends_at` (half-open; None = open).

    The database refuses overlaps on one vehicle, so that every instant has exactly one holder or nobody.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "vehicle_id"], ["vehicles.organisation_id", "vehicles.id"]),
        ForeignKeyConstraint(["organisation_id", "driver_id"], ["drivers.organisation_id", "drivers.id"]),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_after_start"),
        Index(None, "organisation_id", "vehicle_id", "starts_at", unique=True),
        Index(None, "organisation_id", "driver_id", "starts_at"),
    )

    vehicle_id: Mapped[UUID]
    driver_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(String(10), default=AssignmentSource.TYPED)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


def _of_one_subject(table: str) -> tuple:
    """The columns' constraints of a table whose rows belong to one vehicle or to one driver."""
    return (
        ForeignKeyConstraint(["organisation_id", "vehicle_id"], ["vehicles.organisation_id", "vehicles.id"]),
        ForeignKeyConstraint(["organisation_id", "driver_id"], ["drivers.organisation_id", "drivers.id"]),
        CheckConstraint("(vehicle_id IS NULL) <> (driver_id IS NULL)", name="of_one_subject"),
        Index(f"ix_{table}_of_vehicle", "organisation_id", "vehicle_id"),
        Index(f"ix_{table}_of_driver", "organisation_id", "driver_id"),
    )


class FleetDocument(TenantScoped, Base):
    """Document : a paper of one vehicle or of one driver, and the sealed file that holds it."""

    __tablename__ = "fleet_documents"
    __table_args__ = (
        *_of_one_subject("fleet_documents"),
        ForeignKeyConstraint(["organisation_id", "file_id"], [StoredFile.organisation_id, StoredFile.id]),
        Index(None, "organisation_id", "file_id", unique=True),
    )

    vehicle_id: Mapped[UUID | None]
    driver_id: Mapped[UUID | None]
    file_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(30))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


class DueDate(TenantScoped, Base):
    """Échéance : what has to be done on a vehicle or for a driver by `due_on` (a local day), until `done_on`.

    `is_computed`: follows from a rule, and moves with what the rule reads; others were typed.
    """

    __tablename__ = "due_dates"
    __table_args__ = (
        *_of_one_subject("due_dates"),
        Index(None, "organisation_id", "done_on", "due_on", "id"),
    )

    vehicle_id: Mapped[UUID | None]
    driver_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(80), default="")
    due_on: Mapped[date] = mapped_column(Date)
    is_computed: Mapped[bool] = mapped_column(default=False)
    done_on: Mapped[date | None] = mapped_column(Date)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


class ImportMapping(TenantScoped, Base):
    """Correspondance : what a client's workbooks mean by a heading, as somebody chose it; "" is « ne pas importer »."""

    __tablename__ = "import_mappings"
    __table_args__ = (Index(None, "organisation_id", "sheet", "heading", unique=True),)

    sheet: Mapped[str] = mapped_column(String(20))
    heading: Mapped[str] = mapped_column(String(80))
    field: Mapped[str] = mapped_column(String(40))


OVERLAP_NAME = "assignments_do_not_overlap"
POSTGRESQL_NO_OVERLAP = (
    f"ALTER TABLE assignments ADD CONSTRAINT {OVERLAP_NAME} EXCLUDE USING gist "
    "(organisation_id WITH =, vehicle_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&)"
)


def sqlite_no_overlap(moment: str) -> str:
    """The SQLite trigger that refuses an overlap, for `INSERT` or `UPDATE`."""
    return (
        f"CREATE TRIGGER {OVERLAP_NAME}_{moment.lower()} BEFORE {moment} ON assignments "
        "WHEN EXISTS (SELECT 1 FROM assignments AS other "
        "WHERE other.organisation_id = NEW.organisation_id AND other.vehicle_id = NEW.vehicle_id "
        "AND other.id <> NEW.id AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at) "
        "AND (other.ends_at IS NULL OR other.ends_at > NEW.starts_at)) "
        f"BEGIN SELECT RAISE(ABORT, '{OVERLAP_NAME}'); END"
    )


_table = Assignment.__table__
event.listen(_table, "before_create", DDL("CREATE EXTENSION IF NOT EXISTS btree_gist").execute_if(dialect="postgresql"))
event.listen(_table, "after_create", DDL(POSTGRESQL_NO_OVERLAP).execute_if(dialect="postgresql"))
for _moment in ("INSERT", "UPDATE"):
    event.listen(_table, "after_create", DDL(sqlite_no_overlap(_moment)).execute_if(dialect="sqlite"))
