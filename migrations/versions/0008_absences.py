"""Absences

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-22 16:26:26.958025

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

OWN = "organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid"


def upgrade():
    op.create_table('vehicle_absences',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('vehicle_id', sa.Uuid(), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('back_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_because', sa.String(length=12), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('back_at > left_at', name=op.f('ck_vehicle_absences_back_after_exit')),
    sa.ForeignKeyConstraint(['organisation_id', 'vehicle_id'], ['vehicles.organisation_id', 'vehicles.id'], name=op.f('fk_vehicle_absences_organisation_id_vehicle_id_vehicles')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_vehicle_absences_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_vehicle_absences'))
    )
    with op.batch_alter_table('vehicle_absences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vehicle_absences_organisation_id_vehicle_id'), ['organisation_id', 'vehicle_id'], unique=False)

    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE vehicle_absences ENABLE ROW LEVEL SECURITY')
        op.execute('ALTER TABLE vehicle_absences FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY tenant ON vehicle_absences USING ({OWN}) WITH CHECK ({OWN})')


def downgrade():
    with op.batch_alter_table('vehicle_absences', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_vehicle_absences_organisation_id_vehicle_id'))

    op.drop_table('vehicle_absences')
