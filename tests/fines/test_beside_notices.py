"""What users keep beside a notice: notes, files, which vehicle it is; seen with the notice, and gone with it."""

from datetime import timedelta
from io import BytesIO

import orjson
import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from eprunes.antai import messages
from eprunes.core import files
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import transmission
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.models import NoticeFile, NoticeFileKind
from eprunes.fines.services import attachments, designating, vehicle_choice
from eprunes.fines.services.attachments import Sent
from tests.support import fleet, tables
from tests.support.desk import designation_of
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, actor

LATER = AS_OF + timedelta(minutes=1)
SALE = {
    "reason": "cession", "comment": "Vendu à un garage.", "first_reference": "DC-1", "first_date": "2026-02-01",
    "second_reference": "SIV-2", "second_date": "2026-02-02",
}  # fmt: skip


SCAN = pdf(b"scan")


def file(content=SCAN, name="Avis.pdf"):
    return FileStorage(BytesIO(content), name)


def kept(world):
    """The files of notices, and the keys of all files."""
    with tenant_session(world.organisation_id) as session:
        rows = session.scalars(select(NoticeFile).where(NoticeFile.organisation_id == world.organisation_id)).all()
    return rows, set(key_store().all_keys(world.organisation_id, files.KEY_PURPOSE))


def traces(world, prefix):
    with tenant_session(world.organisation_id) as session:
        own = AuditEntry.organisation_id == world.organisation_id, AuditEntry.action.startswith(prefix)
        return list(session.scalars(select(AuditEntry).where(*own).order_by(AuditEntry.at, AuditEntry.id)))


def test_a_note_is_read_by_whoever_sees_the_notice_and_stands_nowhere_in_the_clear(desk, signed_in):
    """C4.3-e, C9-b: sealed, in the journal without its text, never sent, and closed with the notice."""
    world, _, driver_id, notice_id = desk
    page = f"/contraventions/{notice_id}"
    author, other = signed_in(world.fines), signed_in(world.both)
    assert author.post(f"{page}/notes", data={"text": "  "}).status_code == 422
    assert author.post(f"{page}/notes", data={"text": "Camille au téléphone : Bergamote"}).status_code == 302

    shown = other.get(page).text
    assert "Bergamote" in shown
    assert "Note interne ajoutée" in shown
    assert not any(b"Bergamote" in value for _, value in tables.values(world.organisation_id))
    [trace] = traces(world, "avis.note")
    assert set(trace.details) == {"note"}
    assert trace.subject_id == notice_id

    assert author.post(f"{page}/designer", data=designation_of(driver_id)).status_code == 302
    outgoing = transmission.claim_next(world.organisation_id, AS_OF + timedelta(days=1))
    assert "Bergamote" not in str(outgoing.snapshot)
    assert author.post(f"{page}/notes", data={"text": "Encore"}).status_code == 404
    assert "Bergamote" in signed_in(world.admin).get(page).text


def test_a_file_is_told_by_its_content_and_opens_only_to_those_who_see_the_notice(
    desk,
    signed_in,
    visiting,
    other_world,
):
    """C4.3-e, C4.3-f, C9-b: and an operator on a visit sees that it is there, and opens it not."""
    world, _, driver_id, notice_id = desk
    page, browser = f"/contraventions/{notice_id}", signed_in(world.fines)
    false = browser.post(f"{page}/pieces", data={"file_kind": "autre", "file": file(b"<html>", "scan.pdf")})
    assert (false.status_code, kept(world)) == (422, ([], set()))
    assert "Seuls les fichiers PDF, JPEG et PNG" in false.text
    assert '<option selected value="autre">' in false.text

    assert browser.post(f"{page}/pieces", data={"file_kind": "avis", "file": file()}).status_code == 302
    [row], _ = kept(world)
    path = f"/contraventions/pieces/{row.id}"
    answer = browser.get(path)
    assert (answer.data, answer.headers["Content-Disposition"]) == (pdf(b"scan"), "attachment; filename=Avis.pdf")
    assert [one.action for one in traces(world, "avis.piece")] == ["avis.piece_ajoutee", "avis.piece_telechargee"]
    seen = visiting.get(page).text
    assert "Avis.pdf" in seen
    assert path not in seen
    assert visiting.get(path).status_code == signed_in(other_world.admin).get(path).status_code == 404

    browser.post(f"{page}/designer", data=designation_of(driver_id))
    assert browser.get(path).status_code == 404
    assert signed_in(world.admin).get(path).status_code == 200


