"""A browser for each role of the first client."""

import pytest

from tests.house import roles


@pytest.fixture
def people(app, world, frozen):
    """A browser for each role of the first organisation, and one that is not signed in."""
    roles.add_operator()
    return roles.browsers(app, world)
