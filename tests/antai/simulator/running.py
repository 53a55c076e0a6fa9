"""Starting a real agency process for a test, and talking to it as the connector does."""

import itertools
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from demo.processes import ends_with

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXCERPT = HERE / "offences_excerpt.json"
CREDENTIALS = ("eprunes", "eprunes-demo")
TIMEOUT = 10
_numbers = itertools.count(1)


@dataclass
class Running:
    process: subprocess.Popen
    url: str

    def control(self, method: str, path: str, body: object = None) -> requests.Response:
        return requests.request(method, f"{self.url}/control{path}", json=body, timeout=TIMEOUT)

    def fault(self, kind: str, **details: object) -> None:
        answer = self.control("POST", "/faults", {"kind": kind, **details})
        assert answer.status_code == 201, answer.text

    def state(self) -> dict:
        return self.control("GET", "/state").json()


class Caller(requests.Session):
    """A session whose paths are relative to the agency."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def request(self, method, path, **options):
        return super().request(method, self.url + path, **{"timeout": TIMEOUT, **options})


@contextmanager
def running_agency(database: Path, *options: str, **environment: str):
    """A process on a free port, ended by SIGTERM when the block is left."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EPRUNES_")}
    command = [sys.executable, "-m", "eprunes.antai.simulator", "--port", "0", "--database", str(database)]
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, env={**clean, **environment}, stderr=subprocess.PIPE, text=True,
        preexec_fn=ends_with(os.getpid()),
    ) as process:  # fmt: skip
        try:
            yield Running(process, _address(process))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(TIMEOUT)


def _address(process: subprocess.Popen) -> str:
    said = []
    for line in process.stderr:
        found = re.search(r"http://\S+", line)
        if found:
            return found[0]
        said.append(line)
    raise AssertionError("the agency did not start: " + "".join(said))


def sign_in(caller: Caller, credentials: tuple[str, str] = CREDENTIALS) -> requests.Response:
    caller.headers.pop("Authorization", None)
    caller.get("/api/init")
    answer = caller.post("/api/login", auth=credentials, headers={"X-Xsrf-Token": caller.cookies["XSRF-TOKEN"]})
    if answer.ok:
        caller.headers["Authorization"] = answer.headers["Authorization"]
    return answer


@contextmanager
def signed_in(url: str):
    with Caller(url) as caller:
        assert sign_in(caller).status_code == 200
        yield caller


def new_plate() -> str:
    number = next(_numbers)
    return f"AB{number:03d}CD"


def new_number() -> str:
    return f"{7_000_000_000 + next(_numbers)}"


def offence(plate: str, **changes: object) -> dict:
    return {
        "numeroAco": new_number(),
        "dateAco": "2025-03-10",
        "immatriculation": plate,
        "paysImmatriculation": "FRA",
        "marque": "RENAULT",
        "codeNatinf": "25387",
        "libelleNatinf": "Excès de vitesse de 5 à 19 km/h, vitesse limite > 50 km/h",
        "dateHeureInfraction": "2025-03-05T10:12:00",
        "lieu": "A6 PR 12+300",
        "commune": "Rungis",
        "codePostal": "94150",
        "sens": None,
        "vitesseLimite": 110,
        "vitesseRetenue": 122,
        "vitesseMesuree": 128,
        **changes,
    }


def vehicle(plate: str, **changes: object) -> dict:
    return {
        "immatriculation": plate,
        "paysImmatriculation": "FRA",
        "marque": "RENAULT",
        "modele": "CLIO",
        **changes,
    }


def withdrawal(plate: str, until: str | None = "2025-06-30") -> dict:
    return {
        "date_mise_a_jour": "2025-07-01",
        "date_debut_gestion": "2024-01-01",
        "date_fin_gestion": until,
        "vehicule": vehicle(plate),
    }


def designation(number: str, identifier: str, **driver: object) -> dict:
    return {
        "identifiantDesignation": identifier,
        "statut": "DESIGNATION",
        "source": "EPRUNES",
        "numeroAco": number,
        "conducteur": {
            "civilite": "M",
            "nom": "Lefèvre",
            "prenom": "Noël",
            "dateNaissance": "1980-02-29",
            "qualite": "PREPOSE",
            "adresse": {
                "ligne1": "12 rue des Lilas",
                "complement": None,
                "codePostal": "44000",
                "ville": "Nantes",
                "pays": "FR",
            },
            "permis": {"numero": "210692106990", "dateDelivrance": "1999-05-04", "pays": "FR"},
            **driver,
        },
    }


def impossibility(number: str, identifier: str, **changes: object) -> dict:
    return {
        "identifiantDesignation": identifier,
        "statut": "NON_DESIGNATION",
        "source": "EPRUNES",
        "numeroAco": number,
        "motif": "VOL",
        "commentaire": "",
        "pieces": [{"nature": "RECEPISSE_PLAINTE", "reference": "2025/123", "date": "2025-03-06"}],
        **changes,
    }


def full_read(caller: Caller, **options: str) -> list:
    """Every entry of the offences list, page after page until an empty one."""
    pages: list[list] = []
    while not pages or pages[-1]:
        answer = caller.get("/flotteconventionnee/infractions", params={"page": len(pages), **options})
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["content"])
    return [entry for content in pages for entry in content]


def listed_numbers(caller: Caller, plate: str) -> list[str]:
    """The notice numbers listed for a plate, in the order of the list."""
    return [entry["numeroAco"] for entry in full_read(caller) if entry["immatriculation"] == plate]


def posted_offence(agency: Running, caller: Caller, **changes: object) -> dict:
    """An offence of a newly declared vehicle, ready to be answered."""
    record = offence(new_plate(), **changes)
    assert caller.post("/flotteconventionnee/vehicule", json=vehicle(record["immatriculation"])).ok
    assert agency.control("POST", "/offences", [record]).json()["ajoutees"] == 1
    return record
