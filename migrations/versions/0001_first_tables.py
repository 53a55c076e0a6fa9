"""First tables

Revision ID: 0001
Revises: 
Create Date: 2026-11-22 07:57:32.360375

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('job_days',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', 'day', name=op.f('pk_job_days'))
    )
    op.create_table('job_states',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('first_due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_result', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_job_states'))
    )
    op.create_table('offences',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('natinf', sa.String(length=6), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('label', sa.String(length=200), nullable=False),
    sa.Column('article', sa.String(length=20), nullable=False),
    sa.Column('offence_class', sa.String(length=10), nullable=False),
    sa.Column('points', sa.Integer(), nullable=True),
    sa.Column('reduced_amount', sa.Numeric(precision=8, scale=2), nullable=True),
    sa.Column('standard_amount', sa.Numeric(precision=8, scale=2), nullable=True),
    sa.Column('increased_amount', sa.Numeric(precision=8, scale=2), nullable=True),
    sa.Column('automatic', sa.Boolean(), nullable=False),
    sa.Column('designation_required', sa.Boolean(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offences'))
    )
    with op.batch_alter_table('offences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offences_natinf_valid_from'), ['natinf', 'valid_from'], unique=True)

    op.create_table('organisations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('number_kind', sa.String(length=10), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('zone', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('contract_ends_on', sa.Date(), nullable=True),
    sa.Column('purged_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisations'))
    )
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.create_index('uq_organisations_number', ['number_kind', 'number'], unique=True, sqlite_where=sa.text('purged_at IS NULL'), postgresql_where=sa.text('purged_at IS NULL'))

    op.create_table('records_to_review',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('fingerprint', sa.LargeBinary(length=32), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(length=20), nullable=True),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_records_to_review'))
    )
    with op.batch_alter_table('records_to_review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_records_to_review_fingerprint'), ['fingerprint'], unique=True)
        batch_op.create_index(batch_op.f('ix_records_to_review_settled_at_received_at'), ['settled_at', 'received_at'], unique=False)

    op.create_table('audit_entries',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_kind', sa.String(length=12), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('action', sa.String(length=60), nullable=False),
    sa.Column('subject_kind', sa.String(length=30), nullable=True),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_audit_entries_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_audit_entries'))
    )
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entries_organisation_id_at_id'), ['organisation_id', 'at', 'id'], unique=False)

    op.create_table('declared_plates',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('plate_key', sa.String(length=12), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('vehicle_id', sa.Uuid(), nullable=False),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_declared_plates_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declared_plates'))
    )
    with op.batch_alter_table('declared_plates', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_declared_plates_country_plate_key_organisation_id'), ['country', 'plate_key', 'organisation_id'], unique=True)
        batch_op.create_index(batch_op.f('ix_declared_plates_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('destroyed_notices',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number_fingerprint', sa.LargeBinary(length=32), nullable=False),
    sa.Column('destroyed_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_destroyed_notices_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_destroyed_notices'))
    )
    with op.batch_alter_table('destroyed_notices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_destroyed_notices_organisation_id_number_fingerprint'), ['organisation_id', 'number_fingerprint'], unique=True)

    op.create_table('drivers',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('staff_number', sa.String(length=30), nullable=True),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('is_designable', sa.Boolean(), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_drivers_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_drivers'))
    )
    with op.batch_alter_table('drivers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drivers_organisation_id_staff_number'), ['organisation_id', 'staff_number'], unique=True)

    op.create_table('order_forms',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('vehicle_quota', sa.Integer(), nullable=False),
    sa.Column('fleet_tool', sa.Boolean(), nullable=False),
    sa.Column('fines_tool', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('vehicle_quota >= 0', name=op.f('ck_order_forms_quota_not_negative')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_order_forms_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_order_forms'))
    )
    with op.batch_alter_table('order_forms', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_order_forms_organisation_id_effective_from'), ['organisation_id', 'effective_from'], unique=False)

    op.create_table('users',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('display_name', sa.String(length=120), nullable=False),
    sa.Column('fleet_right', sa.Boolean(), nullable=False),
    sa.Column('fines_right', sa.Boolean(), nullable=False),
    sa.Column('is_administrator', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_users_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_users'))
    )
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.create_index('uq_users_administrator', ['organisation_id'], unique=True, sqlite_where=sa.text('is_administrator'), postgresql_where=sa.text('is_administrator'))

    op.create_table('vehicle_counts',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.CheckConstraint('used >= 0', name=op.f('ck_vehicle_counts_used_not_negative')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_vehicle_counts_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_vehicle_counts'))
    )
    with op.batch_alter_table('vehicle_counts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vehicle_counts_organisation_id'), ['organisation_id'], unique=True)

    op.create_table('vehicles',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('plate_key', sa.String(length=12), nullable=False),
    sa.Column('plate', sa.String(length=16), nullable=False),
    sa.Column('make', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=60), nullable=False),
    sa.Column('category', sa.String(length=20), nullable=False),
    sa.Column('vin', sa.String(length=17), nullable=True),
    sa.Column('first_registered_on', sa.Date(), nullable=True),
    sa.Column('holding', sa.String(length=12), nullable=False),
    sa.Column('site', sa.String(length=80), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('counts_in_quota', sa.Boolean(), nullable=False),
    sa.Column('antai_declared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('antai_acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('antai_withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('left_at IS NULL OR left_at > entered_at', name=op.f('ck_vehicles_leaves_after_entry')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_vehicles_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_vehicles'))
    )
    with op.batch_alter_table('vehicles', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vehicles_organisation_id_country_plate_key'), ['organisation_id', 'country', 'plate_key'], unique=True)
        batch_op.create_index(batch_op.f('ix_vehicles_organisation_id_make_model_id'), ['organisation_id', 'make', 'model', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_vehicles_organisation_id_plate_key_id_left_at'), ['organisation_id', 'plate_key', 'id', 'left_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_vehicles_organisation_id_site_plate_key_id_left_at'), ['organisation_id', 'site', 'plate_key', 'id', 'left_at'], unique=False)

    op.create_table('work_tasks',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('done_steps', sa.Integer(), nullable=False),
    sa.Column('total_steps', sa.Integer(), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('input_box', sa.LargeBinary(), nullable=True),
    sa.Column('staged_box', sa.LargeBinary(), nullable=True),
    sa.Column('result_box', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_work_tasks_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_work_tasks'))
    )
    with op.batch_alter_table('work_tasks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_work_tasks_organisation_id_state_created_at'), ['organisation_id', 'state', 'created_at'], unique=False)

    op.create_table('assignments',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('vehicle_id', sa.Uuid(), nullable=False),
    sa.Column('driver_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('source', sa.String(length=10), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('ends_at IS NULL OR ends_at > starts_at', name=op.f('ck_assignments_ends_after_start')),
    sa.ForeignKeyConstraint(['organisation_id', 'driver_id'], ['drivers.organisation_id', 'drivers.id'], name=op.f('fk_assignments_organisation_id_driver_id_drivers')),
    sa.ForeignKeyConstraint(['organisation_id', 'vehicle_id'], ['vehicles.organisation_id', 'vehicles.id'], name=op.f('fk_assignments_organisation_id_vehicle_id_vehicles')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_assignments_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_assignments'))
    )
    with op.batch_alter_table('assignments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_assignments_organisation_id_driver_id_starts_at'), ['organisation_id', 'driver_id', 'starts_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_assignments_organisation_id_vehicle_id_starts_at'), ['organisation_id', 'vehicle_id', 'starts_at'], unique=True)

    op.create_table('identities',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind = 'utilisateur') = (organisation_id IS NOT NULL AND user_id IS NOT NULL)", name=op.f('ck_identities_user_or_operator')),
    sa.ForeignKeyConstraint(['organisation_id', 'user_id'], ['users.organisation_id', 'users.id'], name=op.f('fk_identities_organisation_id_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identities'))
    )
    with op.batch_alter_table('identities', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_identities_email'), ['email'], unique=True)
        batch_op.create_index(batch_op.f('ix_identities_organisation_id_user_id'), ['organisation_id', 'user_id'], unique=False)

    op.create_table('notices',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('source', sa.String(length=12), nullable=False),
    sa.Column('number_fingerprint', sa.LargeBinary(length=32), nullable=False),
    sa.Column('plate_fingerprint', sa.LargeBinary(length=32), nullable=False),
    sa.Column('content_fingerprint', sa.LargeBinary(length=32), nullable=False),
    sa.Column('vehicle_id', sa.Uuid(), nullable=True),
    sa.Column('natinf', sa.String(length=6), nullable=False),
    sa.Column('offence_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('second_offence_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('offence_zone', sa.String(length=40), nullable=False),
    sa.Column('offence_day', sa.Date(), nullable=False),
    sa.Column('notice_date', sa.Date(), nullable=True),
    sa.Column('sent_on', sa.Date(), nullable=True),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('posted_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('is_answered', sa.Boolean(), nullable=False),
    sa.Column('filing_reason', sa.String(length=20), nullable=True),
    sa.Column('before_entry', sa.Boolean(), nullable=False),
    sa.Column('after_exit', sa.Boolean(), nullable=False),
    sa.Column('content_changed', sa.Boolean(), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id', 'vehicle_id'], ['vehicles.organisation_id', 'vehicles.id'], name=op.f('fk_notices_organisation_id_vehicle_id_vehicles')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_notices_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_notices'))
    )
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notices_organisation_id_is_answered_posted_on_id'), ['organisation_id', 'is_answered', 'posted_on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notices_organisation_id_number_fingerprint'), ['organisation_id', 'number_fingerprint'], unique=True)
        batch_op.create_index(batch_op.f('ix_notices_organisation_id_offence_day'), ['organisation_id', 'offence_day'], unique=False)
        batch_op.create_index(batch_op.f('ix_notices_organisation_id_vehicle_id_offence_at'), ['organisation_id', 'vehicle_id', 'offence_at'], unique=False)

    op.create_table('answers',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('notice_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=14), nullable=False),
    sa.Column('reason', sa.String(length=20), nullable=True),
    sa.Column('driver_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('agency_reference', sa.String(length=40), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('receipt_number', sa.String(length=40), nullable=True),
    sa.Column('receipt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome_box', sa.LargeBinary(), nullable=True),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint("kind IN ('designation', 'impossibilite')", name=op.f('ck_answers_kind_known')),
    sa.ForeignKeyConstraint(['organisation_id', 'notice_id'], ['notices.organisation_id', 'notices.id'], name=op.f('fk_answers_organisation_id_notice_id_notices')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_answers_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_answers'))
    )
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_answers_organisation_id_notice_id'), ['organisation_id', 'notice_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_answers_organisation_id_state_next_attempt_at'), ['organisation_id', 'state', 'next_attempt_at'], unique=False)
        batch_op.create_index('uq_answers_standing', ['organisation_id', 'notice_id'], unique=True, sqlite_where=sa.text("state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree')"), postgresql_where=sa.text("state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree')"))

    op.create_table('notice_events',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('notice_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id', 'notice_id'], ['notices.organisation_id', 'notices.id'], name=op.f('fk_notice_events_organisation_id_notice_id_notices')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_notice_events_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_notice_events'))
    )
    with op.batch_alter_table('notice_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_events_organisation_id_notice_id_at'), ['organisation_id', 'notice_id', 'at'], unique=False)

    op.create_table('user_sessions',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('identity_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('device', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['identity_id'], ['identities.id'], name=op.f('fk_user_sessions_identity_id_identities'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_user_sessions'))
    )
    with op.batch_alter_table('user_sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_user_sessions_identity_id'), ['identity_id'], unique=False)

    op.create_table('transmissions',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('answer_id', sa.Uuid(), nullable=False),
    sa.Column('prepared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('key_id', sa.Uuid(), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id', 'answer_id'], ['answers.organisation_id', 'answers.id'], name=op.f('fk_transmissions_organisation_id_answer_id_answers')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_transmissions_organisation_id_organisations'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f('pk_transmissions'))
    )
    with op.batch_alter_table('transmissions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_transmissions_organisation_id_answer_id'), ['organisation_id', 'answer_id'], unique=True)

    _protect_rows()


def downgrade():
    with op.batch_alter_table('transmissions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_transmissions_organisation_id_answer_id'))

    op.drop_table('transmissions')
    with op.batch_alter_table('user_sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_user_sessions_identity_id'))

    op.drop_table('user_sessions')
    with op.batch_alter_table('notice_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notice_events_organisation_id_notice_id_at'))

    op.drop_table('notice_events')
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_index('uq_answers_standing', sqlite_where=sa.text("state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree')"), postgresql_where=sa.text("state IN ('confirmee', 'en_envoi', 'inconnue', 'enregistree')"))
        batch_op.drop_index(batch_op.f('ix_answers_organisation_id_state_next_attempt_at'))
        batch_op.drop_index(batch_op.f('ix_answers_organisation_id_notice_id'))

    op.drop_table('answers')
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notices_organisation_id_vehicle_id_offence_at'))
        batch_op.drop_index(batch_op.f('ix_notices_organisation_id_offence_day'))
        batch_op.drop_index(batch_op.f('ix_notices_organisation_id_number_fingerprint'))
        batch_op.drop_index(batch_op.f('ix_notices_organisation_id_is_answered_posted_on_id'))

    op.drop_table('notices')
    with op.batch_alter_table('identities', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_identities_organisation_id_user_id'))
        batch_op.drop_index(batch_op.f('ix_identities_email'))

    op.drop_table('identities')
    with op.batch_alter_table('assignments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_assignments_organisation_id_vehicle_id_starts_at'))
        batch_op.drop_index(batch_op.f('ix_assignments_organisation_id_driver_id_starts_at'))

    op.drop_table('assignments')
    with op.batch_alter_table('work_tasks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_work_tasks_organisation_id_state_created_at'))

    op.drop_table('work_tasks')
    with op.batch_alter_table('vehicles', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_vehicles_organisation_id_site_plate_key_id_left_at'))
        batch_op.drop_index(batch_op.f('ix_vehicles_organisation_id_plate_key_id_left_at'))
        batch_op.drop_index(batch_op.f('ix_vehicles_organisation_id_make_model_id'))
        batch_op.drop_index(batch_op.f('ix_vehicles_organisation_id_country_plate_key'))

    op.drop_table('vehicles')
    with op.batch_alter_table('vehicle_counts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_vehicle_counts_organisation_id'))

    op.drop_table('vehicle_counts')
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_index('uq_users_administrator', sqlite_where=sa.text('is_administrator'), postgresql_where=sa.text('is_administrator'))

    op.drop_table('users')
    with op.batch_alter_table('order_forms', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_order_forms_organisation_id_effective_from'))

    op.drop_table('order_forms')
    with op.batch_alter_table('drivers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_drivers_organisation_id_staff_number'))

    op.drop_table('drivers')
    with op.batch_alter_table('destroyed_notices', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_destroyed_notices_organisation_id_number_fingerprint'))

    op.drop_table('destroyed_notices')
    with op.batch_alter_table('declared_plates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_declared_plates_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_declared_plates_country_plate_key_organisation_id'))

    op.drop_table('declared_plates')
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_entries_organisation_id_at_id'))

    op.drop_table('audit_entries')
    with op.batch_alter_table('records_to_review', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_records_to_review_settled_at_received_at'))
        batch_op.drop_index(batch_op.f('ix_records_to_review_fingerprint'))

    op.drop_table('records_to_review')
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.drop_index('uq_organisations_number', sqlite_where=sa.text('purged_at IS NULL'), postgresql_where=sa.text('purged_at IS NULL'))

    op.drop_table('organisations')
    with op.batch_alter_table('offences', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_offences_natinf_valid_from'))

    op.drop_table('offences')
    op.drop_table('job_states')
    op.drop_table('job_days')


TENANT_TABLES = (
    'audit_entries',
    'destroyed_notices',
    'drivers',
    'order_forms',
    'users',
    'vehicle_counts',
    'vehicles',
    'work_tasks',
    'assignments',
    'notices',
    'answers',
    'notice_events',
    'transmissions',
)


def _protect_rows():
    """Row-level security, no overlapping assignments, append-only audit."""
    if op.get_bind().dialect.name == "postgresql":
        statements = _postgresql()
    else:
        statements = _sqlite()
    for statement in statements:
        op.execute(statement)


def _postgresql():
    own = "organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid"
    for table in TENANT_TABLES:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY tenant ON {table} USING ({own}) WITH CHECK ({own})"
    yield "CREATE EXTENSION IF NOT EXISTS btree_gist"
    yield (
        "ALTER TABLE assignments ADD CONSTRAINT assignments_do_not_overlap EXCLUDE USING gist (organisation_id WITH =, vehicle_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&)"
    )
    yield (
        "CREATE OR REPLACE FUNCTION refuse_audit_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$"
    )
    yield (
        'CREATE TRIGGER audit_entries_are_final BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_audit_update()'
    )


def _sqlite():
    yield (
        "CREATE TRIGGER assignments_do_not_overlap_insert BEFORE INSERT ON assignments WHEN EXISTS (SELECT 1 FROM assignments AS other WHERE other.organisation_id = NEW.organisation_id AND other.vehicle_id = NEW.vehicle_id AND other.id <> NEW.id AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at) AND (other.ends_at IS NULL OR other.ends_at > NEW.starts_at)) BEGIN SELECT RAISE(ABORT, 'assignments_do_not_overlap'); END"
    )
    yield (
        "CREATE TRIGGER assignments_do_not_overlap_update BEFORE UPDATE ON assignments WHEN EXISTS (SELECT 1 FROM assignments AS other WHERE other.organisation_id = NEW.organisation_id AND other.vehicle_id = NEW.vehicle_id AND other.id <> NEW.id AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at) AND (other.ends_at IS NULL OR other.ends_at > NEW.starts_at)) BEGIN SELECT RAISE(ABORT, 'assignments_do_not_overlap'); END"
    )
    yield (
        "CREATE TRIGGER audit_entries_are_final BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
    )
