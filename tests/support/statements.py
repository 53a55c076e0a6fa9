"""What a call asks of the database, to compare one call with another."""

from collections.abc import Callable

from sqlalchemy import event

from eprunes.core.database import db


def statements_of(call: Callable[[], object]) -> list[str]:
    """The statements that a call sends, in order, without their values."""
    sent = []

    def note(connection, cursor, statement, parameters, context, executemany):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return sent
