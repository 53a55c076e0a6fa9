"""Tables of organisations, order forms, users, identities and sessions."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.accounts.retention import has_ended
from eprunes.core.database import Base, PlatformWide, TenantScoped, new_id


class OrganisationState(StrEnum):
    ACTIVE = "actif"
    SUSPENDED = "suspendu"


class MailRhythm(StrEnum):
    """How often a user is told of notices by mail (*rythme des courriels*); what the deadlines ask for comes anyway."""

    DAILY = "quotidien"
    WEEKLY = "hebdomadaire"
    DEADLINES_ONLY = "echeances"


class UserState(StrEnum):
    INVITED = "invite"
    ACTIVE = "actif"
    SUSPENDED = "suspendu"
    DELETED = "supprime"


class IdentityKind(StrEnum):
    USER = "utilisateur"
    OPERATOR = "exploitant"


class Organisation(PlatformWide, Base):
    """Client : the legal person that subscribes, and the tenant of all its data."""

    __tablename__ = "organisations"
    __table_args__ = (
        Index(
            "uq_organisations_number",
            "number_kind",
            "number",
            unique=True,
            sqlite_where=text("purged_at IS NULL"),
            postgresql_where=text("purged_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    number_kind: Mapped[str] = mapped_column(String(10))
    number: Mapped[str] = mapped_column(String(20))
    zone: Mapped[str] = mapped_column(String(40), default="Europe/Paris")
    state: Mapped[str] = mapped_column(String(10), default=OrganisationState.ACTIVE)
    created_at: Mapped[datetime]
    contract_ends_on: Mapped[date | None] = mapped_column(Date)
    purged_at: Mapped[datetime | None]

    def is_over(self, as_of: datetime) -> bool:
        """True from the end of the contract on (C3.4), and for good once the data are purged."""
        return self.purged_at is not None or has_ended(self.contract_ends_on, as_of)


class OrderForm(TenantScoped, Base):
    """Bon de commande : number of vehicles and tools from a day on; the last effective one rules (C4.1-b)."""

    __tablename__ = "order_forms"
    __table_args__ = (
        CheckConstraint("vehicle_quota >= 0", name="quota_not_negative"),
        Index(None, "organisation_id", "effective_from"),
    )

    effective_from: Mapped[date] = mapped_column(Date)
    vehicle_quota: Mapped[int]
    fleet_tool: Mapped[bool]
    fines_tool: Mapped[bool]
    created_at: Mapped[datetime]


class VehicleCount(TenantScoped, Base):
    """Véhicules comptés dans le quota : one row per organisation, moved by conditional updates only."""

    __tablename__ = "vehicle_counts"
    __table_args__ = (
        CheckConstraint("used >= 0", name="used_not_negative"),
        Index(None, "organisation_id", unique=True),
    )

    used: Mapped[int] = mapped_column(default=0)


class User(TenantScoped, Base):
    """Utilisateur : a person of the client with an account; exactly one is the administrator (C3.2-a).

    Invited users have no identity yet; deleted ones keep theirs, so that their address stays taken, until purged.
    `told_at`: until when they have been told of notices by mail.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index(
            "uq_users_administrator",
            "organisation_id",
            unique=True,
            sqlite_where=text("is_administrator"),
            postgresql_where=text("is_administrator"),
        ),
    )

    email: Mapped[str] = mapped_column(String(254))
    display_name: Mapped[str] = mapped_column(String(120))
    fleet_right: Mapped[bool] = mapped_column(default=False)
    fines_right: Mapped[bool] = mapped_column(default=False)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10), default=UserState.ACTIVE)
    mail_rhythm: Mapped[str] = mapped_column(String(14), default=MailRhythm.DAILY)
    told_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    invitation_ends_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Identity(PlatformWide, Base):
    """Identité : one e-mail address, one account, platform-wide (C3.2-b).

    The TOTP secret stands in a sealed box of the platform; `totp_last_step` is the last step used up. A blocked
    identity enters nowhere until it is unblocked (C3.3-d).
    """

    __tablename__ = "identities"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "user_id"], ["users.organisation_id", "users.id"]),
        CheckConstraint(
            "(kind = 'utilisateur') = (organisation_id IS NOT NULL AND user_id IS NOT NULL)",
            name="user_or_operator",
        ),
        Index(None, "email", unique=True),
        Index(None, "organisation_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))
    kind: Mapped[str] = mapped_column(String(12))
    organisation_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    blocked_at: Mapped[datetime | None]
    blocked_by: Mapped[str | None] = mapped_column(String(16))
    totp_key_id: Mapped[UUID | None]
    totp_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]


