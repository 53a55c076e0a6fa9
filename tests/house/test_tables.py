"""Every table belongs to one organisation, down to its keys and indexes, or stands on a closed list."""

from uuid import UUID

import pytest
from sqlalchemy import ForeignKeyConstraint, Index, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, mapped_column, relationship

import eprunes.application  # noqa: F401 - loads every table
from eprunes.core.database import Base, PlatformWide, TenantScoped
from tests.house.sources import refuse

TENANT = "organisation_id"
PLATFORM_TABLES = {
    "organisations",
    "identities",
    "user_sessions",
    "recovery_codes",
    "one_time_tokens",
    "throttles",
    "sign_in_events",
    "operator_visits",
    "outgoing_mails",
    "job_states",
    "job_days",
    "offences",
    "declared_plates",
    "records_to_review",
}


def mapper_breaches(mappers: list[Mapper]) -> list[str]:
    """Tables that are neither of an organisation nor on the closed list, and relationships that write."""
    found = []
    for mapper in mappers:
        model, table = mapper.class_, mapper.local_table
        is_tenant, is_platform = issubclass(model, TenantScoped), issubclass(model, PlatformWide)
        if is_tenant == is_platform:
            found.append(f"{place(model)}: inherit from TenantScoped (or PlatformWide, with the list in this test)")
        if is_platform != (table.name in PLATFORM_TABLES):
            found.append(f"{place(model)}: {table.name} and the closed list of platform tables disagree")
        for relation in mapper.relationships:
            joined = {column.name for pair in relation.local_remote_pairs for column in pair}
            if not relation.viewonly or TENANT not in joined:
                found.append(f"{place(model)}.{relation.key}: make it viewonly and join on {TENANT} too")
    return found


def table_breaches(metadata: MetaData, platform_tables: set[str]) -> list[str]:
    """Keys, references and indexes of business tables that don't start with the organisation."""
    found = []
    for table in metadata.sorted_tables:
        if table.name in platform_tables:
            continue
        if [column.name for column in table.primary_key] != [TENANT, "id"]:
            found.append(f"{table.name}: its primary key must be ({TENANT}, id)")
        found += _index_breaches(table)
    for table in metadata.sorted_tables:
        found += _reference_breaches(table, platform_tables)
    return found


def _index_breaches(table: Table) -> list[str]:
    return [
        f"{table.name}.{index.name}: an index of a business table starts with {TENANT}"
        for index in table.indexes
        if [column.name for column in index.columns][:1] != [TENANT]
    ]


def _reference_breaches(table: Table, platform_tables: set[str]) -> list[str]:
    found = []
    for constraint in table.foreign_key_constraints:
        source = [column.name for column in constraint.columns]
        target = [element.column.name for element in constraint.elements]
        if constraint.referred_table.name not in platform_tables and (source[0] != TENANT or target != [TENANT, "id"]):
            found.append(f"{table.name}: reference {constraint.referred_table.name} by ({TENANT}, …) → ({TENANT}, id)")
        if "NULL" in (constraint.ondelete or "") or (
            "CASCADE" in (constraint.ondelete or "") and table.name not in platform_tables
        ):
            found.append(f"{table.name}: no ON DELETE {constraint.ondelete}: the service deletes step by step")
    return found


def place(model: type) -> str:
    return f"{model.__module__.replace('.', '/')}.py: {model.__name__}"


def test_every_table_belongs_to_an_organisation_or_to_the_closed_list():
    refuse(mapper_breaches(list(Base.registry.mappers)))
    platform = {mapper.local_table.name for mapper in Base.registry.mappers if issubclass(mapper.class_, PlatformWide)}
    assert platform == PLATFORM_TABLES


def test_keys_references_and_indexes_start_with_the_organisation():
    assert len(Base.metadata.tables) > len(PLATFORM_TABLES)
    refuse(table_breaches(Base.metadata, PLATFORM_TABLES))


@pytest.fixture
def planted() -> type:
    """A set of tables of its own."""

    class Planted(DeclarativeBase):
        pass

    class Trip(Planted):
        __tablename__ = "trips"
        organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
        id: Mapped[UUID] = mapped_column(primary_key=True)

    Planted.Trip = Trip  # the registry alone would let it go
    return Planted


def add(planted: type, *constraints, key: tuple[str, ...] = (TENANT, "id")) -> list[str]:
    """The findings once a table `stops` with these constraints has joined."""
    columns = {name: mapped_column(primary_key=name in key) for name in (TENANT, "id", "trip_id")}
    columns["town"] = mapped_column(String(20))
    hints = dict.fromkeys((TENANT, "id", "trip_id"), Mapped[UUID]) | {"town": Mapped[str]}
    body = {"__tablename__": "stops", "__table_args__": constraints, "__annotations__": hints, **columns}
    type("Stop", (planted,), body)
    return table_breaches(planted.metadata, set())


def test_a_sound_table_is_not_found(planted):
    assert (
        add(
            planted,
            ForeignKeyConstraint([TENANT, "trip_id"], [f"trips.{TENANT}", "trips.id"]),
            Index("ix_stops_town", TENANT, "town"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("key", "constraints", "fault"),
    [
        (("id",), [], "stops: its primary key"),
        ((TENANT, "id"), [Index("ix_town", "town")], "stops.ix_town: an index"),
        ((TENANT, "id"), [Index("ix_town", "town", TENANT)], "stops.ix_town: an index"),
        (
            (TENANT, "id"),
            [ForeignKeyConstraint(["trip_id", TENANT], ["trips.id", f"trips.{TENANT}"])],
            "stops: reference trips",
        ),
        (
            (TENANT, "id"),
            [ForeignKeyConstraint([TENANT, "trip_id"], [f"trips.{TENANT}", "trips.id"], ondelete="SET NULL")],
            "stops: no ON DELETE SET NULL",
        ),
        (
            (TENANT, "id"),
            [ForeignKeyConstraint([TENANT, "trip_id"], [f"trips.{TENANT}", "trips.id"], ondelete="CASCADE")],
            "stops: no ON DELETE CASCADE",
        ),
    ],
)
def test_a_table_that_forgets_the_organisation_is_found(planted, key, constraints, fault):
    [found] = add(planted, *constraints, key=key)
    assert found.startswith(fault)


def test_a_model_of_neither_kind_and_a_relationship_that_writes_are_found(planted):
    class Halt(planted):
        __tablename__ = "halts"
        __table_args__ = (ForeignKeyConstraint(["trip_id"], ["trips.id"]),)
        id: Mapped[UUID] = mapped_column(primary_key=True)
        trip_id: Mapped[UUID]
        trip = relationship("Trip", viewonly=True)

    found = mapper_breaches([Halt.__mapper__])
    assert len(found) == 2
    assert "inherit from TenantScoped" in found[0]
    assert "Halt.trip: make it viewonly" in found[1]


def test_a_platform_table_that_is_not_on_the_list_is_found(planted):
    class Note(PlatformWide, planted):
        __tablename__ = "notes"
        id: Mapped[UUID] = mapped_column(primary_key=True)

    [fault] = mapper_breaches([Note.__mapper__])
    assert "closed list" in fault
