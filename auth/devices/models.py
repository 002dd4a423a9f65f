"""A device: a key in somebody's phone, which may sign codes for them once its waiting time is over."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.keys import PublicJwk

DeviceState = Literal["waiting", "active", "revoked"]


class StoredDevice(Model):
    """A row. `public_key` is an uncompressed P-256 point."""

    id: UUID
    person_id: UUID
    name_sealed: bytes
    public_key: bytes
    thumbprint: str
    enrolled_at: datetime
    active_from: datetime
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    def state(self, now: datetime) -> DeviceState:
        """What the device may do at `now`."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if now >= self.active_from else "waiting"


class Device(Model):
    """A device as other packages see it, at the moment they asked."""

    id: UUID
    person_id: UUID
    public_key: Any  # EllipticCurvePublicKey, which msgspec cannot name
    state: DeviceState


class EnrollDevice(Request):
    """A key and the proof that its private half is in the caller's hands.

    `proof` is a compact JWS by that key: header typ "device-proof+jwt", claims `nonce` (of a challenge) and `aud` (the
    issuer).
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    public_key: PublicJwk
    proof: Annotated[str, Meta(max_length=4096)]


class DeviceChallenge(Model):
    """A nonce, good once and only in the session that asked for it."""

    nonce: str
    audience: str
    expires_in_seconds: int


class NameDevice(Request):
    """What its owner calls it from now on."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]


class DeviceView(Model):
    """A device as its owner sees it. `last_used_at` is of the sessions that live on it; None when there are none."""

    id: UUID
    name: str
    state: DeviceState
    thumbprint: str
    enrolled_at: datetime
    active_from: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
