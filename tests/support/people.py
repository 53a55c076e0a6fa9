"""The people of a client as the database holds them."""

from sqlalchemy import select

from eprunes.accounts.models import User
from eprunes.core.database import tenant_session
from tests.support.worlds import World


def user_row(world: World, email: str) -> User | None:
    """A client's user by their address."""
    with tenant_session(world.organisation_id) as session:
        query = select(User).where(User.organisation_id == world.organisation_id, User.email == email)
        return session.scalar(query)
