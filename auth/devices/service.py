"""Devices from proof of possession to revocation. A key is believed only while its owner has just shown who they are.

The first device ever is active at once; every further one waits, and the person is told, so that a thief who got
through the sign-in is seen in time. A lost device ends quickly, from any fresh sign-in; that never shortens a wait.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id, new_token
from auth.assurance import ONE_TIME_CODE, find_shortfall
from auth.devices import repository
from auth.devices.errors import DeviceKeyTaken, DeviceProofInvalid, DeviceUnknown, TooManyDevices
from auth.devices.models import Device, DeviceChallenge, DeviceView, EnrollDevice, NameDevice, StoredDevice
from auth.devices.ports import DeviceListener
from auth.keys import ProofInvalid, key_of_point, point_of, public_key_of, thumbprint, verify_proof
from auth.locks import lock_key
from auth.messages.service import Messages
from auth.people.service import People
from auth.principal import Principal
from auth.sessions.service import Sessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

CHANNEL: Final = "auth_device"
NAME_PURPOSE: Final = "device-name"
PROOF_TYPE: Final = "device-proof+jwt"
MOST_DEVICES: Final = 10


class Devices:
    """Enrols, lists and revokes the keys of people's phones."""

    def __init__(
        self,
        *,
        people: People,
        sessions: Sessions,
        messages: Messages,
        subject_vault: SubjectVault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._messages = messages
        self._subject_vault = subject_vault
        self._clock = clock
        self._settings = settings
        self._listeners: list[DeviceListener] = []

    def tell(self, listener: DeviceListener) -> None:
        """From now on `listener` is told of every revocation, in its transaction."""
        self._listeners.append(listener)

    async def challenge(self, connection: Connection, principal: Principal) -> DeviceChallenge:
        """A nonce for the next enrolment in this session."""
        nonce, seconds = new_token(), self._settings.device_challenge_seconds
        expires_at = self._clock.now() + timedelta(seconds=seconds)
        await repository.insert_challenge(connection, _hash(nonce), principal.session_id, expires_at)
        return DeviceChallenge(nonce=nonce, audience=self._settings.issuer, expires_in_seconds=seconds)

    async def enroll(self, connection: Connection, principal: Principal, request: EnrollDevice) -> DeviceView:
        """The new device: active at once when the person never had one and the session is as sure as the person is.

        Any other waits. Raises `StepUpRequired`, `DeviceProofInvalid`, `DeviceKeyTaken`, `TooManyDevices`. Two
        enrolments of one person take turns, so that two first devices are impossible.
        """
        now = self._clock.now()
        self._require_fresh(principal, now)
        point, key_thumbprint = await self._proved_key(connection, principal, request)
        await lock_key(connection, hashlib.sha256(b"device" + principal.subject_id.bytes).digest())
        ever = await repository.list_devices(connection, principal.subject_id)
        if sum(device.revoked_at is None for device in ever) >= MOST_DEVICES:
            raise TooManyDevices(most=MOST_DEVICES)
        first = not ever and await self._people.is_known_to(connection, principal)
        device = await self._new_device(
            connection, principal, request.name, point, key_thumbprint, first=first, now=now
        )
        if not await repository.insert_device(connection, device):
            raise DeviceKeyTaken
        await self._messages.write(connection, principal.subject_id, "device_enrolled", now)
        await self._record(connection, principal.actor, "device.enrolled", device, {"first": first})
        (view,) = await self._views(connection, principal.subject_id, [device])
        return view

    async def get_device(self, connection: Connection, device_id: UUID) -> Device:
        """The device as it stands now; raises `DeviceUnknown`."""
        return self._known(await repository.find_device(connection, device_id))

    async def get_device_for_share(self, connection: Connection, device_id: UUID) -> Device:
        """As `get_device`, for who gives something to the device: a revocation waits, and then finds what was given."""
        return self._known(await repository.find_device_for_share(connection, device_id))

    async def find_active_by_key(self, connection: Connection, person_id: UUID, key_thumbprint: str) -> UUID | None:
        """The person's active device that holds this key, if any."""
        return await repository.find_active_id(connection, key_thumbprint, person_id, self._clock.now())

    async def guards(self, connection: Connection, person_id: UUID) -> bool:
        """Whether an active device or a passkey of the person could confirm what is done on an unseen device.

        One that such a session reported lost counts until a wait is over, so that its owner can see the message.
        """
        now = self._clock.now()
        wait = timedelta(seconds=self._settings.further_device_wait_seconds)
        return await repository.has_guard(connection, person_id, now=now, lost_after=now - wait)

    async def list_devices(self, connection: Connection, person_id: UUID) -> list[DeviceView]:
        """Every device the person ever enrolled, oldest first."""
        return await self._views(connection, person_id, await repository.list_devices(connection, person_id))

    async def name_device(
        self, connection: Connection, principal: Principal, device_id: UUID, request: NameDevice
    ) -> DeviceView:
        """Calls the caller's own device something else, revoked or not; raises `DeviceUnknown`."""
        sealed = await self._subject_vault.seal(
            connection, principal.subject_id, NAME_PURPOSE, request.name.encode(), context=device_id.bytes
        )
        device = await repository.mark_named(connection, device_id, principal.subject_id, sealed)
        if device is None:
            raise DeviceUnknown
        await self._record(connection, principal.actor, "device.named", device, {})
        (view,) = await self._views(connection, principal.subject_id, [device])
        return view

    async def revoke(self, connection: Connection, principal: Principal, device_id: UUID) -> DeviceView:
        """Ends the caller's own device, and in the same transaction the sessions under its key and what it was given.

        Any fresh sign-in may, so that a lost phone ends quickly. Raises `StepUpRequired`, and `DeviceUnknown` when it
        is not theirs or has ended before.
        """
        now = self._clock.now()
        self._require_fresh(principal, now)
        known = await self._people.is_known_to(connection, principal)
        reason = "revoked_by_owner" if known else "reported_lost"
        device = await repository.mark_revoked(connection, device_id, principal.subject_id, now=now, reason=reason)
        if device is None:
            raise DeviceUnknown
        await self._sessions.end_sessions_of_device(
            connection, principal.subject_id, device_id=device.id, jkt=device.thumbprint, actor=principal.actor
        )
        for listener in self._listeners:
            await listener.device_revoked(connection, device.id, now)
        await self._messages.write(connection, principal.subject_id, "device_revoked", now)
        await self._record(connection, principal.actor, "device.revoked", device, {"reason": reason})
        await notify(connection, CHANNEL, str(device.id))
        (view,) = await self._views(connection, principal.subject_id, [device])
        return view

    async def find_waiting(
        self, connection: Connection, person_id: UUID, device_id: UUID | None
    ) -> StoredDevice | None:
        """This device of the person's while its wait is not over."""
        devices = await repository.list_devices(connection, person_id) if device_id is not None else []
        now = self._clock.now()
        return next((one for one in devices if one.id == device_id and one.state(now) == "waiting"), None)

    async def activate(self, connection: Connection, device: StoredDevice, *, actor: str) -> None:
        """For a counter, where the person stands with the phone in hand: the device waits no longer; they are told."""
        await repository.mark_active(connection, device.id, self._clock.now())
        await self._messages.write(connection, device.person_id, "device_confirmed_at_counter", self._clock.now())
        await self._record(connection, actor, "device.confirmed_at_counter", device, {})

    async def end_devices_of(self, connection: Connection, person_id: UUID, *, actor: str, reason: str) -> int:
        """Ends every device of a person whose account ends, with what each was given; how many. Tells nobody."""
        now = self._clock.now()
        ended = await repository.mark_all_revoked(connection, person_id, now=now, reason=reason)
        for device in ended:
            for listener in self._listeners:
                await listener.device_revoked(connection, device.id, now)
            await self._record(connection, actor, "device.revoked", device, {"reason": reason})
            await notify(connection, CHANNEL, str(device.id))
        return len(ended)

    async def end_waiting_devices_of(self, connection: Connection, person_id: UUID, *, actor: str, reason: str) -> int:
        """Ends the devices that still wait for their time: whoever froze the account may not know them; how many."""
        now = self._clock.now()
        ended = await repository.mark_waiting_revoked(connection, person_id, now=now, reason=reason)
        for device in ended:
            await self._record(connection, actor, "device.revoked", device, {"reason": reason})
            await notify(connection, CHANNEL, str(device.id))
        return len(ended)

    def _require_fresh(self, principal: Principal, now: datetime) -> None:
        shortfall = find_shortfall(principal, aal=ONE_TIME_CODE, within_seconds=self._settings.step_up_seconds, now=now)
        if shortfall is not None:
            raise shortfall

    async def _proved_key(
        self, connection: Connection, principal: Principal, request: EnrollDevice
    ) -> tuple[bytes, str]:
        try:
            key = public_key_of(request.public_key)
            claims = verify_proof(request.proof, key, typ=PROOF_TYPE)
        except ProofInvalid:
            raise DeviceProofInvalid from None
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not nonce.isascii() or claims.get("aud") != self._settings.issuer:
            raise DeviceProofInvalid
        if not await repository.delete_challenge(connection, _hash(nonce), principal.session_id, self._clock.now()):
            raise DeviceProofInvalid
        return point_of(key), thumbprint(key)

    async def _new_device(
        self,
        connection: Connection,
        principal: Principal,
        name: str,
        point: bytes,
        key_thumbprint: str,
        *,
        first: bool,
        now: datetime,
    ) -> StoredDevice:
        device_id = new_id()
        wait = timedelta(seconds=0 if first else self._settings.further_device_wait_seconds)
        return StoredDevice(
            id=device_id,
            person_id=principal.subject_id,
            name_sealed=await self._subject_vault.seal(
                connection, principal.subject_id, NAME_PURPOSE, name.encode(), context=device_id.bytes
            ),
            public_key=point,
            thumbprint=key_thumbprint,
            enrolled_at=now,
            active_from=now + wait,
        )

    def _known(self, device: StoredDevice | None) -> Device:
        if device is None:
            raise DeviceUnknown
        return Device(
            id=device.id,
            person_id=device.person_id,
            public_key=key_of_point(device.public_key),
            state=device.state(self._clock.now()),
        )

    async def _views(
        self, connection: Connection, person_id: UUID, devices: Sequence[StoredDevice]
    ) -> list[DeviceView]:
        key_sealed, now = await self._subject_vault.find_key(connection, person_id), self._clock.now()
        used = await repository.list_last_used(connection, person_id)
        return [
            DeviceView(
                id=device.id,
                name=self._subject_vault.open_with(
                    key_sealed, person_id, NAME_PURPOSE, device.name_sealed, context=device.id.bytes
                ).decode(),
                state=device.state(now),
                thumbprint=device.thumbprint,
                enrolled_at=device.enrolled_at,
                active_from=device.active_from,
                last_used_at=used.get(device.id),
                revoked_at=device.revoked_at,
            )
            for device in devices
        ]

    async def _record(
        self, connection: Connection, actor: str, action: str, device: StoredDevice, detail: dict[str, str | bool]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{device.person_id}",
            detail={"device_id": str(device.id), **detail},
        )


def _hash(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode("utf-8", "replace")).digest()
