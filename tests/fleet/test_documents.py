"""Documents of vehicles and drivers: added, listed, saved, removed; sealed, traced, and gone with their owner."""

import re
from datetime import timedelta
from io import BytesIO
from threading import Barrier, Thread

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from eprunes.accounts.services import clients
from eprunes.core import files
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import KeyStore, key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import documents as reads
from eprunes.fleet.documents import DRIVER, VEHICLE, Subject
from eprunes.fleet.models import DocumentKind, FleetDocument
from eprunes.fleet.services import documents
from eprunes.privacy import jobs
from tests.fleet.fleets import add_driver, add_vehicle
from tests.fleet.test_vehicle_pages import refused, text_of
from tests.support import tables
from tests.support.papers import jpeg, pdf, png
from tests.support.routes import MISSING
from tests.support.worlds import AS_OF, actor

PDF, JPEG, PNG = pdf(b"secret"), jpeg(b"photo"), png(b"image")
MEGABYTE = 1024 * 1024


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


@pytest.fixture
def vehicle(world):
    return add_vehicle(world)


@pytest.fixture
def driver(world):
    return add_driver(world)


def add(world, subject, content=PDF, name="Carte grise Dumas.pdf", kind=None):
    nature = kind or (DocumentKind.REGISTRATION if subject.kind == VEHICLE else DocumentKind.LICENCE)
    given = {"subject": subject, "kind": nature, "name": name, "content": content}
    return documents.add_document(actor=actor(world.fleet), **given, as_of=AS_OF)


def send(browser, path, content=PDF, name="papier.pdf", kind="assurance"):
    return post(browser, path, {"kind": kind, "file": FileStorage(BytesIO(content), name)})


def post(browser, path, sent):
    """As the client's own `post`, which would leave a heavy body's temporary file open."""
    boundary, body = encode_multipart(sent)
    return browser.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def page_of(subject):
    return f"/{'vehicules' if subject.kind == VEHICLE else 'conducteurs'}/{subject.id}/documents"


def rows(world):
    with tenant_session(world.organisation_id) as session:
        own = FleetDocument.organisation_id == world.organisation_id
        stored = session.scalars(
            select(files.StoredFile).where(files.StoredFile.organisation_id == world.organisation_id)
        )
        return list(session.scalars(select(FleetDocument).where(own))), list(stored)


def keys(world):
    return set(key_store().all_keys(world.organisation_id, files.KEY_PURPOSE))


def traces(world):
    with tenant_session(world.organisation_id) as session:
        query = select(AuditEntry).where(
            AuditEntry.organisation_id == world.organisation_id, AuditEntry.action.startswith("document.")
        )
        return list(session.scalars(query.order_by(AuditEntry.at, AuditEntry.id)))


def test_a_vehicle_s_documents_are_listed_with_kind_name_size_day_and_author(browser, world, vehicle):
    """C4.2: what the fleet tool holds on a vehicle."""
    send(browser, f"/vehicules/{vehicle}/documents", pdf(size=3 * MEGABYTE), "Police 2026.PDF")
    page = text_of(browser.get(f"/vehicules/{vehicle}/documents"))
    for words in ("Documents 1", "Attestation d’assurance", "Police 2026.pdf", "3 Mo", "mar. 3 mars 2026", "parc"):
        assert words in page


def test_a_driver_s_page_takes_a_licence_and_a_vehicle_s_does_not(browser, driver, vehicle):
    """C4.2: and on the persons to whom vehicles are attributed."""
    assert send(browser, f"/conducteurs/{driver}/documents", JPEG, "permis.jpg", "permis").status_code == 302
    assert "Permis de conduire" in text_of(browser.get(f"/conducteurs/{driver}/documents"))
    answer = send(browser, f"/vehicules/{vehicle}/documents", JPEG, "permis.jpg", "permis")
    assert refused(answer, "kind", "Choisissez dans la liste.")
    answer = send(browser, f"/conducteurs/{driver}/documents", PNG, "carte.png", "carte_grise")
    assert refused(answer, "kind", "Choisissez dans la liste.")


