import socket
from itertools import combinations
from pathlib import Path

import pytest

from demo import places
from demo.places import DemoRefused
from eprunes.core.config import read_settings
from tests.demo import running


def place_in(folder: Path, **variables: str) -> places.Place:
    return places.find_place({"EPRUNES_VAR_DIR": str(folder), **variables})


def test_everything_stands_in_the_demos_own_folder(tmp_path):
    place = place_in(tmp_path)
    assert place.folder == tmp_path / "demo"
    for name in ("DATABASE_URL", "KEYSTORE_URL", "MASTER_KEY_FILE", "FILES_DIR", "ANTAI_PASSWORD_FILE"):
        assert str(tmp_path / "demo") in place.environ[f"EPRUNES_{name}"]


def test_the_addresses_follow_the_ports(tmp_path):
    place = place_in(tmp_path, EPRUNES_PORT="9100", EPRUNES_ANTAI_PORT="9101")
    assert place.environ["EPRUNES_BASE_URL"] == "http://127.0.0.1:9100"
    assert place.environ["EPRUNES_ANTAI_URL"] == "http://127.0.0.1:9101"


def test_the_demo_says_whom_to_tell_about_a_weakness(tmp_path):
    """It answers /.well-known/security.txt."""
    assert read_settings(place_in(tmp_path).environ).security_contact


def test_what_the_user_set_wins_and_an_empty_variable_does_not(tmp_path):
    own = {"EPRUNES_FILES_DIR": "/elsewhere", "EPRUNES_CLOCK_OFFSET": "45d", "EPRUNES_MASTER_KEY_FILE": ""}
    environ = place_in(tmp_path, **own).environ
    assert environ["EPRUNES_FILES_DIR"] == "/elsewhere"
    assert environ["EPRUNES_CLOCK_OFFSET"] == "45d"
    assert environ["EPRUNES_MASTER_KEY_FILE"] == str(tmp_path / "demo" / "master.key")


def test_the_demo_says_how_to_reach_its_support(tmp_path):
    assert place_in(tmp_path).environ["EPRUNES_SUPPORT_CONTACT"] == "assistance@e-prunes.example"


def test_the_demo_never_speaks_to_another_agency_and_always_says_that_it_is_one(tmp_path):
    environ = place_in(tmp_path, EPRUNES_ANTAI_URL="https://antai.example", EPRUNES_DEMO="0").environ
    assert environ["EPRUNES_ANTAI_URL"] == "http://127.0.0.1:8001"
    assert environ["EPRUNES_DEMO"] == "1"


def test_the_demos_mails_never_leave_the_machine(tmp_path):
    elsewhere = {"EPRUNES_SMTP_URL": "smtps://me:secret@smtp.example", "EPRUNES_MAILBOX_URL": "https://mails.example"}
    environ = place_in(tmp_path, **elsewhere, EPRUNES_SMTP_PORT="9103", EPRUNES_MAILBOX_PORT="9102").environ
    assert environ["EPRUNES_SMTP_URL"] == "smtp://127.0.0.1:9103"
    assert environ["EPRUNES_MAILBOX_URL"] == "http://127.0.0.1:9102"


@pytest.mark.parametrize("port", ["0", "65536", "huit", "-1", "8000.5"])
def test_a_port_that_is_none_is_refused_by_name(tmp_path, port):
    with pytest.raises(DemoRefused, match="EPRUNES_PORT"):
        place_in(tmp_path, EPRUNES_PORT=port)


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_the_last_port_are_admitted(tmp_path, port):
    assert place_in(tmp_path, EPRUNES_PORT=port).web_port == int(port)


@pytest.mark.parametrize(("one", "other"), [*combinations(places.PORTS, 2)])
def test_one_port_for_two_programs_is_refused(tmp_path, one, other):
    with pytest.raises(DemoRefused, match="ports tous différents"):
        place_in(tmp_path, **{one: "9100", other: "9100"})


@pytest.mark.parametrize("variable", list(places.PORTS))
def test_a_taken_port_is_named_with_the_variable_to_change(tmp_path, variable):
    ports = running.free_ports()
    place = place_in(tmp_path, **ports)
    places.refuse_taken_ports(place)
    sentence = pytest.raises(DemoRefused, match=rf"{ports[variable]}.*{variable}=")
    with socket.create_server(("127.0.0.1", int(ports[variable]))), sentence:
        places.refuse_taken_ports(place)
    places.refuse_taken_ports(place)


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "these.odt").write_text("trois ans de travail")
    with pytest.raises(DemoRefused, match="EPRUNES_VAR_DIR"), places.held(tmp_path / "demo"):
        pass
    assert (tmp_path / "demo" / "these.odt").exists()


def test_a_folder_is_held_by_one_demo_at_a_time(tmp_path):
    with places.held(tmp_path), pytest.raises(DemoRefused, match="tourne déjà"), places.held(tmp_path):
        pass
    with places.held(tmp_path):
        pass


def test_starting_over_leaves_nothing_of_an_unfinished_load_and_hides_the_new_password(tmp_path):
    place = place_in(tmp_path)
    with places.held(place.folder):
        (place.folder / "eprunes.sqlite").write_bytes(b"half")
        (place.folder / "fichiers").mkdir()
        (place.folder / "fichiers" / "x").write_text("x")
        places.start_over(place)
    assert {path.name for path in place.folder.iterdir()} == {places.LOCK, "antai-mot-de-passe"}
    password = place.folder / "antai-mot-de-passe"
    assert password.stat().st_mode & 0o777 == 0o600
    assert len(password.read_text().strip()) >= 24


def test_databases_elsewhere_are_never_started_over(tmp_path):
    place = place_in(tmp_path, EPRUNES_DATABASE_URL="postgresql:///mine")
    with places.held(place.folder):
        (place.folder / "master.key").write_text("the key of mine")
        with pytest.raises(DemoRefused, match="videz les bases"):
            places.start_over(place)
    assert (place.folder / "master.key").read_text() == "the key of mine"
