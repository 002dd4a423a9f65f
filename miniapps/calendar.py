"""Working days of the city: weekends, public holidays, and the weekends on which people work in exchange (调休).

Pure, but for reading the operator's file. Refuses a day that is both.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Final

import msgspec

from app.kit.structs import Model, Request

SATURDAY: Final = 5
DAY: Final = timedelta(days=1)


class CalendarInvalid(ValueError):
    """The file is no calendar; the text says why."""


class CalendarFile(Request):
    """What an operator writes: `holidays = [2026-10-01, …]`, and `workdays` for weekends on which people work."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()


class WorkingCalendar(Model):
    """Which days count, on the city's clock."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    offset: timedelta = timedelta(hours=8)

    def works_on(self, day: date) -> bool:
        """Whether offices are open that day."""
        return day in self.workdays or (day.weekday() < SATURDAY and day not in self.holidays)

    def after(self, start: datetime, days: int) -> datetime:
        """The end of the last of `days` working days that follow the day of `start`, which never counts; in UTC."""
        day = self.day_of(start)
        left = days
        while left > 0:
            day += DAY
            left -= self.works_on(day)
        return datetime.combine(day + DAY, time(), tzinfo=timezone(self.offset)).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """Which day it is in the city."""
        return moment.astimezone(timezone(self.offset)).date()


def read_calendar(path: Path | None, *, offset: timedelta) -> WorkingCalendar:
    """The operator's calendar, or plain weekends without a file; raises `CalendarInvalid`."""
    if path is None:
        return WorkingCalendar(offset=offset)
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=CalendarFile)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise CalendarInvalid(f"{path}: {error}") from None
    if both := file.holidays & file.workdays:
        raise CalendarInvalid(f"{path}: {min(both)} is a holiday and a working day")
    return WorkingCalendar(holidays=file.holidays, workdays=file.workdays, offset=offset)
