"""What leaves at an accepted scan: what scenario, choice and registration allow, as far as it is known."""

from typing import Any

from app.kit.database import Connection
from codes.verification.answers import Scan
from codes.verification.holders import Holders
from codes.verification.models import attributes_allowed
from codes.verification.ports import Holder, NarrowsDisclosure
from codes.verification.reading import Reading


class Disclosures:
    """Asks identity for what may leave, and for nothing else."""

    def __init__(self, holders: Holders, narrowing: NarrowsDisclosure | None) -> None:
        self._holders = holders
        self._narrowing = narrowing

    async def disclose(self, connection: Connection, scan: Scan, reading: Reading, holder: Holder) -> dict[str, Any]:
        """The attributes of `holder` that this scanner is told; only ever asked for a scan that is accepted."""
        presentation = reading.examined.presentation
        attributes = attributes_allowed(scan.scenario, None if presentation is None else presentation.scenario)
        if self._narrowing is not None:
            attributes &= self._narrowing.narrowed(scan.scanner, scan.scenario, attributes)
        return await self._holders.disclose(
            connection,
            holder,
            attributes,
            scenario=scan.scenario.number,
            asked_by=scan.scanner.organization_id,
        )
