"""A database server that restarts costs no page: connections that it closed are noticed before they are used."""

import time

import psycopg
import pytest

from eprunes.core.database import db

_ENDING = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> %s"


@pytest.fixture
def lose_connections(app, environ):
    """A function that ends every idle connection of the application, in both stores."""

    def lose() -> None:
        if db.engine.dialect.name != "postgresql":
            db.engine.dispose()
            return
        with psycopg.connect(environ["EPRUNES_DATABASE_URL"]) as connection:
            ended = connection.execute(_ENDING, (connection.info.backend_pid,)).fetchall()
        assert ended
        time.sleep(0.2)  # for the server's farewell to arrive

    return lose


def test_the_next_page_after_a_restart_of_the_database_is_whole(signed_in, world, lose_connections):
    browser = signed_in(world.both)
    assert browser.get("/vehicules").status_code == 200
    lose_connections()
    assert browser.get("/vehicules").status_code == 200
    assert browser.get("/conducteurs").status_code == 200
