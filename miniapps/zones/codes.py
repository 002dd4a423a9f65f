"""What a zone's code says by itself (GB/T 2260 and GB/T 10114): how large the place is, and what it lies in. Pure."""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["province", "city", "district", "street", "community"]

ZONE: Final = r"^[0-9]{6}([0-9]{3}){0,2}$(?!\n)"
_DISTRICT: Final = 6
_STREET: Final = 9


def lies_in(zone: str, whole: str) -> bool:
    """Whether `zone` is the place `whole` or a part of it: zeros at the end of six digits name no part."""
    return zone.startswith(_significant(whole))


def nearest(zone: str, places: Iterable[str]) -> str | None:
    """The smallest of `places` that `zone` lies in: from which it inherits; None when it lies in none."""
    return max((place for place in places if lies_in(zone, place)), key=_by_size, default=None)


def nearness(zone: str, places: Iterable[str]) -> int:
    """How closely the nearest of `places` is drawn around `zone`, in digits; 0 when it lies in none."""
    place = nearest(zone, places)
    return 0 if place is None else len(_significant(place))


def level_of(zone: str) -> Level:
    """What kind of place it is."""
    if len(zone) > _STREET:
        return "community"
    if len(zone) > _DISTRICT:
        return "street"
    if zone.endswith("0000"):
        return "province"
    return "city" if zone.endswith("00") else "district"


def _by_size(zone: str) -> tuple[int, str]:
    return len(_significant(zone)), zone


def _significant(zone: str) -> str:
    """Province (2), city (4), district (6), street (9) or community (12) digits."""
    if len(zone) > _DISTRICT:
        return zone
    return zone.removesuffix("0000") if zone.endswith("0000") else zone.removesuffix("00")
