"""Tables of notices, answers, their thread, and the catalogue of offences."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, PlatformWide, TenantScoped, new_id
from eprunes.fines.answering import NoticeState

_ANSWER_STANDS = "state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree')"


class Offence(PlatformWide, Base):
    """Infraction : one line of the catalogue, valid from a day to a day (both included, None = open)."""

    __tablename__ = "offences"
    __table_args__ = (Index(None, "natinf", "valid_from", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    natinf: Mapped[str] = mapped_column(String(6))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    label: Mapped[str] = mapped_column(String(200))
    article: Mapped[str] = mapped_column(String(20))
    offence_class: Mapped[str] = mapped_column(String(10))
    points: Mapped[int | None]
    reduced_amount: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    standard_amount: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    increased_amount: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    automatic: Mapped[bool]
    designation_required: Mapped[bool | None]


class Notice(TenantScoped, Base):
    """Avis de contravention : one notification; place, number, speeds and raw record stand in the sealed box.

    `posted_on` is the Paris day of posting, `offence_day` the local day of the offence: the windows of
    contract.md 4.3 are counted from them. `is_answered` is true while an answer stands (not refused).
    """

    __tablename__ = "notices"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "vehicle_id"], ["vehicles.organisation_id", "vehicles.id"]),
        Index(None, "organisation_id", "number_fingerprint", unique=True),
        Index(None, "organisation_id", "is_answered", "posted_on", "id"),
        Index(None, "organisation_id", "offence_day"),
        Index(None, "organisation_id", "vehicle_id", "offence_at"),
    )

    source: Mapped[str] = mapped_column(String(12))
    number_fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    plate_fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    vehicle_id: Mapped[UUID | None]
    natinf: Mapped[str] = mapped_column(String(6))
    offence_at: Mapped[datetime]
    second_offence_at: Mapped[datetime | None]
    offence_zone: Mapped[str] = mapped_column(String(40))
    offence_day: Mapped[date] = mapped_column(Date)
    notice_date: Mapped[date | None] = mapped_column(Date)
    sent_on: Mapped[date | None] = mapped_column(Date)
    posted_at: Mapped[datetime]
    posted_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(12), default=NoticeState.TO_ANSWER)
    is_answered: Mapped[bool] = mapped_column(default=False)
    filing_reason: Mapped[str | None] = mapped_column(String(20))
    before_entry: Mapped[bool] = mapped_column(default=False)
    after_exit: Mapped[bool] = mapped_column(default=False)
    content_changed: Mapped[bool] = mapped_column(default=False)
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)


class Answer(TenantScoped, Base):
    """Réponse : a designation or a report of impossibility; also the outbox row that the connector sends.

    At most one answer of a notice stands at a time; a refused one stays as history. `agency_reference` is the
    identifier we give the agency, `receipt_number` the registration it answered with; the sealed `outcome_box`
    holds the agency's words when it refused.
    """

    __tablename__ = "answers"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "notice_id"], ["notices.organisation_id", "notices.id"]),
        CheckConstraint("kind IN ('designation', 'impossibilite')", name="kind_known"),
        Index(
            "uq_answers_standing",
            "organisation_id",
            "notice_id",
            unique=True,
            sqlite_where=text(_ANSWER_STANDS),
            postgresql_where=text(_ANSWER_STANDS),
        ),
        Index(None, "organisation_id", "state", "next_attempt_at"),
        Index(None, "organisation_id", "notice_id"),
    )

    notice_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(14))
    reason: Mapped[str | None] = mapped_column(String(20))
    driver_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(String(12))
    author_id: Mapped[UUID | None]
    confirmed_at: Mapped[datetime]
    agency_reference: Mapped[str] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    receipt_number: Mapped[str | None] = mapped_column(String(40))
    receipt_at: Mapped[datetime | None]
    outcome_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)


class NoticeEvent(TenantScoped, Base):
    """Fil d'un avis : dated facts shown under a notice (received, answered, sent, receipt, refused)."""

    __tablename__ = "notice_events"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "notice_id"], ["notices.organisation_id", "notices.id"]),
        Index(None, "organisation_id", "notice_id", "at"),
    )

    notice_id: Mapped[UUID]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    actor_id: Mapped[UUID | None]


class DestroyedNotice(TenantScoped, Base):
    """Avis détruit : a keyed fingerprint of its number and nothing else, so that it can never come back."""

    __tablename__ = "destroyed_notices"
    __table_args__ = (Index(None, "organisation_id", "number_fingerprint", unique=True),)

    number_fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    destroyed_on: Mapped[date] = mapped_column(Date)
