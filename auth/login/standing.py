"""Who may change what opens an account: the one rule for passkeys, phones and whatever else is a way in.

Fresh, and as sure as the city can be: while the person has a device or a passkey that could confirm it, a code sent to
a phone is not enough, because a number may have a new holder.
"""

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import Forbidden
from app.kit.structs import Text
from auth.assurance import FRESH_SECONDS, KEY, ONE_TIME_CODE, find_shortfall
from auth.devices.service import Devices
from auth.people.service import People
from auth.principal import Principal


class OnlyForOneself(Forbidden):
    """Whoever acts for another never touches what opens an account (agents never grant credentials)."""

    slug = "only-for-oneself"
    title = Text(zh="只能为本人办理", en="Only for oneself")
    remedy = Text(zh="请切换回个人身份后重试。", en="Switch back to your own account.")


class Standing:
    """Judges the caller before a change of credentials."""

    def __init__(self, *, people: People, devices: Devices, clock: Clock) -> None:
        self._people = people
        self._devices = devices
        self._clock = clock

    async def require(self, connection: Connection, principal: Principal) -> None:
        """Raises `StepUpRequired` with what to do, or `OnlyForOneself`."""
        refuse_for_another(principal)
        aal = KEY if await self._has_key(connection, principal) else ONE_TIME_CODE
        now = self._clock.now()
        shortfall = find_shortfall(principal, aal=aal, within_seconds=FRESH_SECONDS, now=now)
        if shortfall is not None:
            raise shortfall

    async def is_sure(self, connection: Connection, principal: Principal) -> bool:
        """Whether the session is as sure of the person as the city is; staff always are."""
        return principal.subject_type == "official" or await self._people.is_known_to(connection, principal)

    def require_fresh(self, principal: Principal) -> None:
        """For what must go quickly, such as reporting a loss; raises `StepUpRequired`, `OnlyForOneself`."""
        refuse_for_another(principal)
        now = self._clock.now()
        shortfall = find_shortfall(principal, aal=ONE_TIME_CODE, within_seconds=FRESH_SECONDS, now=now)
        if shortfall is not None:
            raise shortfall

    async def _has_key(self, connection: Connection, principal: Principal) -> bool:
        if principal.subject_type == "official" or not await self.is_sure(connection, principal):
            return True
        return await self._devices.guards(connection, principal.subject_id)


def refuse_for_another(principal: Principal) -> None:
    """Raises `OnlyForOneself` for an agent."""
    if principal.subject_type == "organization" or principal.agent_id is not None:
        raise OnlyForOneself
