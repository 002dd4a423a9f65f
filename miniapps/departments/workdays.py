"""Working days, by which offices promise: weekends and the days that the department lists as holidays do not count."""

from collections.abc import Collection
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

CITY_TIME = timezone(timedelta(hours=8), "UTC+8")
SATURDAY = 5


def is_workday(day: date, holidays: Collection[date]) -> bool:
    """Whether offices work on that day."""
    return day.weekday() < SATURDAY and day not in holidays


def after_workdays(start: datetime, days: int, holidays: Collection[date]) -> datetime:
    """The end of the `days`-th working day after the day of `start`, as the city counts its days."""
    day, left = start.astimezone(CITY_TIME).date(), days
    while left:
        day += timedelta(days=1)
        left -= is_workday(day, holidays)
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=CITY_TIME)


def read_holidays(data: Path) -> frozenset[date]:
    """The days in `holidays.txt` of the department's folder, one a line (2026-10-01); none without the file."""
    path = data / "holidays.txt"
    lines = path.read_text().split() if path.exists() else []
    return frozenset(date.fromisoformat(line) for line in lines)
