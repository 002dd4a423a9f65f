"""Who reads which log of acts."""

from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.mandates.engine import MandateEngine
from auth.mandates.errors import MandateRefused, MandateUnknown
from auth.mandates.models import GUARDIAN_KINDS, MandateKind
from auth.mandates.rules import Act, Why
from auth.principal import Principal

RUNS_IT: Final[tuple[MandateKind, ...]] = ("responsible_person", "administrator")


class ActReaders:
    """The person themself, a ward's guardians, and those who run an organization."""

    def __init__(self, *, engine: MandateEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def person_of(self, connection: Connection, principal: Principal, ward_id: UUID | None) -> UUID:
        """Whose acts the caller reads: their own, or those of a ward of theirs; raises `MandateUnknown`."""
        if ward_id is None or ward_id == principal.subject_id:
            return principal.subject_id
        authority = await self._engine.find_authority(
            connection,
            agent_id=principal.subject_id,
            principal_id=ward_id,
            act=Act(kind="show_code"),
            now=self._clock.now(),
            kinds=sorted(GUARDIAN_KINDS),
        )
        if isinstance(authority, MandateRefused):
            raise MandateUnknown
        return ward_id

    async def require_organization(self, connection: Connection, principal: Principal, organization_id: UUID) -> None:
        """Raises `MandateRefused` for whoever does not run this organization now."""
        if principal.subject_id != organization_id or principal.mandate_id is None:
            raise MandateRefused(Why.NONE)
        authority = await self._engine.find_authority(
            connection,
            agent_id=principal.person_id,
            principal_id=organization_id,
            act=Act(kind="run_organization"),
            now=self._clock.now(),
            kinds=RUNS_IT,
        )
        if isinstance(authority, MandateRefused):
            raise authority
