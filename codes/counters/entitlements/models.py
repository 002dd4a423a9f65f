"""Who may name which entitlements, and who has one, by the issuer's own name for the holder. Pure."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request

LONGEST_DAYS: Final = 3 * 366

Namespace: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,30}(?![\s\S])")]
Name: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,30}(\.[a-z0-9_]{1,30}){1,3}(?![\s\S])", max_length=64)
]
Openid: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}(?![\s\S])")]
SomeScenarios: TypeAlias = Annotated[list[int], msgspec.Meta(min_length=1, max_length=100)]


class RegisterIssuer(Request):
    """An organization may name entitlements that begin with `namespace`, for these scenarios."""

    organization_id: UUID
    namespace: Namespace
    scenarios: SomeScenarios


class Issuer(Model):
    """A row: a namespace belongs to one organization as long as it is not ended."""

    id: UUID
    namespace: str
    organization_id: UUID
    scenarios: list[int]
    registered_at: datetime
    registered_by: UUID
    ended_at: datetime | None = None


class IssuerView(Model):
    """An issuer as administrators read it."""

    id: UUID
    namespace: str
    organization_id: UUID
    organization_name: str
    scenarios: list[int]
    registered_at: datetime
    ended_at: datetime | None


class IssuerList(Model):
    """Every issuer that is not ended, by namespace; `next` is always null, since there are few."""

    items: list[IssuerView]
    next: str | None = None


class AssignEntitlement(Request):
    """`openid` is the organization's own name for the holder, as it learned it from a scan or a sign-in.

    Without `scenarios`: all of the issuer's.
    """

    openid: Openid
    name: Name
    valid_days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)]
    scenarios: SomeScenarios | None = None

    @property
    def life(self) -> timedelta:
        """From its assignment to its end."""
        return timedelta(days=self.valid_days)


class Entitlement(Model):
    """A row. Whose it is only the issuer's openid says."""

    id: UUID
    issuer_id: UUID
    organization_id: UUID
    openid: str
    name: str
    scenarios: list[int]
    valid_from: datetime
    valid_until: datetime
    assigned_at: datetime
    assigned_by: UUID
    withdrawn_at: datetime | None = None


class EntitlementView(Model):
    """An entitlement as its issuer reads it."""

    id: UUID
    openid: str
    name: str
    scenarios: list[int]
    valid_until: datetime
    state: Literal["valid", "ended", "withdrawn"]


class EntitlementList(Model):
    """A page of entitlements, oldest first."""

    items: list[EntitlementView]
    next: UUID | None


class HeldEntitlement(Model):
    """An entitlement as its holder reads it."""

    name: str
    organization_name: str
    scenarios: list[int]
    valid_until: datetime


class HeldList(Model):
    """Everything that scans may say of the caller by name; `next` is always null, since it is little."""

    items: list[HeldEntitlement]
    next: str | None = None


def namespace_of(name: str) -> str:
    """The part before the first dot."""
    return name.partition(".")[0]


def state_of(entitlement: Entitlement, now: datetime) -> Literal["valid", "ended", "withdrawn"]:
    """What it is worth at `now`."""
    if entitlement.withdrawn_at is not None:
        return "withdrawn"
    return "valid" if entitlement.valid_from <= now < entitlement.valid_until else "ended"
