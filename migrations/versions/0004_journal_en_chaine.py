"""A journal in a chain

Revision ID: 0004
Revises: 0003

"""
from alembic import op
import sqlalchemy as sa


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

OF_ENTRIES = ('audit_links', 'audit_pending', 'audit_connections')
TENANT_TABLES = ('audit_links', 'audit_heads', 'audit_pending', 'audit_connections', 'audit_seals')
FINAL_TABLES = ('audit_links', 'audit_connections', 'audit_seals')


def upgrade():
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('commitment', sa.LargeBinary(length=32), nullable=True))

    _create('audit_links', sa.Column('seq', sa.Integer(), nullable=False), sa.Column('hash', sa.LargeBinary(length=32), nullable=False))
    _create('audit_heads', sa.Column('seq', sa.Integer(), nullable=False), sa.Column('hash', sa.LargeBinary(length=32), nullable=False))
    _create('audit_pending')
    _create(
        'audit_connections',
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('salt', sa.LargeBinary(length=32), nullable=False),
        sa.Column('facts', sa.JSON(), nullable=False),
    )
    _create(
        'audit_seals',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
        sa.Column('signature', sa.LargeBinary(length=64), nullable=False),
    )
    op.create_index(op.f('ix_audit_links_organisation_id_seq'), 'audit_links', ['organisation_id', 'seq'], unique=True)
    op.create_index(op.f('ix_audit_heads_organisation_id'), 'audit_heads', ['organisation_id'], unique=True)
    op.create_index(op.f('ix_audit_connections_organisation_id_at'), 'audit_connections', ['organisation_id', 'at'], unique=False)
    op.create_index(op.f('ix_audit_seals_organisation_id_day'), 'audit_seals', ['organisation_id', 'day'], unique=True)

    _await_their_link()
    for statement in _protection():
        op.execute(statement)


def downgrade():
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)
    op.drop_column('audit_entries', 'commitment')  # in place: a batch would copy the table without its trigger


def _create(table, *columns):
    keys = [
        sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f(f'fk_{table}_organisation_id_organisations'), ondelete='RESTRICT'),
        sa.PrimaryKeyConstraint('organisation_id', 'id', name=op.f(f'pk_{table}')),
    ]
    if table in OF_ENTRIES:
        name = op.f(f'fk_{table}_organisation_id_id_audit_entries')
        keys.append(sa.ForeignKeyConstraint(['organisation_id', 'id'], ['audit_entries.organisation_id', 'audit_entries.id'], name=name))
    op.create_table(
        table,
        sa.Column('organisation_id', sa.Uuid(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        *columns,
        *keys,
    )


def _await_their_link():
    """Every entry so far waits for its link: the first run of the job chains them, by instant."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:  # the owner of a table under forced row security sees no row without a tenant
        op.execute("ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY")
    op.execute("INSERT INTO audit_pending (organisation_id, id) SELECT organisation_id, id FROM audit_entries")
    if is_postgresql:
        op.execute("ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY")


def _protection():
    """Row-level security, and the refusal to alter what is final."""
    own = "organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid"
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in TENANT_TABLES if is_postgresql else ():
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY tenant ON {table} USING ({own}) WITH CHECK ({own})"
    for table in FINAL_TABLES:
        trigger = f"CREATE TRIGGER {table}_are_final BEFORE UPDATE ON {table}"
        if is_postgresql:
            yield f"{trigger} FOR EACH ROW EXECUTE FUNCTION refuse_audit_update()"
        else:
            yield f"{trigger} BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