class RecoveryCode(PlatformWide, Base):
    """Code de secours : replaces one code of the second factor, once; known by its hash."""

    __tablename__ = "recovery_codes"
    __table_args__ = (ForeignKeyConstraint(["identity_id"], ["identities.id"], ondelete="CASCADE"),)

    identity_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[datetime | None]


class UserSession(PlatformWide, Base):
    """Session : an open sign-in, known by the hash of the cookie's random value.

    `second_factor_at` is when the second factor was given, `confirmed_at` when the person last proved who they
    are, `visit_id` the visit that an operator makes in it.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["identity_id"], ["identities.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["visit_id"], ["operator_visits.id"]),
        Index(None, "identity_id"),
        Index(None, "id", unique=True),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    id: Mapped[UUID] = mapped_column(default=new_id)
    identity_id: Mapped[UUID]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    second_factor_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    visit_id: Mapped[UUID | None]
    address: Mapped[str] = mapped_column(String(45), default="")
    device: Mapped[str] = mapped_column(String(200), default="")


class TokenPurpose(StrEnum):
    INVITATION = "invitation"
    RESET = "reinitialisation"
    NOT_ME = "pas_moi"


class OneTimeToken(PlatformWide, Base):
    """Lien à usage unique : sent by mail, known by its hash, used by posting only.

    An invitation names the invited user; the others name an identity, or nobody when the address is unknown.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        ForeignKeyConstraint(["identity_id"], ["identities.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        Index(None, "identity_id"),
        Index(None, "organisation_id", "user_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    identity_id: Mapped[UUID | None]
    organisation_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class Throttle(PlatformWide, Base):
    """Frein : failures counted under one keyed fingerprint (an account, an address, both), never for good."""

    __tablename__ = "throttles"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    closed_until: Mapped[datetime | None]


class SignInEvent(PlatformWide, Base):
    """Tentative de connexion : written for known and unknown addresses alike (C11), kept twelve months."""

    __tablename__ = "sign_in_events"
    __table_args__ = (
        ForeignKeyConstraint(["identity_id"], ["identities.id"], ondelete="CASCADE"),
        Index(None, "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    identity_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(45), default="")
    device: Mapped[str] = mapped_column(String(200), default="")
    recorded_at: Mapped[datetime | None]


class OperatorVisit(PlatformWide, Base):
    """Visite : an operator reads one client's data for a stated reason, for a while; the client sees the trace."""

    __tablename__ = "operator_visits"
    __table_args__ = (
        ForeignKeyConstraint(["identity_id"], ["identities.id"]),
        ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        Index(None, "organisation_id", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    identity_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(String(300))
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class HandoverKind(StrEnum):
    AGREED = "accord"
    PROVEN = "preuve"


class Handover(TenantScoped, Base):
    """Passation : the administrator account goes to another user (decision 6); one open at a time.

    Agreed: effective when the other user accepts, until `ends_at`. Proven, by the operator: effective at `due_at`
    unless cancelled.
    """

    __tablename__ = "handovers"
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "from_user_id"], ["users.organisation_id", "users.id"]),
        ForeignKeyConstraint(["organisation_id", "to_user_id"], ["users.organisation_id", "users.id"]),
        Index(
            "uq_handovers_open",
            "organisation_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    kind: Mapped[str] = mapped_column(String(10))
    from_user_id: Mapped[UUID]
    to_user_id: Mapped[UUID]
    proof: Mapped[str | None] = mapped_column(String(500))
    started_by: Mapped[UUID]
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(12))

    def has_lapsed(self, as_of: datetime) -> bool:
        """True for a proposal that nobody accepted in time."""
        return self.ends_at is not None and as_of >= self.ends_at
