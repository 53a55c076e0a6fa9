"""Reading what a caller sent: every reader here raises BadInputError with a sentence for the 400 answer."""

import json
import re
from datetime import date, datetime

from flask import request

from . import store

PLATE = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
COUNTRY = re.compile(r"[A-Z]{3}", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SEPARATORS = re.compile(r"[\s.\-]+")
LAST_PAGE = 1_000_000


class BadInputError(ValueError):
    """The request cannot be understood; `str()` is the sentence to answer."""


def json_body(kind: type) -> dict | list:
    """The request's JSON, which must be an object (`dict`) or an array (`list`)."""
    return parsed(request.get_data(), kind)


def parsed(raw: bytes, kind: type) -> dict | list:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadInputError("Le corps de la requête n’est pas du JSON lisible.") from error
    if not isinstance(value, kind):
        raise BadInputError("Un objet JSON est attendu." if kind is dict else "Un tableau JSON est attendu.")
    return value


def text(body: dict, name: str, longest: int = 200) -> str:
    """A mandatory non-empty text."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadInputError(f"Le champ « {name} » est obligatoire.")
    if len(value) > longest:
        raise BadInputError(f"Le champ « {name} » dépasse {longest} caractères.")
    return value.strip()


def optional_text(body: dict, name: str, longest: int = 200) -> str | None:
    return None if body.get(name) in (None, "") else text(body, name, longest)


def whole_number(body: dict, name: str, default: int, *, lowest: int, highest: int) -> int:
    value = body.get(name, default)
    if type(value) is not int or not lowest <= value <= highest:
        raise BadInputError(f"Le champ « {name} » doit être un entier de {lowest} à {highest}.")
    return value


def plate_and_country(body: dict) -> tuple[str, str]:
    """The plate as a match key (upper case, no separators) and the country in three letters."""
    plate = SEPARATORS.sub("", text(body, "immatriculation")).upper()
    if not PLATE.fullmatch(plate):
        raise BadInputError("L’immatriculation est mal formée.")
    country = text(body, "paysImmatriculation").upper()
    if not COUNTRY.fullmatch(country):
        raise BadInputError("Le pays d’immatriculation s’écrit en trois lettres (FRA).")
    return plate, country


def day(value: object) -> date:
    """A date written YYYY-MM-DD. Raises ValueError."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("not a day")
    return date.fromisoformat(value)


def optional_day(body: dict, name: str) -> date | None:
    """A date, or the day in Paris of an instant with its offset; a local time counts for its own day."""
    value = body.get(name)
    if value in (None, ""):
        return None
    try:
        if isinstance(value, str) and not DAY.fullmatch(value):
            instant = datetime.fromisoformat(value)
            return store.paris_day(instant) if instant.tzinfo else instant.date()
        return day(value)
    except (ValueError, OverflowError) as error:
        raise BadInputError(f"Le champ « {name} » n’est pas une date ISO 8601.") from error


def page_request(sort_columns: dict[str, str], default_sort: str) -> tuple[str, bool, int]:
    """`sort`, `desc` and `page` of a list: the column to sort on, whether backwards, the page from 0."""
    sort = request.args.get("sort") or default_sort
    if sort not in sort_columns:
        raise BadInputError(f"Tri inconnu : « {sort} ». Tris possibles : {', '.join(sort_columns)}.")
    desc = request.args.get("desc", "").lower()
    if desc not in ("", "true", "false"):
        raise BadInputError("Le paramètre « desc » vaut true ou false.")
    page = request.args.get("page") or "0"
    if not (page.isascii() and page.isdigit()) or len(page) > 7 or int(page) > LAST_PAGE:
        raise BadInputError("Le paramètre « page » est un entier à partir de 0.")
    return sort_columns[sort], desc == "true", int(page)