def test_the_tab_of_documents_is_the_current_one_even_when_the_form_is_refused(browser, vehicle):
    path = f"/vehicules/{vehicle}/documents"
    for answer in (browser.get(path), send(browser, path, b"")):
        assert re.findall(r'<a href="([^"]+)" aria-current="page">\s*<svg[^>]*>.*?</svg> Documents', answer.text) == [
            path
        ]


def test_without_a_document_the_page_says_so_and_offers_to_add_one(browser, vehicle):
    page = text_of(browser.get(f"/vehicules/{vehicle}/documents"))
    assert "Aucun document pour l’instant." in page
    assert "Ajouter un document" in page


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Ce fichier est vide."),
        (b"<html><script>alert(1)</script>", "Seuls les fichiers PDF, JPEG et PNG sont acceptés"),
        (PDF[:-6], "Ce fichier est incomplet ou abîmé"),
        (JPEG.ljust(10 * MEGABYTE + 1, b"."), "Ce fichier dépasse 10"),
        (JPEG.ljust(30 * MEGABYTE, b"."), "Ce fichier dépasse 10"),
    ],
)
def test_what_is_no_document_is_refused_on_the_form_and_leaves_nothing(browser, world, vehicle, content, sentence):
    """A photo of 30 MB and an HTML file named .jpg: said beside the field, the chosen kind kept."""
    answer = send(browser, f"/vehicules/{vehicle}/documents", content, "photo.jpg")
    assert refused(answer, "file", sentence)
    assert '<option selected value="assurance">' in answer.text
    assert (rows(world), keys(world)) == (([], []), set())


def test_a_photo_of_ten_megabytes_is_taken(browser, world, vehicle):
    assert send(browser, f"/vehicules/{vehicle}/documents", JPEG.ljust(10 * MEGABYTE, b".")).status_code == 302
    assert [one.size for one in rows(world)[1]] == [10 * MEGABYTE]


def test_a_body_beyond_all_measure_is_answered_in_french(browser, world, vehicle):
    answer = send(browser, f"/vehicules/{vehicle}/documents", JPEG.ljust(65 * MEGABYTE, b"."))
    assert answer.status_code == 413
    assert "Fichier trop lourd" in answer.text
    assert rows(world) == ([], [])


def test_only_uploads_of_documents_take_heavy_bodies(browser, vehicle):
    answer = send(browser, f"/vehicules/{vehicle}/modifier", bytes(30 * MEGABYTE))
    assert answer.status_code == 413


@pytest.mark.parametrize(("field", "data"), [("kind", {"file": (PDF, "a.pdf")}), ("file", {"kind": "assurance"})])
def test_a_kind_and_a_file_have_to_be_given(browser, vehicle, field, data):
    sent = {name: (BytesIO(value[0]), value[1]) if name == "file" else value for name, value in data.items()}
    answer = browser.post(f"/vehicules/{vehicle}/documents", data=sent)
    assert refused(answer, field, "Choisissez")


