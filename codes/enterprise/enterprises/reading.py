"""Reads what stands on an enterprise's wall, for those who check it: the code first, then whose it is.

Never raises for a code, whatever its text; what is wrong with it is a reason.
"""

from app.kit.database import Connection
from app.kit.structs import Model
from codes.enterprise.enterprises import repository
from codes.enterprise.enterprises.models import Sticker, description_of, sticker_of
from codes.enterprise_ports import FindsOrganizations
from codes.envelope.claims import Kind
from codes.stickers.models import Description
from codes.stickers.reading import ANYBODY, CodeReader
from codes.trust.models import ScenarioPolicy
from codes.verdict import Check, Freshness, Reason


class Reading(Model):
    """A sticker with the steps that led there and the age of what they rest on."""

    sticker: Sticker
    checks: list[Check]
    freshness: Freshness


class StickerReader:
    """Tells whether a sticker is ours, good, and whose it is; describes it to the public."""

    def __init__(self, codes: CodeReader, organizations: FindsOrganizations) -> None:
        self._codes = codes
        self._organizations = organizations

    async def read(self, connection: Connection, text: str, policy: ScenarioPolicy = ANYBODY) -> Reading:
        """What `text` is worth in the scenario of `policy`, now."""
        reading = await self._codes.read(connection, text, policy)
        claims = reading.claims
        sticker = Sticker(reason=reading.reason)
        if claims is not None and claims.kind is Kind.E:
            sticker = await self._find(connection, claims.cti, reading.reason)
        return Reading(sticker=sticker, checks=reading.checks, freshness=reading.freshness)

    async def describe(self, connection: Connection, cti: bytes) -> Description | None:
        """What anybody may read of the code with this pointer."""
        code = await repository.find_code_by_cti(connection, cti)
        if code is None:
            return None
        return description_of(code, await self._organizations.get_organization(connection, code.organization_id))

    async def _find(self, connection: Connection, cti: bytes, reason: Reason) -> Sticker:
        code = await repository.find_code_by_cti(connection, cti)
        if code is None:
            return Sticker(reason=Reason.STATUS_UNKNOWN if reason is Reason.OK else reason)
        return sticker_of(reason, code, await self._organizations.get_organization(connection, code.organization_id))
