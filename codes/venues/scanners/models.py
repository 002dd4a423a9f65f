"""Scanners: organization → site → device. What a device may ask, and learn, is what it was enrolled for and no more."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from auth.keys import PublicJwk
from codes.lines import ONE_LINE
from codes.scenarios.models import Attribute, BasisKind, Scenario
from codes.verdict import Reason

State: TypeAlias = Literal["active", "revoked"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=ONE_LINE)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=ONE_LINE)]
Basis = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=ONE_LINE)]


class Site(Request):
    """Where the device stands. Two enrolments of one organization with the same name share the site."""

    name: Name
    address: Address


class EnrolTerms(Request):
    """Less than a scenario allows, or another ground than it names; what is left out is the scenario's own."""

    scenario: int
    attributes: Annotated[list[Attribute], msgspec.Meta(max_length=20)] | None = None
    basis: Basis | None = None


class EnrolScanner(Request):
    """What an official enters; key and proof come from the device."""

    organization_id: UUID
    site: Site
    device_name: Name
    scenarios: Annotated[list[int], msgspec.Meta(min_length=1, max_length=100)]
    public_key: PublicJwk
    proof: Annotated[str, msgspec.Meta(max_length=4096)]
    terms: Annotated[list[EnrolTerms], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)


class Terms(Model):
    """What a device may learn in one scenario, and the ground that was cited when it was enrolled.

    Written down in full at enrolment: a catalogue that later discloses more gives this device no more.
    """

    scenario: int
    attributes: list[str]
    basis_kind: BasisKind
    basis: str

    def permit(self, scenario: Scenario) -> frozenset[str]:
        """What the registration lets this device learn. A ground of another kind than the scenario's carries nothing.

        Consent is the holder's to give at each scan, so there the registration need not have cited it.
        """
        grounded = scenario.basis_kind in ("consent", self.basis_kind)
        return frozenset(self.attributes) if grounded else frozenset()


class EnrolledScanner(Model):
    """A row: the device with its site, and who is on duty there."""

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
    terms: list[Terms] | None = None
    operator_id: UUID | None = None
    operator_until: datetime | None = None


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
    terms: dict[int, Terms] | None = None
    """None for a device of the time before terms: it learns what the scenario discloses."""
    operator_id: UUID | None = None
    operator_until: datetime | None = None

    @property
    def actor(self) -> str:
        """As it stands in the audit log."""
        return f"scanner:{self.id}"

    def refusal_of(self, scenario: int) -> Reason | None:
        """Why this scanner may not ask in `scenario`, or None when it may."""
        if self.state != "active":
            return Reason.SCANNER_NOT_REGISTERED
        return None if scenario in self.scenarios else Reason.SCANNER_NOT_ALLOWED

    def on_duty(self, now: datetime) -> UUID | None:
        """The operator who has signed on and whose shift has not ended, or None."""
        return self.operator_id if self.operator_until is not None and now < self.operator_until else None

    def permitted(self, scenario: Scenario) -> frozenset[str]:
        """What this device may learn in `scenario` at most."""
        if self.terms is None:
            return frozenset(scenario.discloses)
        terms = self.terms.get(scenario.number)
        return frozenset() if terms is None else terms.permit(scenario)


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
    terms: list[Terms] | None
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
