"""Where the demo lives, its ports, and the settings that its processes are given."""

import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eprunes.core.config import PROJECT_ROOT

LOCK, LOGS, LOADED = "verrou", "log", "chargement-termine"
MASTER_KEY, PASSWORD, MAILS = "master.key", "antai-mot-de-passe", "courriels"
PORTS = {
    "EPRUNES_PORT": 8000,
    "EPRUNES_ANTAI_PORT": 8001,
    "EPRUNES_MAILBOX_PORT": 8002,
    "EPRUNES_SMTP_PORT": 1025,
}


class DemoRefused(Exception):
    """The demo can't start; the message says why and what to do, in French."""


@dataclass(frozen=True)
class Place:
    """One demo: its folder, its ports, and the environment of its processes."""

    folder: Path
    web_port: int
    agency_port: int
    mailbox_port: int
    smtp_port: int
    environ: dict[str, str]

    @property
    def agency_url(self) -> str:
        return f"http://127.0.0.1:{self.agency_port}"

    @property
    def agency_database(self) -> Path:
        return self.folder / "agence.sqlite"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.mailbox_port}"

    @property
    def is_loaded(self) -> bool:
        """Whether a first load went to its end."""
        return (self.folder / LOADED).exists()

    @property
    def has_its_own_databases(self) -> bool:
        """Whether both databases are files of the folder."""
        urls = (self.environ[name] for name in ("EPRUNES_DATABASE_URL", "EPRUNES_KEYSTORE_URL"))
        return all(url.startswith(f"sqlite:///{self.folder}/") for url in urls)

    def log(self, name: str) -> Path:
        """The file that takes what one process says."""
        (self.folder / LOGS).mkdir(parents=True, exist_ok=True)
        return self.folder / LOGS / f"{name}.log"


def demo_folder(environ: Mapping[str, str]) -> Path:
    """`var/demo`, or `demo` in the folder that EPRUNES_VAR_DIR names."""
    var = environ.get("EPRUNES_VAR_DIR", "").strip()
    return (Path(var).resolve() if var else PROJECT_ROOT / "var") / "demo"


def find_place(environ: Mapping[str, str]) -> Place:
    """The demo that these variables describe: theirs win over its own. Raises DemoRefused on a bad port.

    Only the demo mark and the addresses of the agency and of the mailbox can't be changed: fictitious vehicles
    must never be declared to the real agency, nor mails leave the machine.
    """
    folder = demo_folder(environ)
    ports = {variable: _port(environ, variable, default) for variable, default in PORTS.items()}
    if len(set(ports.values())) < len(ports):
        raise DemoRefused(f"{', '.join(ports)}\u00a0: indiquez des ports tous différents.")
    web_port, agency_port, mailbox_port, smtp_port = ports.values()
    own = {
        "EPRUNES_DATABASE_URL": f"sqlite:///{folder / 'eprunes.sqlite'}",
        "EPRUNES_KEYSTORE_URL": f"sqlite:///{folder / 'cles.sqlite'}",
        "EPRUNES_MASTER_KEY_FILE": str(folder / MASTER_KEY),
        "EPRUNES_FILES_DIR": str(folder / "fichiers"),
        "EPRUNES_ANTAI_USER": "eprunes",
        "EPRUNES_SUPPORT_CONTACT": "assistance@e-prunes.example",
        "EPRUNES_ANTAI_PASSWORD_FILE": str(folder / PASSWORD),
        "EPRUNES_BASE_URL": f"http://127.0.0.1:{web_port}",
        "EPRUNES_SECURITY_CONTACT": "mailto:securite@eprunes.example",
    }
    theirs = {name: value for name, value in environ.items() if value.strip() or name not in own}
    forced = {
        "EPRUNES_DEMO": "1",
        "EPRUNES_ANTAI_URL": f"http://127.0.0.1:{agency_port}",
        "EPRUNES_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "EPRUNES_MAILBOX_URL": f"http://127.0.0.1:{mailbox_port}",
    }
    return Place(folder, *ports.values(), {**own, **theirs, **forced})


def refuse_taken_ports(place: Place) -> None:
    """Raise DemoRefused when another program listens on one of the ports."""
    ports = (place.web_port, place.agency_port, place.mailbox_port, place.smtp_port)
    for port, variable in zip(ports, PORTS, strict=True):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise DemoRefused(
                    f"Le port {port} n’est pas libre (un autre programme s’en sert)\u00a0: "
                    f"choisissez-en un autre avec {variable} (par exemple {variable}={port % 60_000 + 1_000})."
                ) from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep the demo's folder for this process. Raises DemoRefused when another one has it, or it is not ours."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / LOCK).exists():
        raise DemoRefused(f"Le dossier {folder} n’est pas à la démonstration\u00a0: changez EPRUNES_VAR_DIR.")
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoRefused(
                f"La démonstration tourne déjà dans {folder}\u00a0: arrêtez-la d’abord (Ctrl-C dans sa fenêtre)."
            ) from error
        yield


def start_over(place: Place) -> None:
    """Empty the folder of what an unfinished load left, and make what a new one needs.

    Raises DemoRefused when that load went into databases elsewhere: they are not the demo's to throw away.
    """
    if (place.folder / MASTER_KEY).exists() and not place.has_its_own_databases:
        raise DemoRefused(
            "Le premier chargement n’a pas abouti\u00a0: videz les bases indiquées par EPRUNES_DATABASE_URL et "
            "EPRUNES_KEYSTORE_URL, puis «\u00a0make reset\u00a0»."
        )
    for path in place.folder.iterdir():
        if path.name not in (LOCK, LOGS):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    password = os.open(place.folder / PASSWORD, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(password, "w") as file:
        file.write(secrets.token_urlsafe(24) + "\n")


def note_loaded(place: Place) -> None:
    """From now on the data are kept from one start to the next."""
    (place.folder / LOADED).touch()


def _port(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, "").strip() or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise DemoRefused(f"{variable}\u00a0: «\u00a0{text}\u00a0» n’est pas un numéro de port (de 1 à 65535).")
    return int(text)
