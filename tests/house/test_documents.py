"""The documents are true to the code: the files they name exist, and so do the commands."""

import re

import click
import pytest

from tests.house.sources import ROOT, refuse

DOCUMENTS = ("README.md", "docs/architecture.md")
NAMED_FILE = re.compile(r"`([\w./-]+/[\w.-]*|[\w-]+\.(?:py|md))`")
OF_EVERY_ROOM = {"__init__.py", "models.py", "queries.py", "services.py", "forms.py", "views.py", "jobs.py"}
COMMAND = re.compile(r"^flask --app wsgi ([a-z-]+(?: [a-z-]+)?)", re.MULTILINE)


def missing_files(document: str, text: str) -> list[str]:
    """Files and folders between backticks that are nowhere in the project."""
    found = []
    for name in NAMED_FILE.findall(text):
        places = (ROOT / name, ROOT / "eprunes" / name, *(ROOT / "eprunes").glob(f"*/{name}"))
        if name not in OF_EVERY_ROOM and not any(place.exists() for place in places):
            found.append(f"{document}: `{name}` does not exist")
    return found


def missing_commands(document: str, text: str, group: click.Group) -> list[str]:
    """Commands of `flask --app wsgi` that the program doesn't have."""
    found = []
    for words in COMMAND.findall(text):
        command: click.Command | None = group
        for word in words.split():
            if isinstance(command, click.Group):
                command = command.commands.get(word)
        if command is None:
            found.append(f"{document}: `flask --app wsgi {words}` does not exist")
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_files_that_the_documents_name_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert NAMED_FILE.search(text)
    refuse(missing_files(document, text))


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_the_commands_of_the_readme_exist(installed_app):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert COMMAND.search(text)
    refuse(missing_commands("README.md", text, installed_app.cli))


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_a_file_or_a_command_that_is_gone_is_found(installed_app):
    assert missing_files("X.md", "`core/clock.py`, `tests/house/`, `clock_process.py`, `views.py`") == []
    assert missing_files("X.md", "`core/gone.py` and `gone/`") == [
        "X.md: `core/gone.py` does not exist",
        "X.md: `gone/` does not exist",
    ]
    commands = "flask --app wsgi db upgrade\nflask --app wsgi jobs gone\nflask --app wsgi gone now"
    assert missing_commands("X.md", commands, installed_app.cli) == [
        "X.md: `flask --app wsgi jobs gone` does not exist",
        "X.md: `flask --app wsgi gone now` does not exist",
    ]
