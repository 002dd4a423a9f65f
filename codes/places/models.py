"""Places and things: a sticker at a door or on a lift, that any citizen's camera reads and nobody remembers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from codes.enterprise_ports import KnownOrganization
from codes.lines import ONE_LINE
from codes.places import texts
from codes.places.facts import MOST_SCENARIOS
from codes.scenarios.models import PERSONAL_KINDS, Attribute, Scenario
from codes.status.models import StatusPointer
from codes.stickers.models import Description, Fact, Section
from codes.venues.scanners.models import Site

State: TypeAlias = Literal["active", "revoked"]
Purpose: TypeAlias = Literal["door", "thing"]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=ONE_LINE)]

NUMBER_DIGITS: Final = 8


class RegisterPlace(Request):
    """Where the sticker hangs, what it is for, and how long it is good. Sites are shared with scanners, by name."""

    site: Site
    label: Label
    scenarios: Annotated[list[int], msgspec.Meta(min_length=1, max_length=MOST_SCENARIOS)]
    valid_days: Annotated[int, msgspec.Meta(ge=30, le=730)] = 365

    @property
    def life(self) -> timedelta:
        """From issue to end."""
        return timedelta(days=self.valid_days)


class Place(Model):
    """A row. `carrier` is the whole text of the picture; it is public. `number` is what a person reads on the phone."""

    id: UUID
    organization_id: UUID
    site_id: UUID
    site_name: str
    site_address: str
    label: str
    number: int
    scenarios: list[int]
    cti: bytes
    shard: int
    index: int
    carrier: str
    state: State
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def pointer(self) -> StatusPointer:
        """Where its status stands."""
        return StatusPointer(shard=self.shard, index=self.index)


class PlaceView(Model):
    """A sticker as its organization reads it; `carrier` goes into the picture, byte for byte."""

    id: UUID
    organization_id: UUID
    site_id: UUID
    site_name: str
    site_address: str
    label: str
    number: str
    scenarios: list[int]
    carrier: str
    state: State
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    kind: str = "V"


class PlaceList(Model):
    """A page of stickers, newest first."""

    items: list[PlaceView]
    next: UUID | None


class Offer(Model):
    """A scenario that a sticker names, with all that a citizen is told before choosing it.

    Told the first time, again whenever `disclosure_version` has changed, and every time where it `asks_each_time`.
    """

    number: int
    names: Text
    purpose: Text
    legal_basis: Text
    discloses: tuple[Attribute, ...]
    high_value: bool
    fallback: Text
    asks_each_time: bool
    disclosure_version: str


class PlacePageView(Model):
    """A valid sticker as anybody may read it. `aud` is what a phone signs when it shows a code for this place."""

    valid: bool
    kind: str
    name: str
    organization: str
    in_business: bool
    address: str
    number: str
    aud: UUID
    scenarios: list[Offer]
    issued_at: datetime
    expires_at: datetime


def purpose_of(scenarios: Sequence[Scenario]) -> Purpose | None:
    """What a sticker with these scenarios is: a door, a thing, or nothing that may hang anywhere (None)."""
    numbers = {scenario.number for scenario in scenarios}
    if len(numbers) != len(scenarios):
        return None
    if all(PERSONAL_KINDS.issuperset(scenario.kinds) for scenario in scenarios):
        return "door"
    return "thing" if all(scenario.kinds == ("V",) for scenario in scenarios) else None


def printed_number(number: int) -> str:
    """`V`, eight digits or more, and a Luhn digit (ISO/IEC 7812-1): a number misread on the telephone is noticed."""
    digits = f"{number:0{NUMBER_DIGITS}}"
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(reversed(digits))]
    total = sum(value // 10 + value % 10 for value in doubled)
    return f"V{digits}{-total % 10}"


def view_of(place: Place) -> PlaceView:
    """The row without its pointers."""
    facts = {name: getattr(place, name) for name in PlaceView.__struct_fields__ if name not in {"number", "kind"}}
    return PlaceView(number=printed_number(place.number), **facts)


def description_of(place: Place, organization: KnownOrganization, scenarios: Sequence[Scenario]) -> Description:
    """What anybody may read of a valid sticker; `scenarios` are those that it names and that still exist."""
    in_business = organization.status == "active"
    return Description(
        name=place.label,
        facts=(
            Fact(label=texts.KEPT_BY, value=organization.name),
            Fact(label=texts.PLACE, value=f"{place.site_name}，{place.site_address}"),
            Fact(label=texts.NUMBER, value=printed_number(place.number)),
            Fact(label=texts.ISSUED, value=place.issued_at),
            Fact(label=texts.UNTIL, value=place.expires_at),
        ),
        warnings=() if in_business else (texts.NOT_IN_BUSINESS,),
        sections=_sections(scenarios),
        advice=texts.ADVICE_AT_DOORS if purpose_of(scenarios) == "door" else texts.ADVICE_AT_THINGS,
        view=_page_view(place, organization, scenarios),
    )


def _page_view(place: Place, organization: KnownOrganization, scenarios: Sequence[Scenario]) -> PlacePageView:
    return PlacePageView(
        valid=True,
        kind="V",
        name=place.label,
        organization=organization.name,
        in_business=organization.status == "active",
        address=f"{place.site_name}，{place.site_address}",
        number=printed_number(place.number),
        aud=place.site_id,
        scenarios=[msgspec.convert(scenario, Offer, from_attributes=True) for scenario in scenarios],
        issued_at=place.issued_at,
        expires_at=place.expires_at,
    )


def _sections(scenarios: Sequence[Scenario]) -> tuple[Section, ...]:
    """At a door what would be disclosed, in each scenario; at a thing what it is for. The other way in any case."""
    return tuple(Section(title=scenario.names, lines=_lines(scenario)) for scenario in scenarios)


def _lines(scenario: Scenario) -> tuple[Text, ...]:
    if "V" in scenario.kinds:
        return scenario.purpose, scenario.fallback
    return scenario.purpose, texts.disclosed(scenario.discloses), texts.otherwise(scenario.fallback)
