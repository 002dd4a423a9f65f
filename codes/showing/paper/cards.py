"""The A6 card of a paper code, for who prints it. Drawn with no connection held meanwhile, and never at a scan."""

from datetime import timedelta, timezone
from typing import Final
from uuid import UUID

from app.kit.database import Database
from app.kit.structs import Text
from auth.principal import Principal
from codes.pictures.cards import Card, card_sheet
from codes.pictures.studio import Picture, PictureForm, Studio
from codes.showing.paper.models import PaperCodeView
from codes.showing.paper.service import PaperCodes

NUMBER_CHARACTERS: Final = 8


class PaperCards:
    """Draws codes that count; one that has ended is not printed again."""

    def __init__(
        self, *, database: Database, codes: PaperCodes, studio: Studio, brand: Text, offset: timedelta
    ) -> None:
        self._database = database
        self._codes = codes
        self._studio = studio
        self._brand = brand
        self._zone = timezone(offset)

    async def draw(self, principal: Principal, code_id: UUID, form: PictureForm) -> Picture:
        """The card; raises `PaperCodeUnknown`, `PaperCodeEnded`, `TemporarilyUnavailable`."""
        async with self._database.acquire() as connection:
            code = await self._codes.read(connection, principal, code_id)
        return await self._studio.draw(card_sheet(self._card(code)), form)

    def _card(self, code: PaperCodeView) -> Card:
        return Card(
            carrier=code.carrier,
            name=code.display_name,
            document=f"**** {code.document_tail}",
            number=card_number(code.id),
            until=f"{code.expires_at.astimezone(self._zone):%Y-%m-%d}",
            brand=self._brand,
        )


def card_number(code_id: UUID) -> str:
    """What names the card over the telephone: the last characters of its id, which are random."""
    return code_id.hex[-NUMBER_CHARACTERS:].upper()
