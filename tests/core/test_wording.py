"""French wording of instants."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from eprunes.core.wording import instant_and_zone

AT = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Paris", "mar. 3 mars 2026, 10:00 (heure de Paris)"),
        ("Pacific/Noumea", "mar. 3 mars 2026, 20:00 (heure de Nouméa)"),
        ("Indian/Reunion", "mar. 3 mars 2026, 13:00 (heure de La Réunion)"),
    ],
)
def test_an_instant_that_leaves_the_site_names_its_zone(zone, words):
    assert instant_and_zone(AT, ZoneInfo(zone)) == words
