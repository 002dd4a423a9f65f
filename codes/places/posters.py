"""The sticker of a place or a thing, for the organization that hangs it. Drawn with no connection held meanwhile."""

from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Database
from app.kit.structs import Text
from auth.principal import Principal
from codes.pictures.posters import Poster, poster_sheet
from codes.pictures.studio import Picture, PictureForm, Studio
from codes.places import texts
from codes.places.models import Place, Purpose, printed_number, purpose_of
from codes.places.service import Places
from codes.scenarios.models import Scenario
from codes.stickers.errors import CodeEnded

COLOURS: Final[dict[Purpose, str]] = {"door": "#1b6b4a", "thing": "#7a4a00"}
KINDS: Final[dict[Purpose, Text]] = {
    "door": Text(zh="地点码", en="Place code"),
    "thing": Text(zh="设施码", en="Thing code"),
}
ABOUT_THINGS: Final = Text(
    zh="用任何手机相机扫码，查看信息或报修；不产生到访记录。",
    en="Scan with any camera to read about it or report a fault. Leaves no visit record.",
)


class PlacePosters:
    """Draws stickers that count; one that has ended is not printed again."""

    def __init__(
        self, *, database: Database, places: Places, studio: Studio, clock: Clock, brand: Text, offset: timedelta
    ) -> None:
        self._database = database
        self._places = places
        self._studio = studio
        self._clock = clock
        self._brand = brand
        self._zone = timezone(offset)

    async def draw(self, principal: Principal, place_id: UUID, form: PictureForm) -> Picture:
        """The poster; raises `PlaceUnknown`, `CodeEnded`, `TemporarilyUnavailable`."""
        async with self._database.acquire() as connection:
            place = await self._places.get(connection, principal, place_id)
        if place.state != "active" or place.expires_at <= self._clock.now():
            raise CodeEnded
        return await self._studio.draw(poster_sheet(self._poster(place)), form)

    def _about_door(self, scenarios: Sequence[Scenario]) -> Text:
        """What a citizen may choose there, by name."""
        zh = "、".join(scenario.names.zh for scenario in scenarios)
        en = ", ".join(scenario.names.en for scenario in scenarios)
        return Text(
            zh=f"打开{self._brand.zh}扫此码，选择“{zh}”后亮码；不产生到访记录。",
            en=f"Scan with {self._brand.en}, choose ({en}), show your code. Leaves no visit record.",
        )

    def _poster(self, place: Place) -> Poster:
        scenarios = self._places.scenarios_of(place)
        purpose = purpose_of(scenarios) or "thing"
        return Poster(
            colour=COLOURS[purpose],
            kind=KINDS[purpose],
            name=place.label,
            where=f"{place.site_name}　{place.site_address}",
            number_label=texts.NUMBER,
            number=printed_number(place.number),
            carrier=place.carrier,
            about=self._about_door(scenarios) if purpose == "door" else ABOUT_THINGS,
            until=f"{place.expires_at.astimezone(self._zone):%Y-%m-%d}",
            brand=self._brand,
        )
