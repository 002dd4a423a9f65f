"""What a citizen chose for the home page goes along on their calls, no further than each department needs."""

from uuid import UUID

import pytest

from app.kit.floor import Floor
from gateway.home.models import UNCHOSEN, Choice
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, gateway
from tests.gateway.publications import published

SPOOFED = ((b"ssb-elder", b"1"), (b"ssb-zone", b"190101"))


class KnownChoices:
    """The same choice for everybody, and who was asked for."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.asked: list[UUID] = []

    async def find_choice(self, subject_id: UUID) -> Choice:
        self.asked.append(subject_id)
        return self.choice


@pytest.mark.parametrize(
    ("choice", "zones", "zone", "elder"),
    [
        (UNCHOSEN, ["190101"], "190000", None),
        (Choice(zone="190101001", profile="standard"), ["190000"], "190000", None),
        (Choice(zone="190101001", profile="elder"), ["190101", "190102"], "190101", "1"),
        (Choice(zone="190103", profile="elder"), ["190101", "190102"], "190000", "1"),
    ],
)
async def test_a_call_says_where_and_how_large(  # noqa: PLR0917 - fixtures beside what differs
    floor: Floor,
    callers: KnownCallers,
    consents: KnownConsents,
    citizens: KnownCitizens,
    choice: Choice,
    zones: list[str],
    zone: str,
    elder: str | None,
) -> None:
    choices = KnownChoices(choice)
    async with gateway(floor, callers, consents, citizens, choices=choices) as door:
        principal = callers.sign_in()
        await door.publish(published(_address(door.apps[0]), zones=zones))
        assert (await door.call("GET", "/loans", BEARER, *SPOOFED)).status == 200
        assert (door.received[0].headers["ssb-zone"], door.received[0].headers.get("ssb-elder")) == (zone, elder)
        assert choices.asked == [principal.subject_id]
        assert (await door.call("GET", "/books", *SPOOFED)).status == 200
        assert (door.received[1].headers["ssb-zone"], door.received[1].headers.get("ssb-elder")) == ("190000", None)


def _address(app: object) -> str:
    return app.manifest.backend.base_url.live  # type: ignore[attr-defined,no-any-return]
