"""When a freeze holds, in local time, over midnight and where clocks are put forward and back."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.inventory.review import Freeze
from deployer.review.freeze import open_freezes

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def freeze(**fields: Any) -> Freeze:
    """A freeze in Berlin."""
    return Freeze.model_validate({"reason": "quiet", "time_zone": "Europe/Berlin", **fields})


def berlin(text: str, *, fold: int = 0) -> dt.datetime:
    """A moment on Berlin's clock."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


def until(found: Freeze, moment: dt.datetime) -> str | None:
    """When the freeze that holds at a moment is over, on Berlin's clock; None if it does not hold."""
    held = open_freezes({"f": found}, moment)
    return f"{held[0].until:%Y-%m-%d %H:%M}" if held and held[0].until else "never" if held else None


NIGHTS = freeze(days=("fri",), start="18:00", end="08:00")
WEEKEND = freeze(days=("sat", "sun"))


@pytest.mark.parametrize(
    ("found", "moment", "end"),
    [
        # 2026-11-27 is a Friday.
        (NIGHTS, "2026-11-27T17:59:59", None),
        (NIGHTS, "2026-11-27T18:00", "2026-11-28 08:00"),
        (NIGHTS, "2026-11-28T00:00", "2026-11-28 08:00"),
        (NIGHTS, "2026-11-28T07:59:59", "2026-11-28 08:00"),
        (NIGHTS, "2026-11-28T08:00", None),
        (NIGHTS, "2026-11-28T18:00", None),
        (WEEKEND, "2026-11-27T23:59:59", None),
        (WEEKEND, "2026-11-28T00:00", "2026-11-30 00:00"),
        (WEEKEND, "2026-11-29T23:59:59", "2026-11-30 00:00"),
        (WEEKEND, "2026-11-30T00:00", None),
        (freeze(days=("mon",), start="09:00", end="09:00"), "2026-12-01T08:59", "2026-12-01 09:00"),
        (freeze(days=DAYS), "2026-12-01T08:59", "never"),
        (freeze(days=DAYS, start="06:00", end="05:00"), "2026-12-01T04:59", "2026-12-01 05:00"),
        (freeze(days=DAYS, start="06:00", end="06:00"), "2026-12-01T04:59", "never"),
    ],
)
def test_a_weekly_freeze(found: Freeze, moment: str, end: str | None) -> None:
    """It holds from its start until just before its end; days that touch are one freeze."""
    assert until(found, berlin(moment)) == end


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-12-23T23:59:59", None),
        ("2026-12-24T00:00", "2027-01-02 08:00"),
        ("2027-01-02T07:59:59", "2027-01-02 08:00"),
        ("2027-01-02T08:00", None),
    ],
)
def test_a_single_freeze(moment: str, end: str | None) -> None:
    """It holds once."""
    once = freeze(since=dt.datetime(2026, 12, 24), until=dt.datetime(2027, 1, 2, 8))  # noqa: DTZ001 -- local, as in the file
    assert until(once, berlin(moment)) == end


def test_the_time_zone_is_the_freezes_own() -> None:
    """Whoever asks, from wherever."""
    tokyo = freeze(days=("sat",), time_zone="Asia/Tokyo")
    friday_evening = dt.datetime(2026, 11, 27, 15, 0, tzinfo=dt.UTC)

    assert open_freezes({"t": tokyo}, friday_evening - dt.timedelta(seconds=1)) == ()
    [held] = open_freezes({"t": tokyo}, friday_evening.astimezone(BERLIN))
    assert held.text == "`t`, until 2026-11-29 00:00 JST: quiet"


def test_all_that_hold_are_told() -> None:
    """Each by its name, in the order of the inventory; those that do not hold are not."""
    freezes = {"b": WEEKEND, "a": freeze(days=DAYS), "c": freeze(days=("mon",))}

    assert [held.name for held in open_freezes(freezes, berlin("2026-11-28T12:00"))] == ["b", "a"]


