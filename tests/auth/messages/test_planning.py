"""When and how a notice leaves the app: the rules alone."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.messages.models import ImportantBy, Preferences, UrgentBy
from auth.messages.planning import after_quiet_hours, plan, quiet_span

CITY = timedelta(hours=8)
NIGHT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)  # 02:30 in the city
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

moments = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - a bound
hours = st.times().map(lambda at: f"{at:%H:%M}")


def is_quiet(moment: datetime, quiet_from: str, quiet_until: str) -> bool:
    """Said anew, without arithmetic on days."""
    at, begin, end = (moment + CITY).time(), time.fromisoformat(quiet_from), time.fromisoformat(quiet_until)
    return begin <= at < end if begin < end else at >= begin or at < end


@given(now=moments, begin=hours, end=hours)
def test_what_waits_leaves_at_the_first_moment_that_is_not_quiet(now: datetime, begin: str, end: str) -> None:
    chosen = Preferences(quiet_from=begin, quiet_until=end)
    due_at = after_quiet_hours(chosen, now, CITY)
    assert now <= due_at < now + timedelta(days=1)
    if begin == end:
        assert due_at == now
        return
    assert not is_quiet(due_at, begin, end)
    assert (due_at > now) == is_quiet(now, begin, end)
    assert due_at == now or f"{due_at + CITY:%H:%M}" == end


@given(
    now=moments, begin=hours, end=hours, by=st.sampled_from(["sms", "voice"]), important=st.sampled_from(["sms", "app"])
)
def test_urgent_leaves_at_once_whatever_was_chosen(
    now: datetime, begin: str, end: str, by: UrgentBy, important: ImportantBy
) -> None:
    chosen = Preferences(quiet_from=begin, quiet_until=end, urgent_by=by, important_by=important)
    planned = plan("urgent", chosen, now, CITY)
    assert planned is not None
    assert (planned.channel, planned.due_at) == (by, now)
    assert planned.expires_at > now


@given(begin=hours, end=hours)
def test_quiet_span_is_less_than_a_day(begin: str, end: str) -> None:
    assert timedelta(0) <= quiet_span(begin, end) < timedelta(days=1)


def test_important_waits_for_the_morning() -> None:
    planned = plan("important", Preferences(), NIGHT, CITY)
    assert planned is not None
    assert (planned.channel, planned.due_at) == ("sms", datetime(2026, 3, 2, 23, 0, tzinfo=UTC))


@pytest.mark.parametrize("now", [NIGHT, NOON])
def test_important_stays_in_the_app_when_the_person_said_so(now: datetime) -> None:
    assert plan("important", Preferences(important_by="app"), now, CITY) is None


def test_important_without_quiet_hours_leaves_at_once() -> None:
    planned = plan("important", Preferences(quiet_from=None, quiet_until=None, important_by="voice"), NIGHT, CITY)
    assert planned is not None
    assert (planned.channel, planned.due_at) == ("voice", NIGHT)


@pytest.mark.parametrize("now", [NIGHT, NOON])
def test_ordinary_stays_in_the_app(now: datetime) -> None:
    assert plan("ordinary", Preferences(), now, CITY) is None
