"""On which way and when a notice leaves the app: pure rules over its weight, the person's choice and the hour.

Urgent ones leave at once, whatever the hour and whatever was chosen; nothing here decides who is told.
"""

from datetime import datetime, time, timedelta
from typing import Final

from app.kit.structs import Model
from auth.messages.models import Channel, Preferences
from auth.messages.texts import Weight

LIVES: Final[dict[Weight, timedelta]] = {
    "urgent": timedelta(days=1),
    "important": timedelta(days=3),
    "ordinary": timedelta(0),
}
"""How long it is worth sending after it was due. In the app it stands for ever."""
LONGEST_QUIET: Final = timedelta(hours=14)


class Planned(Model):
    """One way out of the app."""

    channel: Channel
    due_at: datetime
    expires_at: datetime


def plan(weight: Weight, chosen: Preferences, now: datetime, city_offset: timedelta) -> Planned | None:
    """The way a notice of this weight takes, or None when it stays in the app."""
    if weight == "ordinary":
        return None
    channel = chosen.urgent_by if weight == "urgent" else chosen.important_by
    if channel == "app":
        return None
    due_at = now if weight == "urgent" else after_quiet_hours(chosen, now, city_offset)
    return Planned(channel=channel, due_at=due_at, expires_at=due_at + LIVES[weight])


def after_quiet_hours(chosen: Preferences, now: datetime, city_offset: timedelta) -> datetime:
    """`now`, or the end of the quiet hours that it falls into."""
    if chosen.quiet_from is None or chosen.quiet_until is None:
        return now
    local = now + city_offset
    end = local.replace(hour=0, minute=0, second=0, microsecond=0) + _since_midnight(chosen.quiet_until)
    if end <= local:
        end += timedelta(days=1)
    begin = end - quiet_span(chosen.quiet_from, chosen.quiet_until)
    return end - city_offset if begin <= local else now


def quiet_span(quiet_from: str, quiet_until: str) -> timedelta:
    """How long these quiet hours last; across midnight when they end earlier than they begin."""
    return (_since_midnight(quiet_until) - _since_midnight(quiet_from)) % timedelta(days=1)


def _since_midnight(text: str) -> timedelta:
    at = time.fromisoformat(text)
    return timedelta(hours=at.hour, minutes=at.minute)
