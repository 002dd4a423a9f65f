"""Enrols scanners and ends their registration. A device proves that it holds its key; the key never changes hands."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from app.kit.keyring import PROFILE_ES256
from app.kit.listing import cut
from auth.keys import ProofInvalid, is_numeric_date, point_of, public_key_of, thumbprint, verify_proof
from auth.organizations.errors import OrganizationNotActive
from auth.principal import Principal
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario
from codes.venues.scanners import repository
from codes.venues.scanners.directory import CHANNEL
from codes.venues.scanners.errors import (
    ScannerKeyInUse,
    ScannerProofInvalid,
    ScannerScenariosInvalid,
    ScannersOfAnotherOrganization,
    ScannerTermsInvalid,
)
from codes.venues.scanners.models import (
    EnrolledScanner,
    EnrolScanner,
    EnrolTerms,
    ScannerList,
    ScannerView,
    Terms,
    view_of,
)

PROOF_TYPE: Final = "suishen-scanner+jwt"
PROOF_LIVES: Final = timedelta(minutes=10)
"""Long enough to carry the proof from the device to an official's desk."""
PROOF_SKEW: Final = timedelta(seconds=30)


class Scanners:
    """The registry of scanners. Every change is in the audit log and known to all workers after the commit.

    A scanner administrator is in charge of their own organization's, a system administrator of everybody's; all others
    get `ScannersOfAnotherOrganization`.
    """

    def __init__(self, organizations: FindsOrganizations, scenarios: Scenarios, clock: Clock, origin: str) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._clock = clock
        self._origin = origin

    async def enrol(self, connection: Connection, principal: Principal, request: EnrolScanner) -> ScannerView:
        """Enrols a device at a site of an active organization.

        Raises `ScannerProofInvalid`, `ScannerScenariosInvalid`, `ScannerTermsInvalid`, `ScannerKeyInUse`,
        `OrganizationNotActive`, and what the organizations say.
        """
        require_in_charge(principal, request.organization_id)
        self._require_known(request.scenarios)
        key = self._proved_key(request)
        organization = await self._organizations.get_organization(connection, request.organization_id)
        if organization.status != "active":
            raise OrganizationNotActive
        now = self._clock.now()
        site_id = await repository.insert_site(connection, new_id(), organization.id, request.site, now)
        scanner = EnrolledScanner(
            id=new_id(),
            organization_id=organization.id,
            site_id=site_id,
            site_name=request.site.name,
            site_address=request.site.address,
            device_name=request.device_name,
            scenarios=sorted(request.scenarios),
            terms=self._terms(request),
            public_key=point_of(key),
            state="active",
            enrolled_at=now,
        )
        if not await repository.insert_scanner(connection, scanner, thumbprint=thumbprint(key), profile=PROFILE_ES256):
            raise ScannerKeyInUse
        detail = {"scenarios": list(scanner.scenarios), "terms": msgspec.to_builtins(scanner.terms)}
        await self._record(connection, principal, "scanner.enrolled", scanner.id, detail)
        return view_of(scanner)

    async def describe(self, connection: Connection, scanner_id: UUID) -> ScannerView:
        """The registration in whatever state; raises `ScannerUnknown`."""
        return view_of(await repository.get_scanner(connection, scanner_id))

    async def revoke(self, connection: Connection, principal: Principal, scanner_id: UUID) -> ScannerView:
        """Ends the registration, within a second everywhere; once ended it stays so. Raises `ScannerUnknown`."""
        scanner = await repository.get_scanner(connection, scanner_id)
        require_in_charge(principal, scanner.organization_id)
        if await repository.mark_revoked(connection, scanner_id, self._clock.now()):
            await self._record(connection, principal, "scanner.revoked", scanner_id, {})
        return await self.describe(connection, scanner_id)

    async def list_page(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: UUID | None, limit: int
    ) -> ScannerList:
        """A page of an organization's scanners."""
        require_in_charge(principal, organization_id)
        rows = await repository.list_scanners(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        return ScannerList(items=[view_of(row) for row in page], next=following)

    def _require_known(self, numbers: list[int]) -> None:
        if len(set(numbers)) != len(numbers) or any(self._scenarios.find(number) is None for number in numbers):
            raise ScannerScenariosInvalid

    def _terms(self, request: EnrolScanner) -> list[Terms]:
        asked = {terms.scenario: terms for terms in request.terms}
        if len(asked) != len(request.terms) or not asked.keys() <= set(request.scenarios):
            raise ScannerTermsInvalid
        return [_terms_of(self._scenarios.get(number), asked.get(number)) for number in sorted(request.scenarios)]

    def _proved_key(self, request: EnrolScanner) -> EllipticCurvePublicKey:
        try:
            key = public_key_of(request.public_key)
            claims = verify_proof(request.proof, key, typ=PROOF_TYPE)
        except ProofInvalid:
            raise ScannerProofInvalid from None
        meant_for = claims.get("aud") == self._origin and claims.get("organization_id") == str(request.organization_id)
        if not meant_for or not self._is_recent(claims.get("iat")):
            raise ScannerProofInvalid
        return key

    def _is_recent(self, issued_at: object) -> bool:
        if not is_numeric_date(issued_at):
            return False
        age = self._clock.now().timestamp() - issued_at
        return -PROOF_SKEW.total_seconds() <= age <= PROOF_LIVES.total_seconds()

    async def _record(
        self, connection: Connection, principal: Principal, action: str, scanner_id: UUID, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"scanner:{scanner_id}",
            detail=detail,
        )
        await notify(connection, CHANNEL, str(scanner_id))


def _terms_of(scenario: Scenario, asked: EnrolTerms | None) -> Terms:
    own = list(scenario.discloses)
    attributes = own if asked is None or asked.attributes is None else list(asked.attributes)
    if not set(attributes) <= set(own):
        raise ScannerTermsInvalid
    basis = None if asked is None else asked.basis
    return Terms(
        scenario=scenario.number,
        attributes=sorted(set(attributes)),
        basis_kind=scenario.basis_kind,
        basis=basis or scenario.legal_basis.zh,
    )


def require_in_charge(principal: Principal, organization_id: UUID) -> None:
    """Lets pass the organization's own and system administrators; raises `ScannersOfAnotherOrganization`."""
    if "system_admin" not in principal.roles and principal.organization_id != organization_id:
        raise ScannersOfAnotherOrganization
