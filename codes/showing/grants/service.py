"""Gives a phone its grants, and takes them back. The showing of a code then asks nobody."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.keyring import Keyring
from auth.devices.models import Device
from auth.errors import IdentityLevelTooLow
from auth.keys import ProofInvalid, PublicJwk, public_key_of, thumbprint, verify_proof
from auth.principal import Principal
from codes.acting import ActLog
from codes.envelope.claims import Claims, Kind
from codes.envelope.presentation import encode_grant
from codes.errors import (
    CodesFrozen,
    DeviceNotReady,
    GrantRequestInvalid,
    GrantRequestReused,
    GrantsExhausted,
    NotTheGuardian,
)
from codes.keys import signer_of
from codes.settings import CodesSettings
from codes.showing.grants import repository
from codes.showing.grants.models import (
    GRANTS_PER_BATCH,
    JITTER,
    REFILL_AFTER,
    REQUEST_TYPE,
    Bearer,
    GrantBatch,
    GrantRequestClaims,
    GrantsView,
    GrantView,
    IssueGrants,
    NewBatch,
    RevocationView,
    RevokeCodes,
    day_of,
    expiry_of,
    is_recent,
)
from codes.showing.grants.pointers import Pointers
from codes.showing.grants.ports import FindsDevices, FindsGuardians, FindsPeople
from codes.status.service import Statuses
from codes.verification.ports import EndsCodes

KEY_PURPOSE = "grant"
EXPIRED_STAY = timedelta(days=4)
"""Logs of offline scans come up to three days late, and still find their holders."""


class Grants:
    """Issues and revokes grants. Guaranteed: no two grants share a key, a pointer or a place in a status list."""

    def __init__(
        self,
        *,
        devices: FindsDevices,
        people: FindsPeople,
        statuses: Statuses,
        pointers: Pointers,
        keyring: Keyring,
        clock: Clock,
        settings: CodesSettings,
        guardians: FindsGuardians | None = None,
        other_codes: Sequence[EndsCodes] = (),
        acts: ActLog | None = None,
    ) -> None:
        self._devices = devices
        self._people = people
        self._statuses = statuses
        self._pointers = pointers
        self._keyring = keyring
        self._clock = clock
        self._settings = settings
        self._guardians = guardians
        self._other_codes = other_codes
        self._acts = acts or ActLog()

    async def issue(self, connection: Connection, principal: Principal, request: IssueGrants) -> GrantsView:
        """Eight grants for eight fresh keys of the caller's own active device, for the caller or for a child of theirs.

        Raises `DeviceNotReady`, `IdentityLevelTooLow`, `GrantRequestInvalid`, `NotTheGuardian`, `CodesFrozen`,
        `GrantRequestReused`, `GrantsExhausted`. Of two calls at once with the same request exactly one succeeds. A
        revocation of the device, the end of a guardianship and a freeze wait for the caller's transaction, and then
        void these grants too.
        """
        now = self._clock.now()
        device = await self._ready_device(connection, principal, request)
        await self._require_worth(connection, principal, device)
        claims = self._verified_claims(request, device, now)
        keys = fresh_keys(claims, device)
        bearer = await self._find_bearer(connection, principal, request)
        number = await self._open_batch(connection, device, bearer, claims.jti, now)
        await self._note(connection, bearer, now)
        return self._sign(number, bearer, keys, now)

    async def revoke(self, connection: Connection, principal: Principal, request: RevokeCodes) -> RevocationView:
        """Voids what was given to one device of the caller's, or everything. Raises `DeviceNotReady` for a foreign one.

        Everything: also the codes that the caller shows for children, and those that guardians show for the caller.
        """
        now = self._clock.now()
        if request.device_id is None:
            count, others = await self.end_person(connection, principal.subject_id, now)
        else:
            device = await self._devices.get_device(connection, request.device_id)
            if device.person_id != principal.subject_id:
                raise DeviceNotReady
            count, others = await self._end_device(connection, request.device_id, now)
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="codes.revoked",
            subject=principal.subject,
            detail={
                "device_id": None if request.device_id is None else str(request.device_id),
                "grants": count,
                "other_codes": others,
            },
        )
        return RevocationView(grants=count, other_codes=others, revoked_at=now)

    async def device_revoked(self, connection: Connection, device_id: UUID, now: datetime) -> None:
        """Voids what was given to a device, in the transaction that revokes it (port of `auth.devices`)."""
        await self._end_device(connection, device_id, now)

    async def mandate_ended(self, connection: Connection, mandate_id: UUID, now: datetime) -> None:
        """Voids what was given by a mandate, in the transaction that ends it (port of `auth.mandates`)."""
        await self._void(connection, await repository.mark_mandate_revoked(connection, mandate_id, now), now)

    async def end_person(self, connection: Connection, person_id: UUID, now: datetime) -> tuple[int, int]:
        """Voids everything of a person's, and what they show for children; how many grants, and how many others."""
        batches = await repository.mark_person_revoked(connection, person_id, now)
        await self._void(connection, batches, now)
        others = [await codes.end_codes(connection, person_id, now) for codes in self._other_codes]
        return sum(batch.grants for batch in batches), sum(others)

    async def suspend_codes(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Takes a person's grants out, and those that they show for children, until `restore_codes`.

        The caller has locked the person, so that none is being issued meanwhile.
        """
        for batch in await repository.list_living(connection, person_id, now):
            places = self._statuses.pointers_of_batch(batch.number, batch.grants)
            await self._statuses.suspend(connection, places, expires_at=batch.expires_at, now=now)

    async def restore_codes(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Makes those grants valid again on which no other freeze lies; what was voided meanwhile stays void."""
        for batch in await repository.list_unfrozen(connection, person_id, now):
            for place in self._statuses.pointers_of_batch(batch.number, batch.grants):
                await self._statuses.restore(connection, place)

    async def forget_expired(self, connection: Connection) -> None:
        """Forgets batches that ended, once no signed request of theirs could be sent again; a periodic job."""
        await repository.delete_expired(connection, self._clock.now() - EXPIRED_STAY)

    async def _ready_device(self, connection: Connection, principal: Principal, request: IssueGrants) -> Device:
        device_id = request.device_id or principal.device_id
        if device_id is None:
            raise DeviceNotReady
        device = await self._devices.get_device_for_share(connection, device_id)
        if device.person_id != principal.subject_id or device.state != "active":
            raise DeviceNotReady
        return device

    async def _require_worth(self, connection: Connection, principal: Principal, device: Device) -> None:
        """The session belongs to the device, or is as good as the person: a number alone shows nobody's codes."""
        if principal.device_id == device.id:
            return
        person = await self._people.get_person(connection, principal.subject_id)
        if principal.ial < person.identity_level:
            raise IdentityLevelTooLow(required_ial=person.identity_level, ial=principal.ial)

    async def _find_bearer(self, connection: Connection, principal: Principal, request: IssueGrants) -> Bearer:
        """The caller, or the person for whom they may show codes."""
        child_id = request.on_behalf_of
        if child_id is None:
            return Bearer(person_id=principal.subject_id)
        mandate = None
        if self._guardians is not None:
            mandate = await self._guardians.find_guardianship(connection, principal.subject_id, child_id)
        if mandate is None:
            raise NotTheGuardian
        return Bearer(
            person_id=child_id,
            kind=Kind.F,
            guardian_id=principal.subject_id,
            mandate_id=mandate.id,
            until=mandate.ends_at,
        )

    async def _note(self, connection: Connection, bearer: Bearer, now: datetime) -> None:
        if bearer.guardian_id is not None and bearer.mandate_id is not None:
            await self._acts.note_for_person(
                connection,
                person_id=bearer.person_id,
                agent_id=bearer.guardian_id,
                mandate_id=bearer.mandate_id,
                kind="codes_fetched",
                now=now,
            )

    def _verified_claims(self, request: IssueGrants, device: Device, now: datetime) -> GrantRequestClaims:
        try:
            unverified_claims = verify_proof(request.request, device.public_key, typ=REQUEST_TYPE)
            claims = msgspec.convert(unverified_claims, GrantRequestClaims)
        except (ProofInvalid, msgspec.ValidationError):
            raise GrantRequestInvalid from None
        if claims.iss != device.id or claims.aud != self._settings.origin or not is_recent(claims.iat, now):
            raise GrantRequestInvalid
        if claims.sub != request.on_behalf_of:
            raise GrantRequestInvalid
        return claims

    async def _open_batch(self, connection: Connection, device: Device, bearer: Bearer, jti: str, now: datetime) -> int:
        batch = NewBatch(
            device_id=device.id,
            bearer=bearer,
            day=day_of(now, self._settings.city_offset),
            request_jti=jti,
            profile=self._keyring.active(KEY_PURPOSE).profile,
            issued_at=now,
            expires_at=now + bearer.life(now),
        )
        await repository.share_people(connection, bearer.people)
        number = await repository.insert_batch(connection, batch)
        if number is None:
            raise await self._why_not(connection, batch)
        return number

    async def _why_not(self, connection: Connection, batch: NewBatch) -> SuishenError:
        if await repository.has_freeze(connection, batch.bearer.people):
            return CodesFrozen()
        if await repository.has_request(connection, batch.device_id, batch.request_jti):
            return GrantRequestReused()
        return GrantsExhausted()

    def _sign(self, number: int, bearer: Bearer, keys: Sequence[EllipticCurvePublicKey], now: datetime) -> GrantsView:
        signer = signer_of(self._keyring.active(KEY_PURPOSE))
        environment = self._settings.code_format.environment
        places = self._statuses.pointers_of_batch(number, GRANTS_PER_BATCH)
        views: list[GrantView] = []
        for key, cti, place in zip(keys, self._pointers.seal(number, GRANTS_PER_BATCH), places, strict=True):
            jitter = secrets.randbelow(int(JITTER.total_seconds()) + 1)
            expires_at = expiry_of(now, jitter, bearer.life(now))
            claims = Claims(
                expires_at=int(expires_at.timestamp()),
                cti=cti,
                shard=place.shard,
                index=place.index,
                kind=bearer.kind,
                device_key=key,
            )
            grant = encode_grant(claims, signer, environment)
            views.append(GrantView(grant=base64url(grant.data), expires_at=expires_at))
        return GrantsView(grants=views, issued_at=now, refill_after=now + REFILL_AFTER)

    async def _end_device(self, connection: Connection, device_id: UUID, now: datetime) -> tuple[int, int]:
        batches = await repository.mark_device_revoked(connection, device_id, now)
        await self._void(connection, batches, now)
        others = [await codes.end_codes_of_device(connection, device_id, now) for codes in self._other_codes]
        return sum(batch.grants for batch in batches), sum(others)

    async def _void(self, connection: Connection, batches: Sequence[GrantBatch], now: datetime) -> None:
        for batch in batches:
            pointers = self._statuses.pointers_of_batch(batch.number, batch.grants)
            await self._statuses.revoke(connection, pointers, expires_at=batch.expires_at, now=now)


def fresh_keys(claims: GrantRequestClaims, device: Device) -> list[EllipticCurvePublicKey]:
    """The eight keys of a request, all different and none the device's own; raises `GrantRequestInvalid`."""
    try:
        keys = [public_key_of(msgspec.convert(jwk, PublicJwk)) for jwk in claims.keys]
    except (ProofInvalid, msgspec.ValidationError):
        raise GrantRequestInvalid from None
    if len({thumbprint(key) for key in [*keys, device.public_key]}) != GRANTS_PER_BATCH + 1:
        raise GrantRequestInvalid
    return keys


def base64url(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
