"""Plausible offences drawn at random, the same ones for the same seed, fleet and day."""

import random
import sqlite3
from datetime import datetime, timedelta

from . import store

# NATINF code, label, speed limits where it happens, lowest and highest excess retained in km/h, weight.
SPEEDS = [
    ("35273", "Excès de vitesse inférieur à 5 km/h, vitesse limite ≤ 50 km/h", (30, 50), (1, 4), 12),
    ("35274", "Excès de vitesse inférieur à 5 km/h, vitesse limite > 50 km/h", (80, 90, 110), (1, 4), 8),
    ("25386", "Excès de vitesse de 5 à 19 km/h, vitesse limite ≤ 50 km/h", (30, 50), (5, 19), 22),
    (
        "25387",
        "Excès de vitesse de 5 à 19 km/h, vitesse limite > 50 km/h",
        (70, 80, 90, 110, 130),
        (5, 19),
        26,
    ),
    ("11302", "Excès de vitesse de 20 à 29 km/h", (50, 70, 80, 90, 110), (20, 29), 12),
    ("11301", "Excès de vitesse de 30 à 39 km/h", (50, 80, 90), (30, 39), 3),
    ("21526", "Excès de vitesse d’au moins 50 km/h (délit)", (80, 90, 110), (50, 70), 1),
]
OTHERS = [
    ("210", "Inobservation de l’arrêt imposé par un feu rouge", 6),
    ("24090", "Circulation sur une voie réservée aux transports en commun", 5),
    ("12929", "Défaut de port de la ceinture de sécurité par le conducteur", 2),
    ("11325", "Franchissement d’une ligne continue", 2),
    ("6292", "Circulation sur une bande d’arrêt d’urgence", 1),
]
ROADS = [
    "A6 PR 12+300",
    "A10 PR 48+700",
    "N118 PR 4+150",
    "D1083 PR 21+050",
    "Boulevard périphérique PR 7+400",
]
TOWNS = [("Nantes", "44000"), ("Rungis", "94150"), ("Bourg-en-Bresse", "01000"), ("Lille", "59000")]
TOWNS += [("Mérignac", "33700"), ("Vénissieux", "69200"), ("Chambéry", "73000"), ("Ajaccio", "20000")]
DIRECTIONS = ["Paris-Province", "Province-Paris", "Croissant", "Décroissant", None]
MAKES = ["RENAULT", "PEUGEOT", "CITROEN", "DACIA"]
SLOWEST_NOTICE_DAYS = 6
FIXED_MARGIN_UP_TO = 100


def offences(
    connection: sqlite3.Connection, vehicles: list, *, count: int, seed: int, days: int, as_of: datetime
) -> list[dict]:
    """`count` new records over those vehicles: offences of the last `days` days, no notice of tomorrow.

    `vehicles` are rows or dicts with plate, country and make. Numbers already taken are never drawn again.
    """
    drawing = random.Random(seed)
    taken = {row["number"] for row in connection.execute("SELECT number FROM offences")}
    records = []
    for _ in range(count):
        number = _free_number(drawing, taken)
        records.append(_record(drawing, number, drawing.choice(vehicles), days, as_of))
    return records


def _record(drawing: random.Random, number: str, vehicle, days: int, as_of: datetime) -> dict:
    offence_at = as_of - timedelta(minutes=drawing.randint(1, days * 24 * 60))
    posted_after = timedelta(days=drawing.randint(1, SLOWEST_NOTICE_DAYS))
    town, postcode = drawing.choice(TOWNS)
    kind = drawing.choices([*SPEEDS, *OTHERS], [row[-1] for row in [*SPEEDS, *OTHERS]])[0]
    return {
        "numeroAco": number,
        "dateAco": min(store.paris_day(offence_at + posted_after), store.paris_day(as_of)).isoformat(),
        "immatriculation": vehicle["plate"],
        "paysImmatriculation": vehicle["country"],
        "marque": vehicle["make"] or drawing.choice(MAKES),
        "codeNatinf": kind[0],
        "libelleNatinf": kind[1],
        "dateHeureInfraction": offence_at.astimezone(store.PARIS).strftime("%Y-%m-%dT%H:%M:00"),
        "lieu": drawing.choice(ROADS),
        "commune": town,
        "codePostal": postcode,
        "sens": drawing.choice(DIRECTIONS),
        **(_speeds(drawing, kind) if kind in SPEEDS else {}),
    }


def _speeds(drawing: random.Random, kind: tuple) -> dict:
    limit = drawing.choice(kind[2])
    retained = limit + drawing.randint(*kind[3])
    # The margin of a fixed device: 5 km/h up to 100 km/h measured, 5 % beyond.
    measured = retained + 5 if retained + 5 <= FIXED_MARGIN_UP_TO else round(retained / 0.95)
    return {"vitesseLimite": limit, "vitesseRetenue": retained, "vitesseMesuree": measured}


def _free_number(drawing: random.Random, taken: set[str]) -> str:
    while True:
        number = str(drawing.randint(1_000_000_000, 9_999_999_999))
        if number not in taken:
            taken.add(number)
            return number
