"""Scanners: organization → site → device. What a device may ask is what it was enrolled for, and nothing else."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from auth.keys import PublicJwk
from codes.lines import ONE_LINE
from codes.verdict import Reason

State: TypeAlias = Literal["active", "revoked"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=ONE_LINE)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=ONE_LINE)]


class Site(Request):
    """Where the device stands. Two enrolments of one organization with the same name share the site."""

    name: Name
    address: Address


class EnrolScanner(Request):
    """What an official enters; key and proof come from the device."""

    organization_id: UUID
    site: Site
    device_name: Name
    scenarios: Annotated[list[int], msgspec.Meta(min_length=1, max_length=100)]
    public_key: PublicJwk
    proof: Annotated[str, msgspec.Meta(max_length=4096)]


class EnrolledScanner(Model):
    """A row: the device with its site."""

    id: UUID
    organization_id: UUID
    site_id: UUID
    site_name: str
    site_address: str
    device_name: str
    scenarios: list[int]
    public_key: bytes
    state: State
    enrolled_at: datetime
    revoked_at: datetime | None = None


class Scanner(Model):
    """Who scans, as a verified request shows it. Suspended: enrolled, by an organization that is not active now."""

    id: UUID
    organization_id: UUID
    organization_name: str
    site_id: UUID
    site_name: str
    device_name: str
    scenarios: frozenset[int]
    state: Literal["active", "suspended", "revoked"]

    @property
    def actor(self) -> str:
        """As it stands in the audit log."""
        return f"scanner:{self.id}"

    def refusal_of(self, scenario: int) -> Reason | None:
        """Why this scanner may not ask in `scenario`, or None when it may."""
        if self.state != "active":
            return Reason.SCANNER_NOT_REGISTERED
        return None if scenario in self.scenarios else Reason.SCANNER_NOT_ALLOWED


class KnownScanner(Model):
    """A scanner with the key that its signatures are checked against."""

    scanner: Scanner
    public_key: Any  # EllipticCurvePublicKey, which msgspec cannot name


class ScannerView(Model):
    """A scanner as officials and the device itself read it."""

    id: UUID
    organization_id: UUID
    site_id: UUID
    site_name: str
    site_address: str
    device_name: str
    scenarios: list[int]
    state: State
    enrolled_at: datetime
    revoked_at: datetime | None


class ScannerList(Model):
    """A page of scanners, oldest first."""

    items: list[ScannerView]
    next: UUID | None


def view_of(enrolled: EnrolledScanner) -> ScannerView:
    """The row without its key."""
    return msgspec.convert(enrolled, ScannerView, from_attributes=True)
