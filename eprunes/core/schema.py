"""Whether the database's schema is the one this program was written for."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from eprunes.core.database import db


def is_current() -> bool:
    """True when the database stands at the newest migration. Raises SQLAlchemyError when unreachable."""
    scripts = ScriptDirectory(current_app.extensions["migrate"].directory)
    with db.engine.execution_options(read_only=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == scripts.get_current_head()
