"""Answers: exactly one stands, complete, sealed, and independent of what the fleet says later (C4.3-c)."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import delete, select, update

from eprunes.antai import messages
from eprunes.antai.client import AgencyClient
from eprunes.antai.models import Transmission
from eprunes.antai.sending import send_due
from eprunes.core.crypto import BoxUnreadable, key_store, open_box
from eprunes.core.database import new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import events, transmission
from eprunes.fines.answering import AnswerState, FilingReason, ImpossibilityReason, NoticeState
from eprunes.fines.models import Answer, Notice, NoticeKind
from eprunes.fines.notice_details import open_notice, open_refusal, open_snapshot
from eprunes.fines.queries import answers_of, thread_of
from eprunes.fines.services import designating, filing
from eprunes.fleet import driver_details
from eprunes.fleet.models import Driver, DriverKind
from tests.support import fleet, tables, worlds
from tests.support.worlds import AS_OF

PLACE = "Chemin des Mirabelles PR 7+777"


def designate(actor, notice_id, *, driver_id=None, details=fleet.NOEL, keep=False, as_of=AS_OF) -> None:
    designating.designate(
        actor,
        notice_id,
        driver_id=driver_id,
        kind=DriverKind.EMPLOYEE,
        details=details,
        keep_in_fleet=keep,
        as_of=as_of,
    )


def report(
    actor, notice_id, reason: ImpossibilityReason, *, comment: str = "", proofs: int = 0, dated=date(2026, 2, 20)
) -> None:
    designating.report_impossibility(
        actor,
        notice_id,
        reason=reason,
        comment=comment,
        proofs=[designating.Proof(f"Pièce {one}", f"2026-{one}", dated) for one in range(proofs)],
        as_of=AS_OF,
    )


def answers(world, notice_id) -> list[Answer]:
    with tenant_session(world.organisation_id) as session:
        return list(session.scalars(answers_of(world.organisation_id, notice_id)))


def snapshot(world, answer: Answer) -> dict:
    return open_snapshot(key_store().keys(world.organisation_id, [answer.key_id])[answer.key_id], answer)


def driver(world, driver_id) -> driver_details.DriverDetails:
    """A driver's details as the fleet file has them now."""
    with tenant_session(world.organisation_id) as session:
        query = select(Driver).where(Driver.organisation_id == world.organisation_id, Driver.id == driver_id)
        return driver_details.open_details(key_store(), session.scalars(query).all())[driver_id]


def refuse(world, reason: str = "Le permis est illisible.") -> None:
    """The agency takes the next answer and refuses it."""
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    transmission.refused(world.organisation_id, outgoing.answer_id, reason=reason, as_of=AS_OF)


def send_in_vain(world) -> None:
    """What is due is prepared for the agency, which nobody answers for."""
    assert send_due(world.organisation_id, AgencyClient("http://127.0.0.1:9", "", ""), AS_OF)["put_off"] == 1


@pytest.fixture
def notice_id(world):
    return fleet.receive_notice(world.organisation_id, lieu=PLACE)


@pytest.fixture
def user(world):
    return worlds.actor(world.fines)


def test_a_complete_designation_is_ready_to_be_sent(world, user, notice_id):
    """C4.3-c."""
    driver_id = fleet.add_driver(world.organisation_id)

    designate(user, notice_id, driver_id=driver_id)

    [answer] = answers(world, notice_id)
    notice = fleet.notice(world.organisation_id, notice_id)
    assert (answer.kind, answer.state, answer.driver_id) == ("designation", AnswerState.CONFIRMED, driver_id)
    assert (answer.author_id, answer.confirmed_at, answer.next_attempt_at) == (user.user_id, AS_OF, AS_OF)
    assert (notice.state, notice.is_answered) == (NoticeState.ANSWERED, True)
    assert snapshot(world, answer) == {"conducteur": driver_details.to_json(fleet.NOEL), "qualite": "prepose"}


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("last_name", "nom"),
        ("first_name", "prénom"),
        ("birth_date", "date de naissance"),
        ("address_line", "adresse"),
        ("postcode", "code postal"),
        ("city", "ville"),
        ("country", "pays"),
        ("licence_number", "numéro de permis"),
    ],
)
def test_a_designation_that_lacks_a_detail_is_refused_by_its_name_and_changes_nothing(
    world, user, notice_id, field, word
):
    """C4.3-c."""
    lacking = replace(fleet.NOEL, **{field: None if field == "birth_date" else ""})

    with pytest.raises(Refused, match=word):
        designate(user, notice_id, details=lacking)

    assert answers(world, notice_id) == []
    assert fleet.notice(world.organisation_id, notice_id).state == NoticeState.TO_ANSWER


