"""The offence catalogue as first published with the product

Revision ID: 0002
Revises: 0001
"""
import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FILE = Path(__file__).with_name("0002_infractions.csv")
OFFENCES = sa.table(
    "offences",
    sa.column("id", sa.Uuid),
    sa.column("natinf", sa.String),
    sa.column("valid_from", sa.Date),
    sa.column("valid_to", sa.Date),
    sa.column("label", sa.String),
    sa.column("article", sa.String),
    sa.column("offence_class", sa.String),
    sa.column("points", sa.Integer),
    sa.column("reduced_amount", sa.Numeric(8, 2)),
    sa.column("standard_amount", sa.Numeric(8, 2)),
    sa.column("increased_amount", sa.Numeric(8, 2)),
    sa.column("automatic", sa.Boolean),
    sa.column("designation_required", sa.Boolean),
)


def upgrade():
    with FILE.open(encoding="utf-8", newline="") as file:
        op.bulk_insert(OFFENCES, [_row(line) for line in csv.DictReader(file, delimiter=";")])


def downgrade():
    op.execute(OFFENCES.delete())


def _row(line):
    return {
        "id": uuid4(),
        "natinf": line["natinf"],
        "valid_from": _day(line["valide_du"]) or date(1900, 1, 1),
        "valid_to": _day(line["valide_au"]),
        "label": line["libelle"],
        "article": line["article"],
        "offence_class": line["classe"],
        "points": int(line["points"]) if line["points"] else None,
        "reduced_amount": _amount(line["minoree"]),
        "standard_amount": _amount(line["forfaitaire"]),
        "increased_amount": _amount(line["majoree"]),
        "automatic": line["controle_automatique"] == "oui",
        "designation_required": {"oui": True, "non": False}.get(line["designation_requise"]),
    }


def _day(text):
    return date.fromisoformat(text) if text else None


def _amount(text):
    return Decimal(text) if text else None
