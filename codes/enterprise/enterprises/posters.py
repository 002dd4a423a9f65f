"""The poster of an enterprise code, for the organization that hangs it. Drawn with no connection held meanwhile."""

from datetime import timedelta, timezone
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Database
from app.kit.structs import Text
from auth.principal import Principal
from codes.enterprise.enterprises.models import EnterpriseCode
from codes.enterprise.enterprises.page import CREDIT_CODE
from codes.enterprise.enterprises.service import EnterpriseCodes
from codes.enterprise_ports import FindsOrganizations, KnownOrganization
from codes.pictures.posters import Poster, poster_sheet
from codes.pictures.studio import Picture, PictureForm, Studio
from codes.stickers.errors import CodeEnded

COLOUR: Final = "#0f4c81"
KIND: Final = Text(zh="企业码", en="Enterprise code")
ABOUT: Final = Text(
    zh="用任何手机相机扫码，核验本单位登记信息。",
    en="Scan with any camera to see what the register says of this organization.",
)


class EnterprisePosters:
    """Draws codes that count; one that has ended is not printed again."""

    def __init__(
        self,
        *,
        database: Database,
        codes: EnterpriseCodes,
        organizations: FindsOrganizations,
        studio: Studio,
        clock: Clock,
        brand: Text,
        offset: timedelta,
    ) -> None:
        self._database = database
        self._codes = codes
        self._organizations = organizations
        self._studio = studio
        self._clock = clock
        self._brand = brand
        self._zone = timezone(offset)

    async def draw(self, principal: Principal, organization_id: UUID, code_id: UUID, form: PictureForm) -> Picture:
        """The poster; raises `EnterpriseCodeUnknown`, `NotThisOrganization`, `CodeEnded`, `TemporarilyUnavailable`."""
        async with self._database.acquire() as connection:
            code = await self._codes.get(connection, principal, organization_id, code_id)
            organization = await self._organizations.get_organization(connection, organization_id)
        if code.state != "active" or code.expires_at <= self._clock.now():
            raise CodeEnded
        return await self._studio.draw(poster_sheet(self._poster(code, organization)), form)

    def _poster(self, code: EnterpriseCode, organization: KnownOrganization) -> Poster:
        return Poster(
            colour=COLOUR,
            kind=KIND,
            name=organization.name,
            where=code.label,
            number_label=CREDIT_CODE,
            number=organization.credit_code,
            carrier=code.carrier,
            about=ABOUT,
            until=f"{code.expires_at.astimezone(self._zone):%Y-%m-%d}",
            brand=self._brand,
        )