@pytest.mark.parametrize("field", ["civility", "address_complement", "phone", "licence_issued_on"])
def test_a_detail_that_the_agency_does_not_ask_for_may_be_missing(world, user, notice_id, field):
    designate(user, notice_id, details=replace(fleet.NOEL, **{field: None if field.endswith("_on") else ""}))

    assert len(answers(world, notice_id)) == 1


def test_a_driver_of_another_client_can_t_be_named(world, other_world, user, notice_id):
    stranger = fleet.add_driver(other_world.organisation_id)

    with pytest.raises(Refused, match="n’existe plus"):
        designate(user, notice_id, driver_id=stranger)

    assert answers(world, notice_id) == []


def test_a_second_answer_is_refused_while_one_stands(world, user, notice_id):
    designate(user, notice_id)
    administrator = worlds.actor(world.admin)

    with pytest.raises(NotVisible):
        designate(user, notice_id)
    with pytest.raises(Refused, match="déjà été donnée"):
        designate(administrator, notice_id)
    with pytest.raises(Refused, match="déjà été donnée"):
        report(administrator, notice_id, ImpossibilityReason.THEFT, proofs=1)
    with pytest.raises(Refused, match="déjà été donnée"):
        filing.file_notice(administrator, notice_id, reason=FilingReason.PAID, as_of=AS_OF)

    assert len(answers(world, notice_id)) == 1


@pytest.mark.parametrize("roles", [("fines", "both", "fines", "both"), ("admin", "admin", "admin", "admin")])
def test_of_several_users_who_answer_at_once_one_wins_and_the_others_are_told(app, world, notice_id, roles):
    """Decision 1."""
    together = Barrier(len(roles))

    def answer(actor) -> str:
        with app.app_context():
            together.wait(10)
            try:
                designate(actor, notice_id)
            except (Refused, NotVisible) as refusal:
                return "told" if re.search("réponse (vient|a déjà).* donnée à cet avis", str(refusal)) else str(refusal)
            return "won"

    actors = [worlds.actor(getattr(world, role)) for role in roles]
    with ThreadPoolExecutor(len(roles)) as pool:
        outcomes = Counter(one.result(30) for one in [pool.submit(answer, actor) for actor in actors])

    assert outcomes == Counter(won=1, told=len(roles) - 1)
    assert len(answers(world, notice_id)) == 1


@pytest.mark.parametrize(("days", "comment", "is_taken"), [(0, "", True), (1, "", False), (1, "Vendu le 20.", True)])
def test_a_sale_declared_after_the_offence_wants_the_facts(world, user, notice_id, days, comment, is_taken):
    """C4.3-c: fifteen days are given to declare a sale; who had not sold yet designates."""
    dated = fleet.notice(world.organisation_id, notice_id).offence_day + timedelta(days=days)
    told = nullcontext() if is_taken else pytest.raises(Refused, match="exposez quand il a été vendu")
    with told:
        report(user, notice_id, ImpossibilityReason.SALE, comment=comment, proofs=2, dated=dated)
    assert len(answers(world, notice_id)) == is_taken


@pytest.mark.parametrize(("receipt", "is_taken"), [(0, True), (-1, False)])
def test_the_receipt_of_a_sale_never_precedes_its_declaration(world, user, notice_id, receipt, is_taken):
    """C4.3-c: two papers in their order, or one of the dates is wrong."""
    sold = fleet.notice(world.organisation_id, notice_id).offence_day - timedelta(days=5)
    natures = ImpossibilityReason.SALE.requirements.proofs
    dates = (sold, sold + timedelta(days=receipt))
    proofs = [designating.Proof(nature, "123", dated) for nature, dated in zip(natures, dates, strict=True)]
    told = {"reason": ImpossibilityReason.SALE, "comment": "", "proofs": proofs, "as_of": AS_OF}
    with nullcontext() if is_taken else pytest.raises(Refused, match="précède celle de la pièce d’avant"):
        designating.report_impossibility(user, notice_id, **told)
    assert len(answers(world, notice_id)) == is_taken