def test_a_document_is_saved_as_a_file_and_never_interpreted(browser, world, vehicle):
    document = add(world, Subject(VEHICLE, vehicle), name="Procès-verbal « n° 1 ».pdf")
    answer = browser.get(f"/documents/{document}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    named = answer.headers["Content-Disposition"]
    assert named.startswith("attachment; ")
    assert "filename*=UTF-8''Proc%C3%A8s-verbal%20%C2%AB%20n%C2%B0%201%20%C2%BB.pdf" in named
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"].split("; ")
    assert answer.headers["Cache-Control"] == "no-store"


def test_each_act_on_a_document_is_traced_without_its_name(browser, world, vehicle, caplog):
    document = add(world, Subject(VEHICLE, vehicle))
    browser.get(f"/documents/{document}")
    browser.get(f"/documents/{document}")
    browser.post(f"/documents/{document}/supprimer")
    found = traces(world)
    assert [one.action for one in found] == [
        "document.ajoute", "document.telecharge", "document.telecharge", "document.supprime",
    ]  # fmt: skip
    for one in found:
        assert (one.subject_kind, one.subject_id) == (VEHICLE, vehicle)
        assert one.details == {"document": str(document), "nature": "carte_grise"}
    assert "Dumas" not in caplog.text
    journal = text_of(browser.get(f"/vehicules/{vehicle}"))
    for words in ("Document ajouté", "Document téléchargé", "Document supprimé", "Certificat d’immatriculation"):
        assert words in journal


def test_a_download_without_its_trace_is_none(browser, world, vehicle, monkeypatch):
    document = add(world, Subject(VEHICLE, vehicle))

    def fails(*arguments, **named):
        raise ConnectionError

    monkeypatch.setattr(documents, "_record", fails)
    answer = browser.get(f"/documents/{document}")
    assert answer.status_code == 500
    assert b"secret" not in answer.data


def test_nothing_of_a_document_is_readable_in_the_database(app, world, vehicle):
    add(world, Subject(VEHICLE, vehicle))
    held = b"".join(value for _, value in tables.tenant_values(world.organisation_id))
    assert b"secret" not in held
    assert b"Dumas" not in held


def test_the_same_content_is_told_and_not_doubled(browser, world, vehicle, driver):
    path = f"/vehicules/{vehicle}/documents"
    send(browser, path, name="un.pdf")
    before = keys(world)
    answer = send(browser, path, name="deux.pdf", kind="autre")
    assert refused(answer, "file", "Ce fichier est déjà là\u00a0: «\u00a0un.pdf\u00a0», ajouté le mar. 3 mars 2026")
    assert (len(rows(world)[0]), keys(world)) == (1, before)
    send(browser, path, PDF[:-1] + b"T", "trois.pdf")
    send(browser, f"/conducteurs/{driver}/documents", kind="autre")
    assert len(rows(world)[0]) == 3


def test_two_uploads_at_once_are_both_kept_and_the_same_one_once(app, world, vehicle):
    outcomes, start = [], Barrier(3)

    def upload(content):
        with app.app_context():
            start.wait()
            try:
                add(world, Subject(VEHICLE, vehicle), content)
                outcomes.append("kept")
            except Refused:
                outcomes.append("told")

    threads = [Thread(target=upload, args=(one,)) for one in (PDF, PDF, PNG)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["kept", "kept", "told"]
    assert len(rows(world)[1]) == len(keys(world)) == 2


def test_a_vehicle_holds_no_more_documents_than_its_page_shows(browser, world, vehicle, monkeypatch):
    monkeypatch.setattr(documents, "MOST", 2)
    path = f"/vehicules/{vehicle}/documents"
    assert [send(browser, path, one).status_code for one in (PDF, PNG)] == [302, 302]
    assert refused(send(browser, path, JPEG), "file", "2 documents au plus")


def test_a_document_goes_after_a_confirmation_and_its_key_with_it(browser, world, vehicle):
    kept, gone = add(world, Subject(VEHICLE, vehicle)), add(world, Subject(VEHICLE, vehicle), PNG, "b.png")
    page = text_of(browser.get(f"/documents/{gone}/supprimer"))
    assert "b.png" in page
    assert "Ce document, rattaché à AB-123-CD, sera détruit. Cela ne peut pas être défait" in page
    assert len(rows(world)[0]) == 2
    answer = browser.post(f"/documents/{gone}/supprimer")
    assert answer.headers["Location"] == f"/vehicules/{vehicle}/documents"
    [row], [file] = rows(world)
    assert (row.id, {file.key_id}) == (kept, keys(world))
    assert browser.get(f"/documents/{gone}").status_code == 404
    assert browser.post(f"/documents/{gone}/supprimer").status_code == 404


def test_the_confirmation_names_the_driver(browser, world, driver):
    document = add(world, Subject(DRIVER, driver))
    page = text_of(browser.get(f"/documents/{document}/supprimer"))
    assert "Ce document, rattaché à DUMAS Caroline, sera détruit." in page
    assert browser.post(f"/documents/{document}/supprimer").headers["Location"] == f"/conducteurs/{driver}/documents"


def test_whoever_removes_second_is_told(app, world, driver):
    document = add(world, Subject(DRIVER, driver))
    documents.remove_document(actor=actor(world.fleet), document_id=document, as_of=AS_OF)
    with pytest.raises(Refused, match="n’existe plus"):
        documents.remove_document(actor=actor(world.fleet), document_id=document, as_of=AS_OF)


def test_a_removal_cut_off_before_the_key_is_finished_by_the_sweep(app, world, vehicle, monkeypatch):
    document = add(world, Subject(VEHICLE, vehicle))
    add(world, Subject(VEHICLE, vehicle), PNG)

    def cut_off(*arguments):
        raise ConnectionError

    with monkeypatch.context() as cut:
        cut.setattr(KeyStore, "destroy_keys", cut_off)
        with pytest.raises(ConnectionError):
            documents.remove_document(actor=actor(world.fleet), document_id=document, as_of=AS_OF)
    assert len(keys(world)) == 2
    early = jobs.retention_sweep(AS_OF + timedelta(days=1))
    late = jobs.retention_sweep(AS_OF + timedelta(days=1, seconds=1))
    assert (early["orphan_keys"], late["orphan_keys"]) == (0, 1)
    assert keys(world) == {file.key_id for file in rows(world)[1]}


def test_documents_of_a_client_go_with_the_purge_and_those_of_another_stay(app, world, other_world):
    """C12.3-d."""
    for one in (world, other_world):
        add(one, Subject(VEHICLE, add_vehicle(one)))
        add(one, Subject(DRIVER, add_driver(one)), JPEG)
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    jobs.contract_end_purge(AS_OF + timedelta(days=40))
    assert (rows(world), keys(world)) == (([], []), set())
    assert len(rows(other_world)[0]) == len(keys(other_world)) == 2


@pytest.mark.parametrize("kind", [VEHICLE, DRIVER])
def test_another_client_s_documents_are_as_if_they_were_not(signed_in, world, other_world, kind):
    """C3.2: not visible is 404, like a missing one."""
    make = {VEHICLE: add_vehicle, DRIVER: add_driver}[kind]
    subject = Subject(kind, make(world))
    document, stranger = add(world, subject), signed_in(other_world.admin)
    for path in (page_of(subject), f"/documents/{document}", f"/documents/{document}/supprimer"):
        assert stranger.get(path).status_code == stranger.get(path.replace(str(document), MISSING)).status_code == 404
    for path in (page_of(subject), f"/documents/{document}/supprimer"):
        assert stranger.post(path).status_code == 404
    with pytest.raises(Refused, match="pas dans votre parc"):
        add(other_world, subject)
    assert (len(rows(world)[0]), rows(other_world), keys(other_world)) == (1, ([], []), set())


def test_a_visiting_operator_reads_the_list_and_opens_no_file(visiting, world, vehicle, driver):
    """The least that a visit needs: a paper's content stays the client's."""
    for subject in (Subject(VEHICLE, vehicle), Subject(DRIVER, driver)):
        document = add(world, subject)
        page = visiting.get(page_of(subject)).text
        assert "Carte grise Dumas.pdf" in page
        assert f"/documents/{document}" not in page
        assert "Ajouter un document" not in page
        assert visiting.get(f"/documents/{document}").status_code == 404
        assert send(visiting, page_of(subject)).status_code == 404
        assert visiting.post(f"/documents/{document}/supprimer").status_code == 404


def test_documents_can_be_saved_at_any_time(signed_in, world, vehicle, driver):
    """C7-a: every paper that was loaded is given back, whole and as it was sent."""
    sent = [(Subject(VEHICLE, vehicle), PDF), (Subject(VEHICLE, vehicle), PNG), (Subject(DRIVER, driver), JPEG)]
    browser = signed_in(world.admin)
    for subject, content in sent:
        add(world, subject, content)
        links = re.findall(r'href="(/documents/[^"/]+)"', browser.get(page_of(subject)).text)
        assert content in [browser.get(one).data for one in links]


def test_the_proofs_of_a_vehicle_are_known_by_kind(app, world, vehicle):
    boss = actor(world.fleet)
    other = add_vehicle(world, "BC-234-DE")
    add(world, Subject(VEHICLE, vehicle), PDF, kind=DocumentKind.TRANSFER)
    add(world, Subject(VEHICLE, vehicle), PNG, kind=DocumentKind.TRANSFER)
    add(world, Subject(VEHICLE, vehicle), JPEG, kind=DocumentKind.OTHER)
    with tenant_session(world.organisation_id) as session:
        assert reads.kinds_present(session, boss, vehicle) == {DocumentKind.TRANSFER, DocumentKind.OTHER}
        assert reads.kinds_present(session, boss, other) == set()
        assert reads.kinds_present(session, actor(world.fines), vehicle) == set()
