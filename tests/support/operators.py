"""Operators, and the client they visit."""

import pytest

from eprunes.accounts.services import users
from tests.support.worlds import AS_OF

OPERATOR = "exploitant@exploitation.example"


@pytest.fixture
def operator(signed_in):
    """A browser signed in as an operator."""
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    return signed_in(OPERATOR)


@pytest.fixture
def visiting(operator, world):
    """A browser in which an operator visits the first client."""
    path = f"/exploitation/clients/{world.organisation_id}/visite"
    assert operator.post(path, data={"reason": "Demande d’assistance 1024"}).status_code == 302
    return operator
