"""Fleet in depth

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22 12:07:59.088836

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

OWN = "organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid"


def upgrade():
    op.create_table('import_mappings',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sheet', sa.String(length=20), nullable=False),
    sa.Column('heading', sa.String(length=80), nullable=False),
    sa.Column('field', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_import_mappings_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_import_mappings'))
    )
    with op.batch_alter_table('import_mappings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_import_mappings_organisation_id_sheet_heading'), ['organisation_id', 'sheet', 'heading'], unique=True)

    op.create_table('stored_files',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stored_files_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_stored_files'))
    )
    op.create_table('due_dates',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('vehicle_id', sa.Uuid(), nullable=True),
    sa.Column('driver_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('label', sa.String(length=80), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('is_computed', sa.Boolean(), nullable=False),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(vehicle_id IS NULL) <> (driver_id IS NULL)', name=op.f('ck_due_dates_of_one_subject')),
    sa.ForeignKeyConstraint(['organisation_id', 'driver_id'], ['drivers.organisation_id', 'drivers.id'], name=op.f('fk_due_dates_organisation_id_driver_id_drivers')),
    sa.ForeignKeyConstraint(['organisation_id', 'vehicle_id'], ['vehicles.organisation_id', 'vehicles.id'], name=op.f('fk_due_dates_organisation_id_vehicle_id_vehicles')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_due_dates_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_due_dates'))
    )
    with op.batch_alter_table('due_dates', schema=None) as batch_op:
        batch_op.create_index('ix_due_dates_of_driver', ['organisation_id', 'driver_id'], unique=False)
        batch_op.create_index('ix_due_dates_of_vehicle', ['organisation_id', 'vehicle_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_due_dates_organisation_id_done_on_due_on_id'), ['organisation_id', 'done_on', 'due_on', 'id'], unique=False)

    op.create_table('fleet_documents',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('vehicle_id', sa.Uuid(), nullable=True),
    sa.Column('driver_id', sa.Uuid(), nullable=True),
    sa.Column('file_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(vehicle_id IS NULL) <> (driver_id IS NULL)', name=op.f('ck_fleet_documents_of_one_subject')),
    sa.ForeignKeyConstraint(['organisation_id', 'driver_id'], ['drivers.organisation_id', 'drivers.id'], name=op.f('fk_fleet_documents_organisation_id_driver_id_drivers')),
    sa.ForeignKeyConstraint(['organisation_id', 'file_id'], ['stored_files.organisation_id', 'stored_files.id'], name=op.f('fk_fleet_documents_organisation_id_file_id_stored_files')),
    sa.ForeignKeyConstraint(['organisation_id', 'vehicle_id'], ['vehicles.organisation_id', 'vehicles.id'], name=op.f('fk_fleet_documents_organisation_id_vehicle_id_vehicles')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_fleet_documents_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_fleet_documents'))
    )
    with op.batch_alter_table('fleet_documents', schema=None) as batch_op:
        batch_op.create_index('ix_fleet_documents_of_driver', ['organisation_id', 'driver_id'], unique=False)
        batch_op.create_index('ix_fleet_documents_of_vehicle', ['organisation_id', 'vehicle_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_fleet_documents_organisation_id_file_id'), ['organisation_id', 'file_id'], unique=True)

    with op.batch_alter_table('vehicles', schema=None) as batch_op:
        batch_op.add_column(sa.Column('formula_number', sa.String(length=15), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('energy', sa.String(length=24), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('co2_g_per_km', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('registered_to', sa.String(length=80), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('lessor', sa.String(length=80), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('cost_centre', sa.String(length=40), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('is_pool', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('left_because', sa.String(length=12), nullable=True))

    with op.batch_alter_table('vehicles', schema=None) as batch_op:  # the default was for the rows already there
        for name in ('formula_number', 'energy', 'registered_to', 'lessor', 'cost_centre', 'is_pool'):
            batch_op.alter_column(name, server_default=None)

    if op.get_bind().dialect.name == 'postgresql':
        for table in ('stored_files', 'fleet_documents', 'due_dates', 'import_mappings'):
            op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
            op.execute(f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY')
            op.execute(f'CREATE POLICY tenant ON {table} USING ({OWN}) WITH CHECK ({OWN})')



def downgrade():
    with op.batch_alter_table('vehicles', schema=None) as batch_op:
        batch_op.drop_column('left_because')
        batch_op.drop_column('is_pool')
        batch_op.drop_column('cost_centre')
        batch_op.drop_column('lessor')
        batch_op.drop_column('registered_to')
        batch_op.drop_column('co2_g_per_km')
        batch_op.drop_column('energy')
        batch_op.drop_column('formula_number')

    with op.batch_alter_table('fleet_documents', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_fleet_documents_organisation_id_file_id'))
        batch_op.drop_index('ix_fleet_documents_of_vehicle')
        batch_op.drop_index('ix_fleet_documents_of_driver')

    op.drop_table('fleet_documents')
    with op.batch_alter_table('due_dates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_due_dates_organisation_id_done_on_due_on_id'))
        batch_op.drop_index('ix_due_dates_of_vehicle')
        batch_op.drop_index('ix_due_dates_of_driver')

    op.drop_table('due_dates')
    op.drop_table('stored_files')
    with op.batch_alter_table('import_mappings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_import_mappings_organisation_id_sheet_heading'))

    op.drop_table('import_mappings')
