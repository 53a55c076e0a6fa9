import pytest
import requests

from eprunes.antai.simulator import access
from eprunes.antai.simulator.app import create_app, is_loopback
from tests.antai.simulator.running import CREDENTIALS, TIMEOUT, Caller, sign_in

FLEET = "/flotteconventionnee/flotte/vehicules"


def test_the_right_credentials_and_anti_forgery_token_give_a_bearer_token(agency):
    with Caller(agency.url) as caller:
        answer = sign_in(caller)
        assert answer.status_code == 200
        assert answer.headers["Authorization"].startswith("Bearer ")
        assert caller.get(FLEET).status_code == 200


@pytest.mark.parametrize("header", [{}, {"X-Xsrf-Token": "another"}, {"X-Xsrf-Token": ""}])
def test_a_sign_in_whose_anti_forgery_token_is_not_the_cookie_s_is_forbidden(agency, header):
    with Caller(agency.url) as caller:
        caller.get("/api/init")
        assert caller.post("/api/login", auth=CREDENTIALS, headers=header).status_code == 403


def test_a_sign_in_without_a_cookie_is_forbidden(agency):
    answer = requests.post(agency.url + "/api/login", auth=CREDENTIALS, headers={"X-Xsrf-Token": ""}, timeout=TIMEOUT)
    assert answer.status_code == 403


@pytest.mark.parametrize("credentials", [("eprunes", "wrong"), ("other", "eprunes-demo"), ("é", "ü"), ("", "")])
def test_wrong_credentials_are_refused(agency, credentials):
    with Caller(agency.url) as caller:
        answer = sign_in(caller, credentials)
    assert answer.status_code == 401
    assert "Authorization" not in answer.headers


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer invented", "Basic ZXBydW5lczp4"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/flotteconventionnee/vehicule?immatriculation=AA123AA"),
        ("POST", "/flotteconventionnee/vehicule"),
        ("DELETE", "/flotteconventionnee/vehicule"),
        ("GET", FLEET),
        ("POST", FLEET),
        ("PUT", "/flotteconventionnee/vehicules/delete"),
        ("GET", "/flotteconventionnee/infractions"),
        ("GET", "/flotteconventionnee/infraction/1234567890"),
        ("POST", "/flotteconventionnee/designation"),
        ("POST", "/flotteconventionnee/test/genererInfractions"),
    ],
)
def test_every_call_of_the_convention_needs_a_bearer_token(agency, method, path, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    answer = requests.request(method, agency.url + path, headers=headers, json={}, timeout=TIMEOUT)
    assert answer.status_code == 401


def test_a_session_ends_after_thirty_minutes(instant):
    sessions = access.Sessions()
    token = access.open_session(sessions, instant("2026-01-01T10:00:00Z"))
    assert access.is_open(sessions, token, instant("2026-01-01T10:29:59.999999Z"))
    assert not access.is_open(sessions, token, instant("2026-01-01T10:30:00Z"))


def test_control_can_end_every_session(agency, caller):
    assert caller.get(FLEET).status_code == 200
    assert agency.control("POST", "/tokens/expire").json()["expired"] >= 1
    assert caller.get(FLEET).status_code == 401
    sign_in(caller)
    assert caller.get(FLEET).status_code == 200


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", False),
        ("192.168.0.1", False),
        ("::ffff:192.168.0.1", False),
        ("2001:db8::1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_the_local_machine_counts_as_loopback(address, expected):
    assert is_loopback(address) is expected


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 200), ("192.0.2.7", 403)])
def test_control_is_closed_to_other_machines(tmp_path, address, status):
    app = create_app(database=str(tmp_path / "agency.db"), user="a", password="b")
    answer = app.test_client().get("/control/state", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
