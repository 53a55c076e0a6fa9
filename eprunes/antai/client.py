"""The agency over HTTP. It translates and never decides: outcomes are named by what the caller must do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from flask import current_app
from urllib3.exceptions import NewConnectionError

from eprunes.antai import messages

TIMEOUT = (5, 20)
"""Seconds to connect, and to wait for bytes."""
_PREFIX = "/flotteconventionnee"
_MOST_PAGES = 100_000
_ABOUT_THE_ANSWER = {400, 404, 409, 422}


class AgencyUnavailable(Exception):
    """Certainly not received, or nothing read: try again later."""


class OutcomeUnknown(Exception):
    """The call broke after the agency may have received it: ask before sending again."""


@dataclass(frozen=True)
class Registered:
    """The agency holds the answer under this receipt."""

    receipt_number: str
    receipt_at: datetime


@dataclass(frozen=True)
class AnswerRefused:
    """The agency will not take this answer, and says why."""

    reason: str


@dataclass(frozen=True)
class AlreadyAnswered:
    """The agency holds another answer for this notice."""


@dataclass(frozen=True)
class NothingHeld:
    """The agency holds no answer for this notice."""


class AgencyClient:
    """One conversation with the agency; signs in when first needed and once more when its token expired."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self._base_url = base_url
        self._credentials = (user, password)
        self._http = requests.Session()
        self._token: str | None = None

    def add_vehicles(self, *, vehicles: list[dict]) -> dict[tuple[str, str], tuple[str, str]]:
        """Make vehicles known; safe to repeat. Returns status by plate. Raises AgencyUnavailable."""
        return messages.read_vehicle_results(self._json("POST", f"{_PREFIX}/flotte/vehicules", body=vehicles))

    def withdraw_vehicles(self, *, withdrawals: list[dict]) -> dict[tuple[str, str], tuple[str, str]]:
        """Withdraw vehicles; safe to repeat. Returns status by plate. Raises AgencyUnavailable."""
        return messages.read_vehicle_results(self._json("PUT", f"{_PREFIX}/vehicules/delete", body=withdrawals))

    def fleet_pages(self) -> Iterator[list]:
        """What the agency knows of the fleet, page by page. Raises AgencyUnavailable."""
        return self._pages(f"{_PREFIX}/flotte/vehicules", sort="immatriculation")

    def offence_pages(self) -> Iterator[list]:
        """The offences waiting for an answer, page by page. Raises AgencyUnavailable."""
        return self._pages(f"{_PREFIX}/infractions", sort="numeroAco")

    def designate(self, *, body: bytes, as_of: datetime) -> Registered | AnswerRefused | AlreadyAnswered:
        """Send one answer. Raises AgencyUnavailable (not received) or OutcomeUnknown."""
        try:
            response = self._call("POST", f"{_PREFIX}/designation", data=body)
        except (requests.ConnectTimeout, requests.exceptions.SSLError) as error:
            raise AgencyUnavailable(str(error)) from error
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise AgencyUnavailable("connexion refusée") from error
            raise OutcomeUnknown(str(error)) from error
        except requests.RequestException as error:
            raise OutcomeUnknown(str(error)) from error
        return _read_designation(response, as_of)

    def answer_held(
        self, *, notice_number: str, reference: str, as_of: datetime, replaced: str = ""
    ) -> Registered | AnswerRefused | AlreadyAnswered | NothingHeld:
        """What the agency holds for a notice, seen from our answer `reference`. Raises AgencyUnavailable.

        `replaced`: the answer that this one corrects; while the agency holds that one it has not taken ours.
        """
        response = self._read("GET", f"{_PREFIX}/infraction/{notice_number}")
        if response.status_code == 404:
            return NothingHeld()
        offence = _body(response)
        if response.status_code != 200 or not offence:
            raise AgencyUnavailable(f"lecture d’un avis\u00a0: réponse {response.status_code} illisible")
        return _read_held(offence.get("designation"), reference, replaced, as_of)

    def _pages(self, path: str, *, sort: str) -> Iterator[list]:
        for page in range(_MOST_PAGES):
            content = self._json("GET", path, params={"sort": sort, "desc": "false", "page": page})
            records = content.get("content") if isinstance(content, dict) else None
            if not isinstance(records, list):
                raise AgencyUnavailable("page sans contenu lisible")
            if not records:
                return
            yield records
        raise AgencyUnavailable("liste sans fin")

    def _json(self, method: str, path: str, *, body: Any = None, params: dict | None = None) -> Any:
        response = self._read(method, path, json=body, params=params)
        if response.status_code >= 400:
            raise AgencyUnavailable(f"{method} {path}: {response.status_code}")
        try:
            return response.json()
        except ValueError as error:
            raise AgencyUnavailable(f"{method} {path}: réponse illisible") from error

    def _read(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """A call that is safe to repeat: whatever breaks reads as unavailable."""
        try:
            response = self._call(method, path, **kwargs)
        except requests.RequestException as error:
            raise AgencyUnavailable(f"{method} {path}: {error}") from error
        if response.status_code >= 500:
            raise AgencyUnavailable(f"{method} {path}: {response.status_code}")
        return response

    def _call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        response = self._send(method, path, **kwargs)
        if response.status_code == 401:
            self._token = None
            response = self._send(method, path, **kwargs)
            if response.status_code == 401:
                raise AgencyUnavailable("identifiants refusés")
        return response

    def _send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        headers = {"Authorization": self._sign_in(), "Content-Type": "application/json"}
        return self._http.request(method, self._base_url + path, headers=headers, timeout=TIMEOUT, **kwargs)

    def _sign_in(self) -> str:
        """The token in hand, or a new one. Nothing was sent yet: failing here is always safe to repeat."""
        if self._token is not None:
            return self._token
        self._http.cookies.clear()
        try:
            self._http.get(f"{self._base_url}/api/init", timeout=TIMEOUT)
            guard = self._http.cookies.get("XSRF-TOKEN", "")
            response = self._http.post(
                f"{self._base_url}/api/login",
                auth=self._credentials,
                headers={"X-Xsrf-Token": guard},
                timeout=TIMEOUT,
            )
        except requests.RequestException as error:
            raise AgencyUnavailable(f"connexion à l’ANTAI impossible\u00a0: {error}") from error
        token = response.headers.get("Authorization", "")
        if response.status_code != 200 or not token:
            raise AgencyUnavailable(f"connexion à l’ANTAI refusée ({response.status_code})")
        self._token = token
        return token


def agency() -> AgencyClient:
    """A client for the agency named by the settings."""
    settings = current_app.extensions["eprunes_settings"]
    return AgencyClient(settings.antai_url, settings.antai_user, settings.antai_password())


def _read_held(
    held: Any, reference: str, replaced: str, as_of: datetime
) -> Registered | AnswerRefused | AlreadyAnswered | NothingHeld:
    if not isinstance(held, dict):
        return NothingHeld()
    ours = held.get("identifiantDesignation") == reference
    if held.get("etat") != "ENREGISTREE":
        return AnswerRefused(str(held.get("motifRefus") or "sans motif")[:300]) if ours else NothingHeld()
    if not ours:
        return NothingHeld() if replaced and held.get("identifiantDesignation") == replaced else AlreadyAnswered()
    try:
        return Registered(*messages.read_receipt(held, as_of))
    except messages.MalformedRecord as error:
        raise AgencyUnavailable(str(error)) from error


def _read_designation(response: requests.Response, as_of: datetime) -> Registered | AnswerRefused | AlreadyAnswered:
    if response.status_code == 503:
        raise AgencyUnavailable("réponse 503")
    if response.status_code >= 500:
        raise OutcomeUnknown(f"réponse {response.status_code}")
    body = _body(response)
    state = body.get("etat")
    if state in ("ENREGISTREE", "DOUBLON"):
        try:
            return Registered(*messages.read_receipt(body, as_of))
        except messages.MalformedRecord as error:
            raise OutcomeUnknown(str(error)) from error
    if state == "DEJA_REPONDU":
        return AlreadyAnswered()
    if response.status_code < 400:
        raise OutcomeUnknown("réponse illisible")
    if response.status_code not in _ABOUT_THE_ANSWER or not body:
        raise AgencyUnavailable(f"réponse {response.status_code}")
    words = body.get("motifRefus") or body.get("message") or f"refus {response.status_code}"
    return AnswerRefused(str(words)[:300])


def _body(response: requests.Response) -> dict:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _never_connected(error: requests.ConnectionError) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)
