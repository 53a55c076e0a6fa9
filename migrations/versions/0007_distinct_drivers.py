"""Distinct drivers

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22 14:54:03.480628

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

OWN = "organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid"


def upgrade():
    op.create_table('distinct_drivers',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('first_id', sa.Uuid(), nullable=False),
    sa.Column('second_id', sa.Uuid(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('first_id < second_id', name=op.f('ck_distinct_drivers_in_order')),
    sa.ForeignKeyConstraint(['organisation_id', 'first_id'], ['drivers.organisation_id', 'drivers.id'], name=op.f('fk_distinct_drivers_organisation_id_first_id_drivers')),
    sa.ForeignKeyConstraint(['organisation_id', 'second_id'], ['drivers.organisation_id', 'drivers.id'], name=op.f('fk_distinct_drivers_organisation_id_second_id_drivers')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_distinct_drivers_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_distinct_drivers'))
    )
    with op.batch_alter_table('distinct_drivers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_distinct_drivers_organisation_id_created_at_id'), ['organisation_id', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_distinct_drivers_organisation_id_first_id_second_id'), ['organisation_id', 'first_id', 'second_id'], unique=True)
        batch_op.create_index(batch_op.f('ix_distinct_drivers_organisation_id_second_id'), ['organisation_id', 'second_id'], unique=False)

    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entries_organisation_id_subject_id_at_id'), ['organisation_id', 'subject_id', 'at', 'id'], unique=False)

    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE distinct_drivers ENABLE ROW LEVEL SECURITY')
        op.execute('ALTER TABLE distinct_drivers FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY tenant ON distinct_drivers USING ({OWN}) WITH CHECK ({OWN})')


def downgrade():
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_entries_organisation_id_subject_id_at_id'))

    with op.batch_alter_table('distinct_drivers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_distinct_drivers_organisation_id_second_id'))
        batch_op.drop_index(batch_op.f('ix_distinct_drivers_organisation_id_first_id_second_id'))
        batch_op.drop_index(batch_op.f('ix_distinct_drivers_organisation_id_created_at_id'))

    op.drop_table('distinct_drivers')
