"""Every request that leaves has a timeout: an agency that hangs must not hang us."""

import ast

import pytest

from tests.house.sources import Module, dotted, imported, product, refuse

SENDING = {"request", "post", "put", "patch", "delete", "head", "options"}
OTHER_CLIENTS = {"urllib.request", "http.client", "urllib3", "httpx", "aiohttp"}


def breaches(module: Module) -> list[str]:
    """Calls without a timeout, in the modules that talk HTTP; and HTTP by any other library."""
    names = [(node, name) for node, name in imported(module)]
    found = [
        module.at(node, f"{name}: outgoing requests go through `requests`, with a timeout")
        for node, name in names
        if any(name == client or name.startswith(f"{client}.") for client in OTHER_CLIENTS)
        and ".exceptions" not in name
    ]
    if not any(name.split(".")[0] == "requests" for _, name in names):
        return found
    return found + [
        module.at(call, f"{dotted(call.func)}(): name a timeout")
        for call in module.calls()
        if _sends(call.func) and not any(keyword.arg == "timeout" for keyword in call.keywords)
    ]


def _sends(function: ast.AST) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    owner = dotted(function.value).split(".")[-1]
    is_client = owner == "requests" or owner.endswith(("http", "session"))
    return function.attr in SENDING or (function.attr == "get" and is_client)


def test_every_outgoing_request_has_a_timeout():
    talking = [module for module in product() if "import requests" in module.source]
    assert talking, "nobody talks HTTP any more: does this test still look at the right modules?"
    refuse(fault for module in product() for fault in breaches(module))


@pytest.mark.parametrize(
    "source",
    [
        "import requests\nrequests.get(url)",
        "import requests\nself._http.request('GET', url, **options)",
        "import requests\nsession.get(url)",
        "import requests\nanything.post(url, json={})",
        "from requests import Session\nself._session.put(url)",
        "\nfrom urllib.request import urlopen",
        "\nimport http.client",
    ],
)
def test_a_request_without_a_timeout_is_found(source):
    [fault] = breaches(Module("eprunes/antai/client.py", source))
    assert fault.startswith("eprunes/antai/client.py:2: ")


@pytest.mark.parametrize(
    "source",
    [
        "import requests\nself._http.get(url, timeout=TIMEOUT)",
        "import requests\nself._http.cookies.get('XSRF-TOKEN')",
        "settings.get('url')\nsession.delete(row)",
        "from urllib.parse import urlsplit",
        "from urllib3.exceptions import NewConnectionError",
    ],
)
def test_a_request_with_a_timeout_is_not(source):
    assert breaches(Module("eprunes/antai/client.py", source)) == []
