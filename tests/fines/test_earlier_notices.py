"""Notices received before they had a deadline of their own."""

from datetime import date

from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from eprunes.core.database import db, new_id, tenant_session
from eprunes.fines.models import Notice
from tests.support.earlier import OWN, add_client_with, installed_at, plain

STATEMENT = """
INSERT INTO notices (organisation_id, id, source, number_fingerprint, plate_fingerprint, content_fingerprint, natinf,
  offence_at, offence_zone, offence_day, posted_at, posted_on, state, is_answered, before_entry, after_exit,
  content_changed, key_id, box)
VALUES (:own, :id, 'flux_antai', :bytes, :bytes, :bytes, '25386', '2026-02-20 20:47:00', 'Europe/Paris', '2026-02-20',
  '2026-02-28 09:00:00.000000', '2026-02-28', 'a_traiter', :no, :no, :no, :no, :key, :bytes)
"""


def test_an_earlier_notice_keeps_its_deadline_and_is_not_announced_again(environ, request, tmp_path):
    """C4.3-e: 45 days from the posting."""
    with installed_at("0008", environ, request, tmp_path):
        row = {"id": plain(new_id()), "key": plain(new_id()), "bytes": b"1", "no": False}
        add_client_with(STATEMENT, [row])
        upgrade()
        with tenant_session(OWN) as session:
            notice = session.query(Notice).where(Notice.organisation_id == OWN).one()
            assert (notice.deadline_on, notice.kind, notice.counted_site) == (date(2026, 4, 14), "contravention", "")
            assert notice.announced_at == notice.first_opened_at == notice.escalated_at == notice.posted_at
        downgrade(revision="0008")
        with db.engine.connect() as connection:
            names = list(connection.execute(text("SELECT * FROM notices WHERE 1 = 0")).keys())
        assert "before_entry" in names
