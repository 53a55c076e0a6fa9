"""Tables of notices, answers, their thread, and the catalogue of offences."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
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
from eprunes.core.files import StoredFile
from eprunes.fines.answering import NoticeState

_ANSWER_STANDS = "state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree', 'a_poster')"
_ON_PAPER = "sent_on IS NOT NULL"


class NoticeKind(StrEnum):
    """What kind of document a notice is (*nature de l'avis*)."""

    OFFENCE = "contravention"
    PARKING_FEE = "fps"


class Channel(StrEnum):
    """How an answer travels (*voie*)."""

    AGENCY = "antai"
    LETTER = "courrier"


class NoticeFileKind(StrEnum):
    """What a file kept with a notice is (*pièce jointe*)."""

    NOTICE = "avis"
    PROOF = "piece"
    RECEIPT = "accuse"
    OTHER = "autre"


class Reply(StrEnum):
    """Who drove, as a driver says who was asked by link (*réponse du conducteur*)."""

    MINE = "moi"
    NOT_MINE = "pas_moi"


class Offence(PlatformWide, Base):
    """Infraction : one line of the catalogue, valid from a day to a day (both included, None = open).

    `edited_at`: when an operator last wrote it; loading the file leaves such a line as it is.
    """

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
    edited_at: Mapped[datetime | None]


class Notice(TenantScoped, Base):
    """Avis de contravention : one notification; place, number, speeds and raw record stand in the sealed box.

    `posted_on` is the Paris day of posting, `offence_day` the local day of the offence: the windows of
    contract.md 4.3 are counted from them. `is_answered` is true while an answer stands (not refused).
    `deadline_on`: the last day to act by the clock that counts for its source. `counted_site`: the site that the
    counters know it by, empty where too few people work there for figures to be anonymous.
    `designation_asked`: whether a paper notice says that designating is mandatory. What people were told of it:
    `announced_at` (it came), `reminded_days` (the last of the reminders), `escalated_at` (nobody had opened it).
    """

    __tablename__ = "notices"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "vehicle_id"], ["vehicles.organisation_id", "vehicles.id"]),
        Index(None, "organisation_id", "number_fingerprint", unique=True),
        Index("ix_notices_by_deadline", "organisation_id", "is_answered", "state", "deadline_on", "id", "posted_on"),
        Index(
            "ix_notices_on_paper",
            "organisation_id",
            "deadline_on",
            sqlite_where=text(_ON_PAPER),
            postgresql_where=text(_ON_PAPER),
        ),
        Index(None, "organisation_id", "announced_at"),
        Index(None, "organisation_id", "offence_day"),
        Index(None, "organisation_id", "vehicle_id", "offence_at"),
    )

    source: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(14), default=NoticeKind.OFFENCE)
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
    deadline_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(12), default=NoticeState.TO_ANSWER)
    is_answered: Mapped[bool] = mapped_column(default=False)
    filing_reason: Mapped[str | None] = mapped_column(String(20))
    content_changed: Mapped[bool] = mapped_column(default=False)
    counted_site: Mapped[str] = mapped_column(String(80), default="")
    entered_by: Mapped[UUID | None]
    designation_asked: Mapped[bool | None]
    first_opened_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    reminded_days: Mapped[int] = mapped_column(default=0)
    escalated_at: Mapped[datetime | None]
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)


class Answer(TenantScoped, Base):
    """Réponse : a designation or a report of impossibility; also the outbox row that the connector sends.

    At most one answer of a notice stands at a time; a refused one stays as history. `agency_reference` is the
    identifier we give the agency, `receipt_number` the registration it answered with; the sealed `outcome_box`
    holds the agency's words when it refused. One whose `channel` is the post has the number of the registered letter
    and the day it was posted for its receipt. `replaces`: the registered answer that this one corrects.
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
    channel: Mapped[str] = mapped_column(String(8), default=Channel.AGENCY)
    replaces: Mapped[UUID | None]
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


class NoticeNote(TenantScoped, Base):
    """Note interne : what users write for each other under a notice, sealed with the notice's key."""

    __tablename__ = "notice_notes"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "notice_id"], ["notices.organisation_id", "notices.id"]),
        Index(None, "organisation_id", "notice_id", "written_at"),
    )

    notice_id: Mapped[UUID]
    author_id: Mapped[UUID | None]
    written_at: Mapped[datetime]
    key_id: Mapped[UUID]
    box: Mapped[bytes] = mapped_column(LargeBinary)


class NoticeFile(TenantScoped, Base):
    """Pièce jointe : a file kept with a notice (its scan, a proof of an answer, a receipt), sealed on its own."""

    __tablename__ = "notice_files"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "notice_id"], ["notices.organisation_id", "notices.id"]),
        ForeignKeyConstraint(["organisation_id", "file_id"], [StoredFile.organisation_id, StoredFile.id]),
        Index(None, "organisation_id", "notice_id"),
        Index(None, "organisation_id", "file_id", unique=True),
    )

    notice_id: Mapped[UUID]
    file_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(10))
    author_id: Mapped[UUID | None]
    added_at: Mapped[datetime]


class DriverRequest(TenantScoped, Base):
    """Demande au conducteur : a link, for one notice, by which a driver without an account completes their details.

    Known by the hash of its token. The sealed box holds what the driver wrote, under the notice's key. Dead once
    answered, revoked or expired.
    """

    __tablename__ = "driver_requests"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "notice_id"], ["notices.organisation_id", "notices.id"]),
        Index(None, "organisation_id", "token_hash", unique=True),
        Index(None, "organisation_id", "notice_id"),
    )

    notice_id: Mapped[UUID]
    driver_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(String(10))
    key_id: Mapped[UUID]
    box: Mapped[bytes | None] = mapped_column(LargeBinary)


class NoticeCount(TenantScoped, Base):
    """Compteur : how many notices of a month, site and offence came in, and what became of them.

    Written as things happen, so that it outlives the notices; holds no driver, plate or instant. `answer_days` is
    the sum of the days from posting to the answers that stand.
    """

    __tablename__ = "notice_counts"
    __table_args__ = (Index(None, "organisation_id", "month", "site", "natinf", unique=True),)

    month: Mapped[date] = mapped_column(Date)
    site: Mapped[str] = mapped_column(String(80))
    natinf: Mapped[str] = mapped_column(String(6))
    received: Mapped[int] = mapped_column(default=0)
    designated: Mapped[int] = mapped_column(default=0)
    impossible: Mapped[int] = mapped_column(default=0)
    filed: Mapped[int] = mapped_column(default=0)
    in_time: Mapped[int] = mapped_column(default=0)
    missed: Mapped[int] = mapped_column(default=0)
    answer_days: Mapped[int] = mapped_column(default=0)


class DestroyedNotice(TenantScoped, Base):
    """Avis détruit : a keyed fingerprint of its number and nothing else, so that it can never come back."""

    __tablename__ = "destroyed_notices"
    __table_args__ = (Index(None, "organisation_id", "number_fingerprint", unique=True),)

    number_fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    destroyed_on: Mapped[date] = mapped_column(Date)