def test_who_answers_second_is_told_that_an_answer_was_given(world, signed_in, notice_id):
    """C4.3-e, decision 1: and reads nothing else of the notice."""
    designate(worlds.actor(world.both), notice_id)
    for other in (world.fines, world.both):
        answer = signed_in(other).post(f"/contraventions/{notice_id}/designer", data={"last_name": "X"})
        assert (answer.status_code, "Une réponse vient d’être donnée à cet avis" in answer.text) == (404, True)
    gone = signed_in(world.fines).post(f"/contraventions/{new_id()}/designer", data={"last_name": "X"})
    assert (gone.status_code, "Une réponse vient d’être donnée" in gone.text) == (404, False)


REASONS = [
    (ImpossibilityReason.THEFT, 1, False),
    (ImpossibilityReason.DESTRUCTION, 1, False),
    (ImpossibilityReason.PLATE_USURPATION, 1, False),
    (ImpossibilityReason.SALE, 2, False),
    (ImpossibilityReason.FORCE_MAJEURE, 0, True),
    (ImpossibilityReason.NOT_OUR_VEHICLE, 0, True),
]


@pytest.mark.parametrize(("reason", "proofs", "statement"), REASONS)
def test_an_impossibility_is_reported_with_the_proofs_or_the_statement_it_needs(
    world, user, notice_id, reason, proofs, statement
):
    """C4.3-c."""
    comment = "La route était coupée." if statement else ""

    report(user, notice_id, reason, comment=comment, proofs=proofs)

    [answer] = answers(world, notice_id)
    said = snapshot(world, answer)
    assert (answer.kind, answer.reason, answer.driver_id) == ("impossibilite", reason, None)
    assert (said["motif"], said["commentaire"], len(said["pieces"])) == (reason, comment, proofs)


@pytest.mark.parametrize(("reason", "proofs", "statement"), REASONS)
def test_an_impossibility_without_one_of_them_is_refused(world, user, notice_id, reason, proofs, statement):
    """C4.3-c."""
    with pytest.raises(Refused) as refusal:
        report(user, notice_id, reason, comment=" ", proofs=max(proofs - 1, 0))

    assert refusal.value.field == ("comment" if statement else "proofs")
    assert answers(world, notice_id) == []


@pytest.mark.parametrize("reason", [one for one in FilingReason if one is not FilingReason.PARKING_FEE])
def test_classifying_is_not_an_answer(world, user, notice_id, reason):
    """Decision 7."""
    filing.file_notice(user, notice_id, reason=reason, comment="Vu.", as_of=AS_OF)

    notice = fleet.notice(world.organisation_id, notice_id)
    assert (notice.state, notice.is_answered, notice.filing_reason) == (NoticeState.FILED, False, reason)
    assert answers(world, notice_id) == []
    assert transmission.claim_next(world.organisation_id, AS_OF) is None


def test_a_classified_notice_is_answered_only_once_it_was_reopened(world, user, notice_id):
    """Decision 7."""
    filing.file_notice(user, notice_id, reason=FilingReason.PAID, as_of=AS_OF)
    with pytest.raises(Refused, match="classé"):
        designate(user, notice_id)

    filing.reopen_notice(user, notice_id, as_of=AS_OF)
    designate(user, notice_id)

    assert fleet.notice(world.organisation_id, notice_id).filing_reason is None
    assert len(answers(world, notice_id)) == 1


def test_a_refused_answer_opens_the_notice_again_with_its_reason_and_a_second_one_is_registered(world, user, notice_id):
    """Decision 2."""
    designate(user, notice_id)
    refuse(world)
    [first] = answers(world, notice_id)
    reopened = fleet.notice(world.organisation_id, notice_id)

    designate(worlds.actor(world.both), notice_id, details=replace(fleet.NOEL, licence_number="110692106990"))
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    transmission.registered(
        world.organisation_id, outgoing.answer_id, receipt_number="ENR-2", receipt_at=AS_OF, as_of=AS_OF
    )

    key = key_store().keys(world.organisation_id, [first.key_id])[first.key_id]
    assert (reopened.state, reopened.is_answered) == (NoticeState.REFUSED, False)
    assert open_refusal(key, first) == "Le permis est illisible."
    assert [one.state for one in answers(world, notice_id)] == [AnswerState.REGISTERED, AnswerState.REFUSED]
    assert len({one.agency_reference for one in answers(world, notice_id)}) == 2


