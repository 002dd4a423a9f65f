"""Halls, what is done in them, and the slots of a day: pure rules about times and places."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from miniapps.departments.workdays import CITY_TIME, is_workday

SLOT: Final = timedelta(minutes=30)
DAYS_AHEAD: Final = 14
EARLY: Final = timedelta(minutes=30)
"""How long before the slot a booked number may be taken."""
LATE: Final = timedelta(minutes=15)
"""How long after the slot's beginning; then the booking is missed."""
OPENS, NOON, AFTERNOON, CLOSES = time(9), time(11, 30), time(13, 30), time(17)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A kind of business; `windows` people are served in a slot."""

    code: str
    zh: str
    en: str
    windows: int
    letter: str


@dataclass(frozen=True, kw_only=True)
class Hall:
    """A service hall."""

    code: str
    zh: str
    en: str
    zone: str
    items: Mapping[str, Item]


def _items(*items: Item) -> dict[str, Item]:
    return {item.code: item for item in items}


HALLS: Final[Mapping[str, Hall]] = {
    hall.code: hall
    for hall in (
        Hall(
            code="city-hall",
            zh="演示市政务服务中心",
            en="Demo city service hall",
            zone="190000",
            items=_items(
                Item(code="general", zh="综合窗口", en="General business", windows=6, letter="A"),
                Item(code="company", zh="企业开办", en="Starting a company", windows=3, letter="B"),
                Item(code="social-security", zh="社会保险", en="Social security", windows=4, letter="C"),
            ),
        ),
        Hall(
            code="east-hall",
            zh="演示东区政务服务中心",
            en="Demo east district service hall",
            zone="190101",
            items=_items(
                Item(code="general", zh="综合窗口", en="General business", windows=3, letter="A"),
                Item(code="residence", zh="居住证", en="Residence permits", windows=2, letter="B"),
            ),
        ),
    )
}


def slots_of(day: date, holidays: Collection[date]) -> Iterator[datetime]:
    """When one may come on that day, in order; never on a day on which offices rest."""
    if not is_workday(day, holidays):
        return
    for begin, end in ((OPENS, NOON), (AFTERNOON, CLOSES)):
        at = datetime.combine(day, begin, CITY_TIME)
        while at + SLOT <= datetime.combine(day, end, CITY_TIME):
            yield at
            at += SLOT


def may_be_booked(starts_at: datetime, now: datetime, holidays: Collection[date]) -> bool:
    """Whether it is a slot, not begun, and at most two weeks away."""
    local = starts_at.astimezone(CITY_TIME)
    last_day = now.astimezone(CITY_TIME).date() + timedelta(days=DAYS_AHEAD)
    return now < starts_at and local.date() <= last_day and local in set(slots_of(local.date(), holidays))


def may_take_number(starts_at: datetime, now: datetime) -> bool:
    """Whether somebody who booked this slot gets a number now."""
    return starts_at - EARLY <= now <= starts_at + LATE


def is_missed(starts_at: datetime, now: datetime) -> bool:
    """Whether nobody comes any more."""
    return now > starts_at + LATE
