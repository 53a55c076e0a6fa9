"""Fines in depth

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22 15:58:08.417246

"""

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OWN = "organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid"
BEFORE = "state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree')"
SINCE = "state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree', 'a_poster')"


def answers_stand(condition):
    with op.batch_alter_table("answers", schema=None) as batch_op:
        batch_op.drop_index("uq_answers_standing")
        batch_op.create_index(
            "uq_answers_standing",
            ["organisation_id", "notice_id"],
            unique=True,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )


def rows_of_every_tenant(table, statement):
    """The tables' owner is bound to a tenant by FORCE; a migration is not."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    if is_postgresql:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def know_notices_received_before():
    """All came from the agency: 45 days from posting; nobody is told once more of what came long ago."""
    due = "posted_on + 45" if op.get_bind().dialect.name == "postgresql" else "date(posted_on, '+45 days')"
    seen = "announced_at = posted_at, first_opened_at = posted_at, escalated_at = posted_at"
    rows_of_every_tenant("notices", f"UPDATE notices SET deadline_on = {due}, {seen}")


def upgrade():
    op.create_table(
        "notice_counts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("site", sa.String(length=80), nullable=False),
        sa.Column("natinf", sa.String(length=6), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("designated", sa.Integer(), nullable=False),
        sa.Column("impossible", sa.Integer(), nullable=False),
        sa.Column("filed", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_notice_counts_organisation_id_organisations"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_notice_counts")),
    )
    with op.batch_alter_table("notice_counts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_notice_counts_organisation_id_month_site_natinf"),
            ["organisation_id", "month", "site", "natinf"],
            unique=True,
        )

    op.create_table(
        "driver_requests",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.String(length=10), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "notice_id"],
            ["notices.organisation_id", "notices.id"],
            name=op.f("fk_driver_requests_organisation_id_notice_id_notices"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_driver_requests_organisation_id_organisations"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_driver_requests")),
    )
    with op.batch_alter_table("driver_requests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_driver_requests_organisation_id_notice_id"), ["organisation_id", "notice_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_driver_requests_organisation_id_token_hash"), ["organisation_id", "token_hash"], unique=True
        )

    op.create_table(
        "notice_files",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "file_id"],
            ["stored_files.organisation_id", "stored_files.id"],
            name=op.f("fk_notice_files_organisation_id_file_id_stored_files"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "notice_id"],
            ["notices.organisation_id", "notices.id"],
            name=op.f("fk_notice_files_organisation_id_notice_id_notices"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_notice_files_organisation_id_organisations"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_notice_files")),
    )
    with op.batch_alter_table("notice_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_notice_files_organisation_id_file_id"), ["organisation_id", "file_id"], unique=True
        )
        batch_op.create_index(
            batch_op.f("ix_notice_files_organisation_id_notice_id"), ["organisation_id", "notice_id"], unique=False
        )

    op.create_table(
        "notice_notes",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "notice_id"],
            ["notices.organisation_id", "notices.id"],
            name=op.f("fk_notice_notes_organisation_id_notice_id_notices"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_notice_notes_organisation_id_organisations"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_notice_notes")),
    )
    with op.batch_alter_table("notice_notes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_notice_notes_organisation_id_notice_id_written_at"),
            ["organisation_id", "notice_id", "written_at"],
            unique=False,
        )

    with op.batch_alter_table("answers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=8), nullable=False, server_default="antai"))
        batch_op.add_column(sa.Column("replaces", sa.Uuid(), nullable=True))

    with op.batch_alter_table("drivers", schema=None) as batch_op:
        batch_op.alter_column(
            "kind", existing_type=sa.VARCHAR(length=10), type_=sa.String(length=20), existing_nullable=False
        )

    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=14), nullable=False, server_default="contravention"))
        batch_op.add_column(sa.Column("deadline_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("counted_site", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("entered_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("designation_asked", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("first_opened_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("reminded_days", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_notices_organisation_id_announced_at"), ["organisation_id", "announced_at"], unique=False
        )
        batch_op.drop_column("after_exit")
        batch_op.drop_column("before_entry")

    know_notices_received_before()
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.alter_column("deadline_on", existing_type=sa.Date(), nullable=False)
        batch_op.create_index(
            "ix_notices_by_deadline",
            ["organisation_id", "is_answered", "state", "deadline_on", "id", "posted_on"],
            unique=False,
        )
        batch_op.drop_index(batch_op.f("ix_notices_organisation_id_is_answered_posted_on_id"))

    answers_stand(SINCE)
    with op.batch_alter_table("offences", schema=None) as batch_op:
        batch_op.add_column(sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mail_rhythm", sa.String(length=14), nullable=False, server_default="quotidien"))
        batch_op.add_column(sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))

    for table, column in (
        ("answers", "channel"),
        ("notices", "kind"),
        ("notices", "reminded_days"),
        ("notices", "counted_site"),
        ("users", "mail_rhythm"),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:  # the default was for the rows already there
            batch_op.alter_column(column, server_default=None)

    if op.get_bind().dialect.name == "postgresql":
        for table in ("notice_counts", "driver_requests", "notice_files", "notice_notes"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenant ON {table} USING ({OWN}) WITH CHECK ({OWN})")


def downgrade():
    rows_of_every_tenant("answers", "UPDATE answers SET state = 'enregistree' WHERE state = 'a_poster'")
    answers_stand(BEFORE)
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("told_at")
        batch_op.drop_column("mail_rhythm")

    with op.batch_alter_table("offences", schema=None) as batch_op:
        batch_op.drop_column("edited_at")

    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("before_entry", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("after_exit", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_index(batch_op.f("ix_notices_organisation_id_announced_at"))
        batch_op.drop_column("escalated_at")
        batch_op.drop_column("reminded_days")
        batch_op.drop_column("announced_at")
        batch_op.drop_column("first_opened_at")
        batch_op.drop_column("designation_asked")
        batch_op.drop_column("entered_by")
        batch_op.drop_index("ix_notices_by_deadline")
        batch_op.create_index(
            batch_op.f("ix_notices_organisation_id_is_answered_posted_on_id"),
            ["organisation_id", "is_answered", "posted_on", "id"],
            unique=False,
        )
        batch_op.drop_column("deadline_on")
        batch_op.drop_column("counted_site")
        batch_op.drop_column("kind")

    with op.batch_alter_table("drivers", schema=None) as batch_op:
        batch_op.alter_column(
            "kind", existing_type=sa.String(length=20), type_=sa.VARCHAR(length=10), existing_nullable=False
        )

    with op.batch_alter_table("answers", schema=None) as batch_op:
        batch_op.drop_column("replaces")
        batch_op.drop_column("channel")

    with op.batch_alter_table("notice_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_notes_organisation_id_notice_id_written_at"))

    op.drop_table("notice_notes")
    with op.batch_alter_table("notice_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_files_organisation_id_notice_id"))
        batch_op.drop_index(batch_op.f("ix_notice_files_organisation_id_file_id"))

    op.drop_table("notice_files")
    with op.batch_alter_table("driver_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_driver_requests_organisation_id_token_hash"))
        batch_op.drop_index(batch_op.f("ix_driver_requests_organisation_id_notice_id"))

    op.drop_table("driver_requests")
    with op.batch_alter_table("notice_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_counts_organisation_id_month_site_natinf"))

    op.drop_table("notice_counts")
