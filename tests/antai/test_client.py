"""What the client makes of each thing that the agency may say: outcomes named by what the caller must do."""

import json
from datetime import UTC, datetime

import pytest

from eprunes.antai.client import (
    AgencyClient,
    AgencyUnavailable,
    AlreadyAnswered,
    AnswerRefused,
    NothingHeld,
    OutcomeUnknown,
    Registered,
)
from tests.support.stub_agency import running_stub
from tests.support.worlds import AS_OF

SEND = "POST /flotteconventionnee/designation"
LOOK = "GET /flotteconventionnee/infraction/8000000001"
RECEIPT_AT = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
RECEIPT = {"numeroEnregistrement": "ENR-1", "dateEnregistrement": "2026-03-03T09:30:00+01:00"}
OURS, THEIRS = {"identifiantDesignation": "nous"}, {"identifiantDesignation": "autrui"}


@pytest.fixture(scope="module")
def running():
    with running_stub() as stub:
        yield stub


@pytest.fixture
def stub(running):
    running.script.clear()
    running.received.clear()
    return running


@pytest.fixture
def client(stub) -> AgencyClient:
    return AgencyClient(stub.url, "eprunes", "secret")


def as_bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def outcome_of(call, *arguments, **named) -> object:
    """What the call returns, or the class of what it raises."""
    try:
        return call(*arguments, **named)
    except (AgencyUnavailable, OutcomeUnknown) as raised:
        return type(raised)


SAID = [
    (200, {"etat": "ENREGISTREE", **RECEIPT}, Registered("ENR-1", RECEIPT_AT)),
    (200, {"etat": "ENREGISTREE", "numeroEnregistrement": "ENR-1"}, Registered("ENR-1", AS_OF)),
    (409, {"etat": "DOUBLON", **RECEIPT}, Registered("ENR-1", RECEIPT_AT)),
    (409, {"etat": "DEJA_REPONDU"}, AlreadyAnswered()),
    (422, {"etat": "REFUSEE", "motifRefus": "Il manque le nom."}, AnswerRefused("Il manque le nom.")),
    (404, {"etat": "INCONNU", "message": "Numéro inconnu."}, AnswerRefused("Numéro inconnu.")),
    (409, {"etat": "IDENTIFIANT_REUTILISE", "message": "Déjà pris."}, AnswerRefused("Déjà pris.")),
    (400, {"code": "REQUETE_INVALIDE", "message": "Illisible."}, AnswerRefused("Illisible.")),
    (200, {"etat": "ENREGISTREE"}, OutcomeUnknown),
    (200, b"<html>", OutcomeUnknown),
    (200, b"[1]", OutcomeUnknown),
    (302, b"", OutcomeUnknown),
    (500, b"", OutcomeUnknown),
    (502, b"<html>", OutcomeUnknown),
    (504, b"<html>", OutcomeUnknown),
    (503, b"<html>", AgencyUnavailable),
    (403, b"<html>", AgencyUnavailable),
    (404, b"<html>", AgencyUnavailable),
    (429, {"message": "Trop d’appels."}, AgencyUnavailable),
]


@pytest.mark.parametrize(("status", "body", "expected"), SAID)
def test_each_answer_to_a_designation_has_one_outcome(stub, client, status, body, expected):
    stub.answers(SEND, status, as_bytes(body))

    assert outcome_of(client.designate, body=b"{}", as_of=AS_OF) == expected


HELD = [
    (200, {"numeroAco": "8000000001"}, NothingHeld()),
    (404, {"etat": "INCONNU"}, NothingHeld()),
    (200, {"designation": {**OURS, "etat": "ENREGISTREE", **RECEIPT}}, Registered("ENR-1", RECEIPT_AT)),
    (200, {"designation": {**THEIRS, "etat": "ENREGISTREE", **RECEIPT}}, AlreadyAnswered()),
    (200, {"designation": {**OURS, "etat": "REFUSEE", "motifRefus": "Illisible."}}, AnswerRefused("Illisible.")),
    (200, {"designation": {**THEIRS, "etat": "REFUSEE", "motifRefus": "Illisible."}}, NothingHeld()),
    (200, {"designation": {**OURS, "etat": "ENREGISTREE"}}, AgencyUnavailable),
    (200, b"<html>", AgencyUnavailable),
    (403, b"<html>", AgencyUnavailable),
    (429, {"message": "Trop d’appels."}, AgencyUnavailable),
    (500, b"", AgencyUnavailable),
    (503, b"", AgencyUnavailable),
]


@pytest.mark.parametrize(("status", "body", "expected"), HELD)
def test_only_the_agency_s_own_word_says_that_it_holds_nothing(stub, client, status, body, expected):
    stub.answers(LOOK, status, as_bytes(body))

    found = outcome_of(client.answer_held, notice_number="8000000001", reference="nous", as_of=AS_OF)

    assert found == expected


def test_an_expired_token_is_renewed_and_the_same_bytes_go_out_again(stub, client):
    stub.answers(SEND, 401, b"")
    stub.answers(SEND, 200, as_bytes({"etat": "ENREGISTREE", **RECEIPT}))

    assert client.designate(body=b'{"un":1}', as_of=AS_OF) == Registered("ENR-1", RECEIPT_AT)
    assert stub.bodies(SEND) == [b'{"un":1}'] * 2


def test_refused_credentials_are_an_outage_and_nothing_is_sent(stub, client):
    stub.answers("POST /api/login", 401, b"")

    assert outcome_of(client.designate, body=b"{}", as_of=AS_OF) is AgencyUnavailable
    assert stub.bodies(SEND) == []


def test_a_token_refused_twice_is_an_outage(stub, client):
    stub.answers(SEND, 401, b"")
    stub.answers(SEND, 401, b"")

    assert outcome_of(client.designate, body=b"{}", as_of=AS_OF) is AgencyUnavailable


def test_nobody_listening_is_an_outage():
    nobody = AgencyClient("http://127.0.0.1:9", "eprunes", "secret")

    assert outcome_of(nobody.designate, body=b"{}", as_of=AS_OF) is AgencyUnavailable


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"content": null}'])
def test_a_page_that_can_t_be_read_is_an_outage_and_not_the_last_page(stub, client, body):
    stub.answers("GET /flotteconventionnee/infractions?sort=numeroAco&desc=false&page=0", 200, body)

    assert outcome_of(list, client.offence_pages()) is AgencyUnavailable


def test_entries_of_a_bulk_answer_that_can_t_be_read_are_left_out(stub, client):
    good = {"immatriculation": "AB-123-CD", "paysImmatriculation": "FRA", "statut": "AJOUTE", "motif": None}
    stub.answers("POST /flotteconventionnee/flotte/vehicules", 200, as_bytes([None, "x", {}, good]))

    assert client.add_vehicles(vehicles=[]) == {("FR", "AB123CD"): ("AJOUTE", "")}
