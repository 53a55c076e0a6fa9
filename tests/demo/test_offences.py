from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook

from demo import offences
from eprunes.accounts.retention import DEFAULT, archived_until
from eprunes.core.calendar import PARIS, paris_day
from eprunes.fines.offence_time import OffenceTime, read_offence_time
from eprunes.fleet.plates import parse_plate

TODAYS = [date(2026, 7, 1), date(2026, 11, 24), date(2027, 2, 28), date(2028, 3, 1), date(2031, 10, 26)]

Assignment = tuple[datetime, datetime | None, str]


@pytest.fixture(params=TODAYS, ids=str)
def today(request) -> date:
    return request.param


def moved_sample(today: date) -> tuple[list[dict], int]:
    records = offences.sample()
    days = offences.days_until(today, records)
    return [offences.moved(one, days) for one in records], days


def rows(workbook: Path, title: str) -> list[tuple]:
    return list(load_workbook(workbook)[title].iter_rows(min_row=2, values_only=True))


def assignments(workbook: Path) -> dict[str, list[Assignment]]:
    by_plate = defaultdict(list)
    for plate, staff_number, start, end in rows(workbook, "Attributions"):
        by_plate[parse_plate(plate).key].append(
            (start.replace(tzinfo=PARIS), end and end.replace(tzinfo=PARIS), staff_number)
        )
    return by_plate


def offence_time(record: dict) -> OffenceTime:
    return read_offence_time(record["dateHeureInfraction"], record["codePostal"])


def holders(held: dict[str, list[Assignment]], record: dict) -> list[str]:
    instant = offence_time(record).instant
    return [
        staff_number
        for start, end, staff_number in held[record["immatriculation"]]
        if start <= instant and (end is None or instant < end)
    ]


def test_the_newest_notice_becomes_todays(today):
    records, _ = moved_sample(today)
    assert max(one["dateAco"] for one in records) == today.isoformat()


def test_every_offence_moves_by_the_same_days_and_keeps_its_local_hour(today):
    moved, days = moved_sample(today)
    for before, after in zip(offences.sample(), moved, strict=True):
        assert date.fromisoformat(after["dateAco"]) - date.fromisoformat(before["dateAco"]) == timedelta(days=days)
        first, second = (datetime.fromisoformat(one["dateHeureInfraction"]) for one in (before, after))
        assert second - first == timedelta(days=days)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == ({"dateAco", "dateHeureInfraction"} if days else set())


def test_every_offence_keeps_its_driver(today, tmp_path):
    records, days = moved_sample(today)
    offences.write_fleet(tmp_path / "parc.xlsx", days)
    held_before, held_after = assignments(offences.WORKBOOK), assignments(tmp_path / "parc.xlsx")
    before = [holders(held_before, one) for one in offences.sample()]
    after = [holders(held_after, one) for one in records]
    assert sum(len(one) == 1 for one in before) == 152
    assert after == before


def test_only_the_dates_of_the_fleet_move_and_a_day_typed_as_text_stays_text(tmp_path):
    offences.write_fleet(tmp_path / "parc.xlsx", 40)
    moved_columns = {"Véhicules": {5, 7}, "Conducteurs": set(), "Attributions": {2, 3}}
    for title, moving in moved_columns.items():
        before, after = rows(offences.WORKBOOK, title), rows(tmp_path / "parc.xlsx", title)
        assert len(before) == len(after)
        differing = {
            place
            for first, second in zip(before, after, strict=True)
            for place, (one, other) in enumerate(zip(first, second, strict=True))
            if one != other
        }
        assert differing == moving
    assert rows(offences.WORKBOOK, "Véhicules")[0][5] == "19/05/2025"
    assert rows(tmp_path / "parc.xlsx", "Véhicules")[0][5] == "28/06/2025"


def test_every_notice_comes_in_once_and_never_before_its_date(today):
    records, _ = moved_sample(today)
    arrivals, fresh = offences.history(records, today)
    numbers = [one["numeroAco"] for arrival in arrivals for one in arrival.records]
    numbers += [one["numeroAco"] for one in fresh]
    assert sorted(numbers) == sorted(one["numeroAco"] for one in records)
    for arrival in arrivals:
        day = today - timedelta(days=arrival.days_ago)
        assert all(one["dateAco"] <= day.isoformat() for one in arrival.records)
    assert [arrival.days_ago for arrival in arrivals] == sorted((one.days_ago for one in arrivals), reverse=True)


def test_notices_wait_since_thirty_and_since_forty_four_days(today):
    arrivals, _ = offences.history(moved_sample(today)[0], today)
    by_age = {arrival.days_ago: arrival for arrival in arrivals}
    for days_ago in (30, 44):
        assert len(by_age[days_ago].records) > by_age[days_ago].waiting > 0


def test_some_notices_come_in_by_themselves_and_one_of_them_is_of_today(today):
    _, fresh = offences.history(moved_sample(today)[0], today)
    assert len(fresh) >= 5
    assert max(one["dateAco"] for one in fresh) == today.isoformat()


def test_the_oldest_notices_are_destroyed_in_about_two_weeks_and_had_one_driver(today, tmp_path):
    records, days = moved_sample(today)
    offences.write_fleet(tmp_path / "parc.xlsx", days)
    held = assignments(tmp_path / "parc.xlsx")
    oldest = offences.history(records, today)[0][0]
    assert len(oldest.records) == 3
    for one in oldest.records:
        end = archived_until(offence_time(one).local_day, DEFAULT)
        assert 9 <= (paris_day(end) - today).days <= 19
        assert len(holders(held, one)) == 1
