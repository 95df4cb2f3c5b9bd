"""Which freezes of the inventory are open at a moment, and until when.

A freeze is written in local time. Where a clock is put forward or back, it begins at the earlier and ends at the later
of the moments that its times can mean: rather an hour too long than a minute too short.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deployer.inventory.review import Freeze

Window = tuple[dt.datetime, dt.datetime]
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = dt.timedelta(days=1)
# Yesterday's may last until today, and a day more for a clock that was put back.
_BEFORE: Final = 2
# A freeze that holds for longer than a week, weekly as it is, holds for ever.
_AFTER: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFreeze:
    """A freeze that holds. `until` is in the freeze's own time zone; None if it never ends."""

    name: str
    reason: str
    until: dt.datetime | None

    @property
    def text(self) -> str:
        """One line about it."""
        until = f"until {self.until:%Y-%m-%d %H:%M %Z}" if self.until else "without an end"
        return f"`{self.name}`, {until}: {self.reason}"


def open_freezes(freezes: Mapping[str, Freeze], now: dt.datetime) -> tuple[OpenFreeze, ...]:
    """The freezes that hold at `now`, a moment with a time zone."""
    found = []
    for name, freeze in freezes.items():
        zone = zoneinfo.ZoneInfo(freeze.time_zone)
        windows = list(_windows(freeze, now.astimezone(zone)))
        if any(start <= now < end for start, end in windows):
            end = _thaw(windows, now)
            endless = bool(freeze.days) and end >= windows[-1][1]
            found.append(OpenFreeze(name=name, reason=freeze.reason, until=None if endless else end.astimezone(zone)))
    return tuple(found)


def _thaw(windows: list[Window], now: dt.datetime) -> dt.datetime:
    """The end of the windows around `now`; those that touch each other are one. They are in order."""
    end = now
    for start, until in windows:
        if start <= end:
            end = max(end, until)
    return end


def _windows(freeze: Freeze, now: dt.datetime) -> Iterator[Window]:
    """The windows around `now`, which is in the freeze's own time zone."""
    if freeze.since is not None and freeze.until is not None:
        yield _window(freeze.since, freeze.until, now.tzinfo)
        return
    for offset in range(-_BEFORE, _AFTER + 1):
        day = now.date() + offset * _DAY
        if _DAYS[day.weekday()] in freeze.days:
            start, end = _at(day, freeze.start), _at(day, freeze.end)
            yield _window(start, end if start < end else end + _DAY, now.tzinfo)


def _at(day: dt.date, clock: str) -> dt.datetime:
    hours, minutes = map(int, clock.split(":"))
    return dt.datetime.combine(day, dt.time()) + dt.timedelta(hours=hours, minutes=minutes)  # 24:00 is tomorrow's


def _window(start: dt.datetime, end: dt.datetime, zone: dt.tzinfo | None) -> Window:
    return min(_moments(start, zone)), max(_moments(end, zone))


def _moments(local: dt.datetime, zone: dt.tzinfo | None) -> tuple[dt.datetime, ...]:
    """What a local time can mean: two moments where a clock is put back over it or forward past it."""
    return tuple(local.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
