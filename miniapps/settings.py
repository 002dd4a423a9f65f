"""What an operator may set about the registry of mini-apps."""

import functools

from msgspec import field

from app.kit.structs import Model
from miniapps.calendar import WorkingCalendar
from miniapps.zones.models import ZoneTree
from miniapps.zones.source import load_zones

DEMO_REGION = "190000"


@functools.cache
def shipped_zones() -> ZoneTree:
    """The demo city's places."""
    return load_zones("", DEMO_REGION)


class MiniappsSettings(Model):
    """`issuer` is the city's public origin.

    `review_days`: within how many working days a version is to be judged; `emergency_review_hours`: of an emergency.

    `sunset_notice_days`: how long a department tells before a service ends. `proof_days`: until when deletion is
    proven after an emergency. `calendar` says which days are working days. `gray_step_seconds`: how long a share of
    citizens has a release before more do. `zones` are the city's places: no mini-app is for another.
    """

    issuer: str = "http://127.0.0.1:8000"
    review_days: int = 5
    emergency_review_hours: int = 24
    sunset_notice_days: int = 30
    proof_days: int = 7
    gray_step_seconds: int = 600
    calendar: WorkingCalendar = WorkingCalendar()
    zones: ZoneTree = field(default_factory=shipped_zones)