def test_the_thread_of_a_notice_tells_each_fact_once_and_by_whom(world, user, notice_id):
    designate(user, notice_id)
    refuse(world)
    filing.file_notice(user, notice_id, reason=FilingReason.PAID, as_of=AS_OF)

    with tenant_session(world.organisation_id) as session:
        thread = list(session.scalars(thread_of(world.organisation_id, notice_id)))

    facts = [events.RECEIVED, events.ANSWERED, events.SENT, events.REFUSED, events.FILED]
    assert [one.kind for one in thread] == facts
    assert [one.actor_id for one in thread] == [None, user.user_id, None, None, user.user_id]


def test_what_was_declared_does_not_change_with_the_driver_s_file(world, user, notice_id):
    driver_id = fleet.add_driver(world.organisation_id)
    designate(user, notice_id, driver_id=driver_id)
    other_notice = fleet.receive_notice(world.organisation_id)

    moved = replace(fleet.NOEL, city="Brest", postcode="29200")
    designate(user, other_notice, driver_id=driver_id, details=moved, keep=True)

    [answer] = answers(world, notice_id)
    assert driver(world, driver_id).city == "Brest"
    assert snapshot(world, answer)["conducteur"]["city"] == "Nantes"


@pytest.mark.parametrize(("keep", "city"), [(False, "Nantes"), (True, "Brest")])
def test_the_driver_s_file_changes_only_when_that_was_asked_for(world, user, notice_id, keep, city):
    driver_id = fleet.add_driver(world.organisation_id)

    designate(user, notice_id, driver_id=driver_id, details=replace(fleet.NOEL, city="Brest"), keep=keep)

    assert driver(world, driver_id).city == city
    assert snapshot(world, answers(world, notice_id)[0])["conducteur"]["city"] == "Brest"


def test_nothing_of_a_driver_or_a_notice_stands_in_the_clear_anywhere(world, user):
    """Sealed: the name, the address, the licence, the notice's number and place, the proofs and a refusal."""
    number = fleet.new_number()
    notice_id = fleet.receive_notice(world.organisation_id, numeroAco=number, lieu=PLACE)
    driver_id = fleet.add_driver(world.organisation_id)
    designate(user, notice_id, driver_id=driver_id)
    send_in_vain(world)
    stolen_id = fleet.receive_notice(world.organisation_id, lieu=PLACE)
    proof = designating.Proof("Récépissé", "PLAINTE-31415", date(2026, 3, 1))
    designating.report_impossibility(
        user, stolen_id, reason=ImpossibilityReason.THEFT, comment="Canari-jaune", proofs=[proof], as_of=AS_OF
    )
    refuse(world, "Motif-canari")

    person = (fleet.NOEL.last_name, fleet.NOEL.first_name, fleet.NOEL.address_line, fleet.NOEL.licence_number)
    secrets = [*person, "1980-02-29", number, PLACE, "Mirabelles", "PLAINTE-31415", "Canari-jaune", "Motif-canari"]
    found = {
        (where, secret)
        for where, value in tables.values(world.organisation_id)
        for secret in secrets
        if secret.encode() in value or secret.upper().encode() in value
    }

    assert tables.tenant_counts(world.organisation_id)["transmissions"] == 1
    assert found == set()


def test_a_secret_put_in_the_clear_would_be_found(world, user):
    """The reverse of the test above: its way of looking does find what is not sealed."""
    fleet.add_vehicle(world.organisation_id, "AB123CD")

    assert "vehicles.plate_key" in {w for w, value in tables.values(world.organisation_id) if b"AB123CD" in value}


def test_without_its_key_a_notice_its_answer_and_what_was_sent_are_unreadable(world, user, notice_id):
    designate(user, notice_id)
    send_in_vain(world)
    [answer] = answers(world, notice_id)
    notice = fleet.notice(world.organisation_id, notice_id)
    with tenant_session(world.organisation_id) as session:
        sent = session.scalars(select(Transmission).where(Transmission.organisation_id == world.organisation_id)).one()

    key_store().destroy_keys(world.organisation_id, [notice.key_id])

    others = key_store().all_keys(world.organisation_id, "avis").values()
    assert {answer.key_id, sent.key_id} == {notice.key_id}
    assert key_store().keys(world.organisation_id, [notice.key_id]) == {}
    for key in (*others, bytes(32)):
        with pytest.raises(BoxUnreadable):
            open_notice(key, notice)
        with pytest.raises(BoxUnreadable):
            open_snapshot(key, answer)
        with pytest.raises(BoxUnreadable):
            open_box(key, world.organisation_id, "transmissions", sent.id, sent.box)


