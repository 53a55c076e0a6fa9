import json
import signal
import subprocess
import sys

import pytest

from tests.antai.simulator.running import (
    EXCERPT,
    ROOT,
    TIMEOUT,
    Caller,
    designation,
    full_read,
    listed_numbers,
    offence,
    running_agency,
    sign_in,
    signed_in,
    vehicle,
)

FLEET = "/flotteconventionnee/flotte/vehicules"
DESIGNATION = "/flotteconventionnee/designation"


def test_a_file_of_offences_is_loaded_once_however_often_the_program_starts(tmp_path):
    records = json.loads(EXCERPT.read_text(encoding="utf-8"))
    for _ in range(2):
        with running_agency(tmp_path / "agency.db", "--load", str(EXCERPT)) as agency:
            assert agency.state()["offences"] == len(records) == 6
            with signed_in(agency.url) as caller:
                caller.post(FLEET, json=[vehicle(record["immatriculation"]) for record in records])
                read = full_read(caller)
                assert sorted(read, key=str) == sorted(records, key=str)


def test_everything_but_the_sessions_survives_a_kill(tmp_path):
    database = tmp_path / "agency.db"
    records = [offence("AB123CD"), offence("AB123CD")]
    numbers = [record["numeroAco"] for record in records]
    with running_agency(database) as agency, signed_in(agency.url) as caller:
        caller.post(FLEET, json=[vehicle("AB123CD")])
        agency.control("POST", "/offences", records)
        assert listed_numbers(caller, "AB123CD") == numbers
        said = caller.post(DESIGNATION, json=designation(numbers[0], "kept")).json()
        token = caller.headers["Authorization"]
        agency.process.send_signal(signal.SIGKILL)
        agency.process.wait(TIMEOUT)
    with running_agency(database) as agency, Caller(agency.url) as caller:
        assert caller.get(FLEET, headers={"Authorization": token}).status_code == 401
        sign_in(caller)
        assert listed_numbers(caller, "AB123CD") == [numbers[1]]
        read = caller.get("/flotteconventionnee/infraction/" + numbers[0]).json()
        assert read["designation"]["numeroEnregistrement"] == said["numeroEnregistrement"]
        again = caller.post(DESIGNATION, json=designation(numbers[0], "kept"))
        assert again.json()["etat"] == "DOUBLON"


def test_the_clock_offset_moves_the_agency_s_days(tmp_path):
    database = tmp_path / "agency.db"
    record = offence("AB123CD")
    with running_agency(database) as agency, signed_in(agency.url) as caller:
        caller.post(FLEET, json=[vehicle("AB123CD")])
        agency.control("POST", "/offences", [record])
        assert full_read(caller) == [record]
    for offset, expected in (("44d", [record]), ("48d", [])):
        with (
            running_agency(database, EPRUNES_CLOCK_OFFSET=offset) as agency,
            signed_in(agency.url) as caller,
        ):
            assert full_read(caller) == expected


def test_the_credentials_come_from_the_environment(tmp_path):
    (tmp_path / "password").write_text("motdepassé\n", encoding="utf-8")
    settings = {
        "EPRUNES_ANTAI_USER": "durand",
        "EPRUNES_ANTAI_PASSWORD_FILE": str(tmp_path / "password"),
    }
    with running_agency(tmp_path / "agency.db", **settings) as agency, Caller(agency.url) as caller:
        assert sign_in(caller).status_code == 401
        assert sign_in(caller, ("durand", "motdepassé".encode())).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_at_once_without_error_even_while_a_request_hangs(tmp_path, number):
    with running_agency(tmp_path / "agency.db") as agency, Caller(agency.url) as caller:
        agency.fault("hang", seconds=60)
        with pytest.raises(OSError):
            caller.get("/api/init", timeout=0.1)
        agency.process.send_signal(number)
        assert agency.process.wait(3) == 0
        assert agency.process.stderr.read() == ""


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        (["--load", "/nowhere/offences.json"], {}, "offences.json"),
        (["--load", __file__], {}, "JSON"),
        ([], {"EPRUNES_CLOCK_OFFSET": "demain"}, "demain"),
        ([], {"EPRUNES_ANTAI_PASSWORD_FILE": "/nowhere/password"}, "password"),
        (["--database", __file__], {}, "database"),
        (["--database", "/nowhere/agency.db"], {}, "database"),
    ],
)
def test_a_start_that_cannot_work_says_why(tmp_path, options, environment, expected):
    command = [sys.executable, "-m", "eprunes.antai.simulator", "--port", "0"]
    ended = subprocess.run(
        [*command, "--database", str(tmp_path / "agency.db"), *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert ended.returncode == 1
    assert "ne peut pas démarrer" in ended.stderr
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_program_shares_nothing_with_the_product_but_the_clock(tmp_path):
    look = (
        "import sys; import eprunes.antai.simulator.__main__;"
        "print([name for name in sys.modules if name.startswith('eprunes')"
        " and not name.startswith('eprunes.antai.simulator')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    assert set(eval(ended.stdout)) <= {"eprunes", "eprunes.antai", "eprunes.core", "eprunes.core.clock"}
