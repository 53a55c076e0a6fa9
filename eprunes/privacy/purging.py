"""The end of a contract: one month later every trace of the client's data is destroyed (C12.3-d, C9-f)."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from eprunes.accounts.models import Identity, OneTimeToken, OperatorVisit, Organisation, UserSession
from eprunes.accounts.retention import DEFAULT, purge_due_on
from eprunes.antai.models import DeclaredPlate
from eprunes.core.crypto import PLATFORM, key_store
from eprunes.core.database import TenantSession, db, platform_session, tenant_session
from eprunes.core.mail import OutgoingMail
from eprunes.core.tenant_guard import is_tenant_table


def is_due(organisation: Organisation, as_of: datetime) -> bool:
    """Whether the client's month after the contract's end is over."""
    ends_on = organisation.contract_ends_on
    return ends_on is not None and as_of >= purge_due_on(ends_on, DEFAULT)


def purge(organisation_id: UUID, as_of: datetime) -> Counter:
    """Destroy all of one client's rows, then its keys, then mark it purged. Harmless when repeated.

    Plates that the agency still has to be told about stay in the platform's list until it acknowledged them.
    """
    counts: Counter = Counter()
    with tenant_session(organisation_id, write=True, platform_reason="purge de fin de contrat") as session:
        factor_keys = _forget_people(session)
        session.execute(
            delete(DeclaredPlate).where(
                DeclaredPlate.organisation_id == organisation_id, DeclaredPlate.withdrawn_at.is_not(None)
            )
        )
        for table in reversed(db.metadata.sorted_tables):
            if is_tenant_table(table):
                gone = session.execute(delete(table).where(table.c.organisation_id == organisation_id))
                counts["rows"] += gone.rowcount
    key_store().destroy_keys(PLATFORM, factor_keys)
    key_store().destroy_organisation(organisation_id)
    with platform_session("client purgé", write=True) as session:
        done = update(Organisation).where(Organisation.id == organisation_id).values(purged_at=as_of)
        session.execute(done)
    counts["purged"] = 1
    return counts


def _forget_people(session: TenantSession) -> list[UUID]:
    """Within the purge: accounts and what hangs on them; returns the keys of their second factors."""
    own = Identity.organisation_id == session.organisation_id
    keys = session.scalars(select(Identity.totp_key_id).where(own, Identity.totp_key_id.is_not(None))).all()
    session.execute(delete(UserSession).where(UserSession.identity_id.in_(select(Identity.id).where(own))))
    visits = select(OperatorVisit.id).where(OperatorVisit.organisation_id == session.organisation_id)
    session.execute(update(UserSession).where(UserSession.visit_id.in_(visits)).values(visit_id=None))
    for model in (OperatorVisit, OneTimeToken, OutgoingMail, Identity):
        session.execute(delete(model).where(model.organisation_id == session.organisation_id))
    return list(keys)


def forget_acknowledged_plates(as_of: datetime) -> int:
    """Plates of purged clients, once the agency acknowledged their withdrawal. Returns how many."""
    with platform_session("plaques de clients purgés", write=True) as session:
        purged = select(Organisation.id).where(Organisation.purged_at.is_not(None))
        statement = delete(DeclaredPlate).where(
            DeclaredPlate.organisation_id.in_(purged), DeclaredPlate.withdrawn_at.is_not(None)
        )
        return session.execute(statement).rowcount
