"""Finding the notices whose paper came without going through the others; when a person agreed to a long task

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-23 02:08:06.726101

"""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_notices_on_paper"
WHERE = "sent_on IS NOT NULL"


def upgrade():
    columns, where = ["organisation_id", "deadline_on"], sa.text(WHERE)
    op.create_index(NAME, "notices", columns, sqlite_where=where, postgresql_where=where)
    with op.batch_alter_table("work_tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    with op.batch_alter_table("work_tasks", schema=None) as batch_op:
        batch_op.drop_column("agreed_at")
    op.drop_index(NAME, "notices")
