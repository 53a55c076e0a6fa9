"""A driver typed on a notice who is added to the fleet with their designation, or neither of the two."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import transmission
from eprunes.fines.answering import AnswerState
from eprunes.fines.models import Answer
from eprunes.fines.services import correcting, designating
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.models import Driver, DriverKind
from tests.support.desk import DUMAS, designation_of
from tests.support.worlds import AS_OF, actor

MARTIN = replace(DUMAS, last_name="Martin", first_name="Zoé", birth_date=date(1980, 1, 1))
TICKED = {"keep_in_fleet": "y", "because": "Prêtée à une intérimaire."}
TYPED = {"last_name": "Martin", "first_name": "Zoé", "birth_date": "1980-01-01", **TICKED}


def drivers(world) -> dict:
    with tenant_session(world.organisation_id) as session:
        query = select(Driver).where(Driver.organisation_id == world.organisation_id)
        return open_details(key_store(), session.scalars(query).all())


def answers(world) -> list[Answer]:
    with tenant_session(world.organisation_id) as session:
        return list(session.scalars(select(Answer).where(Answer.organisation_id == world.organisation_id)))


def keys(world) -> int:
    return len(key_store().all_keys(world.organisation_id, "conducteur"))


def designate(user, notice_id, details: DriverDetails = MARTIN, because: str = "Prêtée.") -> None:
    told = {"kind": DriverKind.RENTER, "details": details, "keep_in_fleet": True, "as_of": AS_OF}
    designating.designate(user, notice_id, driver_id=None, because=because, **told)


def test_a_driver_typed_on_a_notice_is_added_to_the_fleet_and_named_by_the_answer(desk, signed_in):
    world, _, dumas, notice_id = desk
    browser, path = signed_in(world.both), f"/contraventions/{notice_id}"
    assert "Ajouter ce conducteur au parc" in browser.get(f"{path}?conducteur=nouveau").text
    answer = browser.post(f"{path}/designer", data=designation_of(None, **TYPED, kind="locataire"))
    assert answer.status_code == 302
    [(driver_id, details)] = ((one, who) for one, who in drivers(world).items() if one != dumas)
    assert details == MARTIN
    assert [one.driver_id for one in answers(world)] == [driver_id]
    with tenant_session(world.organisation_id) as session:
        kept = Driver.organisation_id == world.organisation_id, Driver.id == driver_id
        traced = AuditEntry.organisation_id == world.organisation_id, AuditEntry.action == "conducteur.ajoute"
        assert session.scalars(select(Driver.kind).where(*kept)).one() == "locataire"
        assert driver_id in session.scalars(select(AuditEntry.subject_id).where(*traced)).all()


def test_a_correction_adds_the_driver_too(desk):
    world, _, dumas, notice_id = desk
    boss, told = actor(world.admin), {"kind": DriverKind.EMPLOYEE, "as_of": AS_OF}
    designating.designate(boss, notice_id, driver_id=dumas, details=DUMAS, keep_in_fleet=False, **told)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    receipt = {"receipt_number": "ENR-1", "receipt_at": AS_OF, "as_of": AS_OF}
    transmission.registered(world.organisation_id, outgoing.answer_id, **receipt)
    kept = {"driver_id": None, "details": MARTIN, "keep_in_fleet": True, "because": "Prêtée."}
    correcting.correct(boss, notice_id, **kept, **told)
    named = {one.state: one.driver_id for one in answers(world)}
    assert drivers(world)[named[AnswerState.CONFIRMED]] == MARTIN


def test_nothing_is_kept_of_a_driver_whose_designation_is_refused(desk):
    """Neither a file nor a key: unexplained, incomplete, or second to another answer."""
    world, _, dumas, notice_id = desk
    user, before = actor(world.both), keys(world)
    with pytest.raises(Refused, match="n’avait pas ce véhicule"):
        designate(user, notice_id, because="")
    with pytest.raises(Refused, match="numéro de permis"):
        designate(user, notice_id, replace(MARTIN, licence_number=""))
    designating.designate(
        user, notice_id, driver_id=dumas, kind=DriverKind.EMPLOYEE, details=DUMAS, keep_in_fleet=False, as_of=AS_OF
    )
    with pytest.raises(NotVisible):
        designate(user, notice_id)
    with pytest.raises(Refused, match="déjà été donnée"):
        designate(actor(world.admin), notice_id)
    assert (drivers(world).keys(), keys(world), len(answers(world))) == ({dumas}, before, 1)


def test_who_may_not_change_the_fleet_adds_nobody_to_it(desk, signed_in):
    """C3.2-c: the box is not offered, and a body that is made up is refused."""
    world, _, dumas, notice_id = desk
    browser, path = signed_in(world.fines), f"/contraventions/{notice_id}"
    assert "keep_in_fleet" not in browser.get(f"{path}?conducteur=nouveau").text
    forged = browser.post(f"{path}/designer", data=designation_of(None, **TYPED))
    assert (forged.status_code, "ne permet pas d’ajouter un conducteur" in forged.text) == (422, True)
    assert (drivers(world).keys(), answers(world)) == ({dumas}, [])


def test_a_name_that_the_fleet_knows_is_not_added_again(desk, signed_in):
    world, _, dumas, notice_id = desk
    refused = signed_in(world.both).post(f"/contraventions/{notice_id}/designer", data=designation_of(None, **TICKED))
    assert refused.status_code == 422
    assert "Votre parc a déjà un conducteur de ce nom" in refused.text
    assert 'id="keep_in_fleet-error"' in refused.text
    assert (drivers(world).keys(), answers(world)) == ({dumas}, [])
