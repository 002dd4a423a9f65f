"""What a phone asks for and gets, and the rules of a grant's life. Pure."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.envelope.claims import Kind

GRANTS_PER_BATCH = 8
LONGEST_LIFE = timedelta(hours=24)
JITTER = timedelta(hours=4)
ROUNDING = timedelta(minutes=10)
REFILL_AFTER = timedelta(hours=12)
BATCHES_PER_DAY = 4
REQUEST_LIVES = timedelta(minutes=5)
REQUEST_SKEW = timedelta(seconds=30)
REQUEST_TYPE = "grant-request+jwt"


class IssueGrants(Request):
    """A call for one batch. `request` is a compact JWS by the enrolled device's key, header typ "grant-request+jwt".

    Its claims: `iss` (the device's id), `aud` (the public origin), `iat`, `jti`, and `keys`: 8 public JWKs that were
    never used before. For a child's code the guardian names the child in `on_behalf_of`, and the device signs the same
    id as `sub`.
    """

    request: Annotated[str, msgspec.Meta(max_length=4096)]
    device_id: UUID | None = None
    on_behalf_of: UUID | None = None


class GrantRequestClaims(Model):
    """The claims of the signed request, once its signature held."""

    iss: UUID
    aud: str
    iat: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    jti: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{16,64}(?![\s\S])")]
    keys: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=GRANTS_PER_BATCH, max_length=GRANTS_PER_BATCH)]
    sub: UUID | None = None


class GrantView(Model):
    """One grant for the key at the same place in the request: base64url of COSE_Sign1, untagged."""

    grant: str
    expires_at: datetime


class GrantsView(Model):
    """A batch. The phone asks for the next one at a random time after `refill_after`."""

    grants: list[GrantView]
    issued_at: datetime
    refill_after: datetime


class RevokeCodes(Request):
    """Voids what was given to one device, or everything: all devices, thin clients and paper."""

    device_id: UUID | None = None


class RevocationView(Model):
    """How many grants and other codes ended; whatever is shown of them is refused from now on."""

    grants: int
    other_codes: int
    revoked_at: datetime


class GrantBatch(Model):
    """A row: what was given to a device in one call."""

    number: int
    device_id: UUID
    person_id: UUID
    grants: int
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class Bearer(Model):
    """Of whom new grants speak, and until when at the latest; a guardian if another person's phone shows them."""

    person_id: UUID
    kind: Kind = Kind.P
    guardian_id: UUID | None = None
    mandate_id: UUID | None = None
    until: datetime | None = None

    @property
    def people(self) -> list[UUID]:
        """Whose freeze would stop these grants, in an order that is the same for everybody who locks them."""
        return sorted({self.person_id, self.guardian_id or self.person_id})

    def life(self, now: datetime) -> timedelta:
        """How long grants may live that begin now."""
        return LONGEST_LIFE if self.until is None else min(LONGEST_LIFE, self.until - now)


class NewBatch(Model):
    """A batch before it has a number."""

    device_id: UUID
    bearer: Bearer
    day: date
    request_jti: str
    profile: int
    issued_at: datetime
    expires_at: datetime


def expiry_of(issued_at: datetime, jitter_seconds: float, life: timedelta = LONGEST_LIFE) -> datetime:
    """When a grant ends: its life less the jitter, rounded down to 10 minutes, so that the end tells no one the start.

    The jitter is one of a whole life of 24 h; a shorter life has a shorter one in proportion.
    """
    end = (issued_at + life - timedelta(seconds=jitter_seconds) * (life / LONGEST_LIFE)).timestamp()
    step = ROUNDING.total_seconds()
    return datetime.fromtimestamp(end // step * step, issued_at.tzinfo)


def day_of(now: datetime, city_offset: timedelta) -> date:
    """The city's calendar day."""
    return (now + city_offset).date()


def is_recent(iat: int, now: datetime) -> bool:
    """Whether a signed request was made just now."""
    age = now.timestamp() - iat
    return -REQUEST_SKEW.total_seconds() <= age <= REQUEST_LIVES.total_seconds()
