"""Working days: weekends and holidays do not count, the weekends that are worked do."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.calendar import CalendarInvalid, WorkingCalendar, read_calendar

# The first of October 2026 is a Thursday.
GOLDEN_WEEK = WorkingCalendar(
    holidays=frozenset(date(2026, 10, day) for day in range(1, 8)), workdays=frozenset({date(2026, 10, 10)})
)


def end_of(year: int, month: int, day: int) -> datetime:
    """Midnight in the city after that day."""
    return datetime(year, month, day, 16, 0, tzinfo=UTC)


def test_a_holiday_is_skipped_and_a_worked_saturday_counts() -> None:
    asked = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
    ends = [GOLDEN_WEEK.after(asked, days) for days in (1, 2, 3, 4)]
    assert ends == [end_of(2026, 10, 8), end_of(2026, 10, 9), end_of(2026, 10, 10), end_of(2026, 10, 12)]


def test_the_city_says_which_day_it_is() -> None:
    late = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # the third of March already
    assert WorkingCalendar().after(late, 1) == end_of(2026, 3, 4)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)), st.integers(1, 40))  # noqa: DTZ001 - hypothesis adds the zone
def test_more_days_are_never_sooner(start: datetime, days: int) -> None:
    calendar = WorkingCalendar()
    end = calendar.after(start, days)
    assert start + timedelta(days=days) <= end <= calendar.after(start, days + 1)
    assert calendar.works_on(calendar.day_of(end - timedelta(seconds=1)))


def test_the_file_is_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "calendar.toml"
    file.write_text("holidays = [2026-10-01]\nworkdays = [2026-10-10]\n")
    calendar = read_calendar(file, offset=timedelta(hours=8))
    assert not calendar.works_on(date(2026, 10, 1))
    assert calendar.works_on(date(2026, 10, 10))
    for text in (
        "holiday = [2026-10-01]",
        'holidays = ["soon"]',
        "holidays = [2026-10-10]\nworkdays = [2026-10-10]",
        "=",
    ):
        file.write_text(text)
        with pytest.raises(CalendarInvalid):
            read_calendar(file, offset=timedelta(hours=8))
    with pytest.raises(CalendarInvalid):
        read_calendar(tmp_path / "none.toml", offset=timedelta(hours=8))
