"""The clients that everything is measured on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update

from bench.installations import tidy
from bench.sizes import Size
from eprunes.accounts.models import OrderForm
from eprunes.accounts.permissions import Actor
from eprunes.core import clock
from eprunes.core.database import tenant_session
from eprunes.fleet.models import Vehicle
from tests.fleet.fleets import fill
from tests.support.worlds import World, actor, make_world, open_session


@dataclass(frozen=True)
class Setting:
    """A filled installation: the client measured on, another with more drivers, and who asks, since `as_of`."""

    app: Flask
    size: Size
    world: World
    actor: Actor
    token: str
    many_drivers_token: str
    administrator_token: str
    as_of: datetime

    @property
    def organisation_id(self) -> UUID:
        return self.world.organisation_id

    def vehicles(self) -> list[tuple[UUID, str]]:
        """(id, plate's key) of every vehicle, by plate."""
        query = select(Vehicle.id, Vehicle.plate_key).where(Vehicle.organisation_id == self.organisation_id)
        with tenant_session(self.organisation_id) as session:
            return [(row.id, row.plate_key) for row in session.execute(query.order_by(Vehicle.plate_key))]


def fill_installation(app: Flask, size: Size) -> Setting:
    """Fill an empty installation."""
    as_of = clock.now()
    world, other = make_world(0, as_of=as_of), make_world(1, as_of=as_of)
    fill(world, vehicle_count=size.vehicles, driver_count=size.drivers, as_of=as_of)
    fill(other, vehicle_count=size.vehicles, driver_count=size.searched_drivers, as_of=as_of)
    _allow_imports(world, size)
    tidy()
    who = actor(world.both, as_of)
    tokens = (open_session(one, as_of) for one in (world.both, other.both, world.admin))
    return Setting(app, size, world, who, *tokens, as_of)


def _allow_imports(world: World, size: Size) -> None:
    places = size.vehicles + (size.imports + 1) * size.imported_vehicles
    mine = OrderForm.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id, write=True) as session:
        session.execute(update(OrderForm).where(mine).values(vehicle_quota=places))