def test_a_file_goes_with_its_key_until_an_answer_was_given_with_it_there(desk):
    world, _, _, notice_id = desk
    user = actor(world.fines)
    for name in ("a.pdf", "b.pdf"):
        sent = Sent(name, pdf(name.encode()))
        attachments.add_file(user, notice_id, kind=NoticeFileKind.OTHER, sent=sent, as_of=AS_OF)
    (first, second), before = kept(world)
    attachments.remove_file(user, notice_id, first.id, as_of=AS_OF)
    rows, keys = kept(world)
    assert ([one.id for one in rows], len(before - keys)) == ([second.id], 1)

    told = {"reason": ImpossibilityReason.FORCE_MAJEURE, "comment": "Réquisition.", "proofs": []}
    designating.report_impossibility(user, notice_id, **told, as_of=AS_OF)
    with pytest.raises(Refused, match="reste avec l’avis"):
        attachments.remove_file(actor(world.admin), notice_id, second.id, as_of=LATER)


def test_a_sale_is_reported_with_its_two_papers_and_one_that_is_false_loses_nothing_typed(desk, signed_in):
    """C4.3-c: the references and dates, the comment stay; nothing is kept of the report that was refused."""
    world, _, _, notice_id = desk
    path, browser = f"/contraventions/{notice_id}/impossible", signed_in(world.fines)
    false = browser.post(path, data=SALE | {"first_file": file(), "second_file": file(b"PK", "siv.pdf")})
    assert (false.status_code, kept(world)) == (422, ([], set()))
    assert "d’une autre nature" in false.text.split('id="second_file-error"')[1][:900]
    for typed in ("DC-1", "2026-02-01", "SIV-2", "2026-02-02", "Vendu à un garage."):
        assert typed in false.text

    taken = browser.post(path, data=SALE | {"first_file": file(), "second_file": file(pdf(b"siv"), "siv.pdf")})
    assert taken.status_code == 302
    rows, _ = kept(world)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF + timedelta(days=1))
    assert {one["fichier"] for one in outgoing.snapshot["pieces"]} == {str(one.id) for one in rows}
    told = orjson.loads(messages.answer_bytes(outgoing))["pieces"]
    assert [set(one) for one in told] == [{"nature", "reference", "date"}] * 2


def test_a_plate_that_is_nobody_s_is_tied_to_the_vehicle_that_a_user_says_until_it_is_answered(world, signed_in):
    """The driver is then proposed; the plate that the agency read stays in sight; another choice undoes it."""
    mine = fleet.add_vehicle(world.organisation_id, "FY074KE")
    driver_id = fleet.add_driver(world.organisation_id)
    fleet.assign(world.organisation_id, mine, driver_id)
    notice_id = fleet.receive_notice(world.organisation_id, plate="FY074KF")
    page, browser = f"/contraventions/{notice_id}", signed_in(world.fines)
    shown = browser.get(page).text
    assert "C’est ce véhicule" in shown
    assert "Désigner Noëlig" not in shown

    assert browser.post(f"{page}/vehicule", data={"vehicle_id": str(mine)}).status_code == 302
    shown = browser.get(page).text
    assert "Désigner Noëlig" in shown
    assert "FY074KF" in shown
    browser.post(f"{page}/vehicule", data={"vehicle_id": ""})
    assert fleet.notice(world.organisation_id, notice_id).vehicle_id is None
    assert [one.action for one in traces(world, "avis.vehicule")] == ["avis.vehicule_choisi", "avis.vehicule_retire"]


def test_a_vehicle_is_chosen_neither_against_the_plate_nor_elsewhere_nor_once_answered(desk, other_world):
    """C9-b: and never a vehicle of another client."""
    world, vehicle_id, _, notice_id = desk
    user, boss = actor(world.fines), actor(world.admin)
    other = fleet.add_vehicle(world.organisation_id, "GZ975LD")
    unknown = fleet.receive_notice(world.organisation_id)
    stranger = fleet.add_vehicle(other_world.organisation_id, "AB124CD")
    for notice, vehicle, sentence in (
        (notice_id, other, "ne se choisit pas"), (notice_id, None, "ne se choisit pas"), (unknown, stranger, "parc"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=sentence):
            vehicle_choice.choose_vehicle(user, notice, vehicle_id=vehicle, as_of=AS_OF)
    told = {"reason": ImpossibilityReason.NOT_OUR_VEHICLE, "comment": "Pas à nous.", "proofs": []}
    designating.report_impossibility(user, unknown, **told, as_of=AS_OF)
    with pytest.raises(Refused, match="déjà été donnée"):
        vehicle_choice.choose_vehicle(boss, unknown, vehicle_id=vehicle_id, as_of=AS_OF)
    with pytest.raises(NotVisible):
        vehicle_choice.choose_vehicle(user, unknown, vehicle_id=vehicle_id, as_of=AS_OF)
