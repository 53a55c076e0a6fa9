"""Tables of the connector: declared plates, records to review, exchanges."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, PlatformWide, TenantScoped, new_id


class DeclaredPlate(PlatformWide, Base):
    """Plaque déclarée : which client made a plate known to the agency, so that a record finds its client.

    One row per client and plate; it outlives the withdrawal, since notices may still come in.
    """

    __tablename__ = "declared_plates"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        Index(None, "country", "plate_key", "organisation_id", unique=True),
        Index(None, "organisation_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    country: Mapped[str] = mapped_column(String(2))
    plate_key: Mapped[str] = mapped_column(String(12))
    organisation_id: Mapped[UUID]
    vehicle_id: Mapped[UUID]
    declared_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class RecordToReview(PlatformWide, Base):
    """Enregistrement à examiner : malformed, or for a plate that nobody declared. Kept until dealt with."""

    __tablename__ = "records_to_review"
    __table_args__ = (Index(None, "fingerprint", unique=True), Index(None, "settled_at", "received_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    received_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(300))
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)


class Transmission(TenantScoped, Base):
    """Transmission : the exact bytes of an answer as they go to the agency, and what came back."""

    __tablename__ = "transmissions"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "answer_id"], ["answers.organisation_id", "answers.id"]),
        Index(None, "organisation_id", "answer_id", unique=True),
    )

    answer_id: Mapped[UUID]
    prepared_at: Mapped[datetime]
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)
