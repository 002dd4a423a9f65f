"""Gives a thin client what it shows codes with, and takes it back. The client then makes its codes alone.

Refuses a session that is less sure of the person than the city is: a phone number alone shows nobody's codes.
"""

import base64
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.vault import Vault
from auth.principal import Principal
from codes.errors import CodesFrozen, DeviceNotReady
from codes.settings import CodesSettings
from codes.showing.grants import repository as grants
from codes.showing.grants.models import day_of
from codes.showing.grants.ports import FindsDevices, FindsPeople
from codes.showing.online import repository
from codes.showing.online.carriers import HANDLE_BYTES, HANDLE_DIGITS, STEP_SECONDS, VERSION
from codes.showing.online.errors import OnlineCodesExhausted
from codes.showing.online.models import HANDLES, HandleView, IssueOnlineCode, NewOnlineCode, OnlineCodeView
from codes.showing.online.reader import SEAL_PURPOSE
from codes.worth import require_worth

SECRET_BYTES = 32
EXPIRED_STAY = timedelta(days=1)


class OnlineCodes:
    """Issues and ends online codes (an `EndsCodes`). Guaranteed: no two clients share a secret or a handle."""

    def __init__(
        self, *, devices: FindsDevices, people: FindsPeople, vault: Vault, clock: Clock, settings: CodesSettings
    ) -> None:
        self._devices = devices
        self._people = people
        self._vault = vault
        self._clock = clock
        self._settings = settings

    async def issue(self, connection: Connection, principal: Principal, request: IssueOnlineCode) -> OnlineCodeView:
        """A secret and eight handles for some hours, told this once.

        Raises `DeviceNotReady`, `IdentityLevelTooLow`, `CodesFrozen`, `OnlineCodesExhausted`. A revocation of the
        session's device waits for the caller's transaction, and then ends this code too.
        """
        now = self._clock.now()
        await self._require_ready(connection, principal)
        code_id, secret = new_id(), secrets.token_bytes(SECRET_BYTES)
        code = NewOnlineCode(
            id=code_id,
            person_id=principal.subject_id,
            device_id=principal.device_id,
            secret_sealed=self._vault.seal(SEAL_PURPOSE, secret, context=code_id.bytes),
            issued_at=now,
            expires_at=now + request.life,
        )
        if not await repository.insert_code(connection, code, day_of(now, self._settings.city_offset)):
            raise OnlineCodesExhausted
        handles = await _draw_handles(connection, code_id)
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="online_code.issued",
            subject=principal.subject,
            detail={"online_code_id": str(code_id)},
        )
        return self._view(code, secret, handles)

    async def end_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> int:
        """Ends everything of this person's, in the caller's transaction; how many codes that were."""
        return await repository.mark_person_revoked(connection, person_id, now)

    async def end_codes_of_device(self, connection: Connection, device_id: UUID, now: datetime, /) -> int:
        """Ends what was given to one device; how many codes that were."""
        return await repository.mark_device_revoked(connection, device_id, now)

    async def forget_expired(self, connection: Connection) -> None:
        """Forgets codes that ended; a periodic job."""
        await repository.delete_expired(connection, self._clock.now() - EXPIRED_STAY)

    async def _require_ready(self, connection: Connection, principal: Principal) -> None:
        """As for grants: an active device or a session as sure as the city is, and nobody froze the codes."""
        if principal.device_id is not None:
            device = await self._devices.get_device_for_share(connection, principal.device_id)
            if device.person_id != principal.subject_id or device.state != "active":
                raise DeviceNotReady
        await require_worth(self._people, connection, principal)
        await grants.share_people(connection, [principal.subject_id])
        if await grants.has_freeze(connection, [principal.subject_id]):
            raise CodesFrozen

    def _view(self, code: NewOnlineCode, secret: bytes, handles: dict[bytes, str]) -> OnlineCodeView:
        code_format = self._settings.code_format
        return OnlineCodeView(
            id=code.id,
            secret=_base64url(secret),
            handles=[HandleView(handle=_base64url(handle), digits=digits) for handle, digits in handles.items()],
            version=VERSION,
            step_seconds=STEP_SECONDS,
            prefix=code_format.prefix,
            environment=code_format.environment,
            issued_at=code.issued_at,
            expires_at=code.expires_at,
        )


async def _draw_handles(connection: Connection, code_id: UUID) -> dict[bytes, str]:
    """Eight handles that nobody has; a number that is taken is drawn again."""
    drawn: dict[bytes, str] = {}
    while len(drawn) < HANDLES:
        wanted = {_random_handle(): _random_digits() for _ in range(HANDLES - len(drawn))}
        stand = await repository.insert_handles(connection, code_id, wanted)
        drawn |= {handle: wanted[handle] for handle in stand}
    return drawn


def _random_handle() -> bytes:
    return secrets.token_bytes(HANDLE_BYTES)


def _random_digits() -> str:
    return f"{secrets.randbelow(10**HANDLE_DIGITS):0{HANDLE_DIGITS}}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