def test_a_box_put_into_another_row_does_not_open(world, user, notice_id):
    """A box is bound to its organisation, table and row: swapping two rows reads as altered."""
    other_id = fleet.receive_notice(world.organisation_id)
    mine, other = fleet.notice(world.organisation_id, notice_id), fleet.notice(world.organisation_id, other_id)
    key = key_store().keys(world.organisation_id, [other.key_id])[other.key_id]
    mine.box = other.box

    with pytest.raises(BoxUnreadable):
        open_notice(key, mine)


def test_a_purged_answer_is_nothing_to_report_on(world, user, notice_id):
    """A sender that comes back after the client's data were destroyed changes nothing and fails nothing."""
    designate(user, notice_id)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    with tenant_session(world.organisation_id, write=True) as session:
        session.execute(delete(Answer).where(Answer.organisation_id == world.organisation_id))

    transmission.registered(
        world.organisation_id, outgoing.answer_id, receipt_number="ENR-1", receipt_at=AS_OF, as_of=AS_OF
    )

    assert answers(world, notice_id) == []


def test_what_goes_out_names_the_driver_in_the_agency_s_words(world, user, notice_id):
    """C4.3-c: identity, address, licence, and the capacity of the person."""
    designate(user, notice_id)

    body = messages.answer_bytes(transmission.claim_next(world.organisation_id, AS_OF)).decode()

    for expected in ('"nom":"Quatremare"', '"qualite":"PREPOSE"', '"statut":"DESIGNATION"', '"ville":"Nantes"'):
        assert expected in body


def test_whoever_did_not_hold_the_vehicle_is_designated_only_with_a_reason_that_stays_here(world, user):
    """C4.3-c, C9-b: the holder of that instant needs none; the reason is sealed with the answer and never sent."""
    vehicle_id, holder, other = (
        fleet.add_vehicle(world.organisation_id, "AB123CD"),
        *(fleet.add_driver(world.organisation_id) for _ in range(2)),
    )
    fleet.assign(world.organisation_id, vehicle_id, holder)
    first, second = (fleet.receive_notice(world.organisation_id, vehicle_id=vehicle_id) for _ in range(2))
    designate(user, first, driver_id=holder)
    for who in (other, None):
        with pytest.raises(Refused, match="n’avait pas ce véhicule") as refusal:
            designate(user, second, driver_id=who)
        assert refusal.value.field == "because"

    told = {"kind": DriverKind.REPRESENTATIVE, "details": fleet.NOEL, "keep_in_fleet": False, "as_of": AS_OF}
    designating.designate(user, second, driver_id=other, because=" Échange de clés. ", **told)
    assert snapshot(world, answers(world, first)[0]).keys() == {"conducteur", "qualite"}
    assert snapshot(world, answers(world, second)[0])["pourquoi"] == "Échange de clés."
    transmission.claim_next(world.organisation_id, AS_OF)
    body = messages.answer_bytes(transmission.claim_next(world.organisation_id, AS_OF)).decode()
    assert '"qualite":"REPRESENTANT_LEGAL"' in body
    assert "clés" not in body


def test_a_parking_fee_has_no_answer_and_its_page_says_so(world, user, notice_id, signed_in):
    """C4.3-d: neither designation nor impossibility, whatever is sent; it can be classified."""
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        session.execute(update(Notice).where(*mine).values(kind=NoticeKind.PARKING_FEE))
    page = signed_in(world.fines).get(f"/contraventions/{notice_id}").text
    assert "aucun conducteur ne peut être désigné" in page
    assert f"{notice_id}/classer" in page
    assert f"{notice_id}/designer" not in page
    assert f"{notice_id}/impossible" not in page

    with pytest.raises(Refused, match="FPS"):
        designate(user, notice_id)
    with pytest.raises(Refused, match="FPS"):
        report(user, notice_id, ImpossibilityReason.FORCE_MAJEURE, comment="Réquisition.")
    filing.file_notice(user, notice_id, reason=FilingReason.PARKING_FEE, as_of=AS_OF)
