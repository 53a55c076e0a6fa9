"""The quota of vehicles (C4.1-a): one conditional statement decides, in screens, import and command alike."""

from datetime import date, datetime

from sqlalchemy import bindparam, insert, select, update

from eprunes.accounts.models import OrderForm, VehicleCount
from eprunes.core.calendar import paris_day
from eprunes.core.database import TenantSession, new_id
from eprunes.core.refusals import Refused


class QuotaExceeded(Refused):
    """The order form admits fewer vehicles; the message gives the counts, in French."""

    def __init__(self, used: int, allowed: int, asked: int) -> None:
        self.used, self.allowed, self.asked = used, allowed, asked
        room = max(allowed - used, 0)
        super().__init__(
            f"Votre bon de commande prévoit {allowed} véhicules et {used} sont déjà enregistrés\u00a0: "
            f"il reste {room} place{'s' if room > 1 else ''}, il en faudrait {asked}."
        )


def start_counting(session: TenantSession) -> None:
    """Create the organisation's counter, at zero. Once, when the organisation is created."""
    session.execute(insert(VehicleCount).values(organisation_id=session.organisation_id, id=new_id(), used=0))


def take(session: TenantSession, places: int, as_of: datetime) -> None:
    """Take places under the order form in force, or raise QuotaExceeded; atomic with the transaction.

    Negative places give back, always.
    """
    if places == 0:
        return
    allowed = allowed_vehicles(session.organisation_id, paris_day(as_of)).scalar_subquery()
    statement = (
        update(VehicleCount)
        .where(VehicleCount.organisation_id == session.organisation_id)
        .values(used=VehicleCount.used + places)
        .execution_options(synchronize_session=False)
    )
    if places > 0:
        statement = statement.where(VehicleCount.used + places <= allowed)
    if session.execute(statement).rowcount == 0:
        used, limit = usage(session, as_of)
        raise QuotaExceeded(used, limit, places)


def usage(session: TenantSession, as_of: datetime) -> tuple[int, int]:
    """(vehicles counted, vehicles allowed) for an organisation at an instant."""
    used, allowed = session.execute(_USAGE, {"own": session.organisation_id, "day": paris_day(as_of)}).one()
    return used or 0, allowed or 0


def allowed_vehicles(organisation_id, day: date):
    """Select the quota of the order form in force on a Paris day."""
    return (
        select(OrderForm.vehicle_quota)
        .where(OrderForm.organisation_id == organisation_id, OrderForm.effective_from <= day)
        .order_by(OrderForm.effective_from.desc(), OrderForm.id.desc())
        .limit(1)
    )


_OWN = bindparam("own")
_USAGE = select(
    select(VehicleCount.used).where(VehicleCount.organisation_id == _OWN).scalar_subquery(),
    allowed_vehicles(_OWN, bindparam("day")).scalar_subquery(),
)
"""Built once, for the list of vehicles says it each time."""