# In 2026 Berlin puts its clocks forward on 29 March at 02:00 and back on 25 October at 03:00, both Sundays.
def test_a_freeze_that_begins_or_ends_in_the_hour_that_is_left_out() -> None:
    """It begins before the clock jumps, and ends after it has."""
    begins = freeze(days=("sun",), start="02:30", end="12:00")
    assert until(begins, berlin("2026-03-29T01:29:59")) is None
    assert until(begins, berlin("2026-03-29T01:59:59")) == "2026-03-29 12:00"
    assert until(begins, berlin("2026-03-29T03:00")) == "2026-03-29 12:00"
    ends = freeze(days=("sun",), start="00:00", end="02:30")
    assert until(ends, berlin("2026-03-29T03:29:59")) == "2026-03-29 03:30"
    assert until(ends, berlin("2026-03-29T03:30")) is None


def test_a_freeze_that_begins_or_ends_in_the_hour_that_comes_twice() -> None:
    """It begins the first time and ends the second."""
    begins = freeze(days=("sun",), start="02:30", end="12:00")
    assert until(begins, berlin("2026-10-25T02:29:59", fold=0)) is None
    assert until(begins, berlin("2026-10-25T02:30", fold=0)) == "2026-10-25 12:00"
    assert until(begins, berlin("2026-10-25T02:00", fold=1)) == "2026-10-25 12:00"
    ends = freeze(days=("sun",), start="00:00", end="02:30")
    assert until(ends, berlin("2026-10-25T02:59", fold=0)) == "2026-10-25 02:30"
    assert until(ends, berlin("2026-10-25T02:29:59", fold=1)) == "2026-10-25 02:30"
    assert until(ends, berlin("2026-10-25T02:30", fold=1)) is None


CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Africa/Casablanca",
    ]
)
MOMENTS = st.datetimes(dt.datetime(2011, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
WEEKLY = st.builds(
    lambda days, start, end, zone: Freeze(reason="r", time_zone=zone, days=tuple(days), start=start, end=end),
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    CLOCKS,
    st.one_of(CLOCKS, st.just("24:00")),
    ZONES,
)


def on_the_wall(found: Freeze, moment: dt.datetime) -> bool:
    """Whether the wall clock shows a time within the freeze: the plain reading of its text."""
    wall = moment.astimezone(zoneinfo.ZoneInfo(found.time_zone)).replace(tzinfo=None)
    for back in (0, 1):
        day = wall.date() - dt.timedelta(days=back)
        midnight = dt.datetime.combine(day, dt.time())
        start, end = (
            midnight + dt.timedelta(hours=int(clock[:2]), minutes=int(clock[3:])) for clock in (found.start, found.end)
        )
        if DAYS[day.weekday()] in found.days and start <= wall < (end if start < end else end + dt.timedelta(days=1)):
            return True
    return False


def jumps_near(found: Freeze, moment: dt.datetime) -> bool:
    """Whether a clock is put forward or back around a moment."""
    zone = zoneinfo.ZoneInfo(found.time_zone)
    offsets = {(moment + dt.timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-27, 28)}
    return len(offsets) > 1


@given(found=WEEKLY, moment=MOMENTS)
def test_it_holds_whenever_the_wall_clock_says_so(found: Freeze, moment: dt.datetime) -> None:
    """And at no other time, but for the hours around a jump of the clock, when it may last longer."""
    held = bool(open_freezes({"f": found}, moment))

    if on_the_wall(found, moment):
        assert held
    elif held:
        assert jumps_near(found, moment)


@given(found=WEEKLY, moment=MOMENTS)
def test_its_end_is_true(found: Freeze, moment: dt.datetime) -> None:
    """Until then it holds, and then it does not."""
    for held in open_freezes({"f": found}, moment):
        if held.until is None:
            assert open_freezes({"f": found}, moment + dt.timedelta(days=5))
            continue
        end = held.until.astimezone(dt.UTC)
        assert end > moment
        for part in (0.25, 0.5, 0.999):
            assert open_freezes({"f": found}, moment + (end - moment) * part)
        assert open_freezes({"f": found}, end) == ()
