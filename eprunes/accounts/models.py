"""Tables of organisations, order forms, users, identities and sessions."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.database import Base, PlatformWide, TenantScoped, new_id


class OrganisationState(StrEnum):
    ACTIVE = "actif"
    SUSPENDED = "suspendu"


class UserState(StrEnum):
    ACTIVE = "actif"
    SUSPENDED = "suspendu"


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
    """Utilisateur : a person of the client with an account; exactly one is the administrator (C3.2-a)."""

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
    created_at: Mapped[datetime]


class Identity(PlatformWide, Base):
    """Identité : one e-mail address, one account, platform-wide (C3.2-b)."""

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


class UserSession(PlatformWide, Base):
    """Session : an open sign-in, known by the hash of the cookie's random value."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["identity_id"], ["identities.id"], ondelete="CASCADE"),
        Index(None, "identity_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    identity_id: Mapped[UUID]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(45), default="")
    device: Mapped[str] = mapped_column(String(200), default="")
