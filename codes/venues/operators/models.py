"""Operators: the people at the devices, known by a number of their organization's own and never by name.

A PIN is short, so it is kept only under the city's master key, and wrong ones lock it; a badge is long and is a key.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request

PIN_DIGITS: Final = 6
WRONG_PINS: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
LONGEST_SHIFT: Final = timedelta(hours=12)

Number = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}(?![\s\S])")]
Pin = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}(?![\s\S])")]
Badge = Annotated[str, msgspec.Meta(pattern=r"^SSB1:[A-Z2-7]{32}(?![\s\S])")]
"""In the alphabet of alphanumeric QR pictures, so that the device's own gun can read it."""
State: TypeAlias = Literal["active", "ended"]
Method: TypeAlias = Literal["pin", "badge"]


class AppointOperator(Request):
    """What an administrator enters; PIN and badge are the city's to make."""

    organization_id: UUID
    number: Number


class SignOn(Request):
    """Either a badge, or a number with its PIN."""

    badge: Badge | None = None
    number: Number | None = None
    pin: Pin | None = None

    @property
    def method(self) -> Method | None:
        """How the operator shows who they are; None when the request is neither way, or both."""
        if self.badge is not None:
            return "badge" if self.number is None and self.pin is None else None
        return None if self.number is None or self.pin is None else "pin"


class Operator(Model):
    """A row."""

    id: UUID
    organization_id: UUID
    number: str
    pin_index: bytes
    state: State
    wrong_pins: int
    locked_until: datetime | None
    appointed_at: datetime
    ended_at: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Whether wrong PINs keep this operator out at this moment."""
        return self.locked_until is not None and now < self.locked_until

    def lock_after_wrong_pin(self, now: datetime) -> datetime | None:
        """Until when one more wrong PIN locks, or None when there are tries left."""
        return now + LOCKED_FOR if self.wrong_pins + 1 >= WRONG_PINS else None


class OperatorView(Model):
    """An operator as administrators read them."""

    id: UUID
    organization_id: UUID
    number: str
    state: State
    appointed_at: datetime
    ended_at: datetime | None


class AppointedOperator(OperatorView):
    """The one time that PIN and badge are told."""

    pin: str
    badge: str


class OperatorList(Model):
    """A page of operators, oldest first."""

    items: list[OperatorView]
    next: UUID | None


class Duty(Model):
    """Who answers for the scans of a device from now on, and until when."""

    scanner_id: UUID
    operator_id: UUID
    method: Method
    since: datetime
    until: datetime


def view_of(operator: Operator) -> OperatorView:
    """The row without what proves it."""
    return msgspec.convert(operator, OperatorView, from_attributes=True)
