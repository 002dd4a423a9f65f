"""Who stands behind a code, whether they still do, and the attributes that a scan may learn of them."""

from typing import Any
from uuid import UUID

from app.kit.database import Connection
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from auth.people.service import ATTRIBUTES as PERSONAL_ATTRIBUTES
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.models import Scenario
from codes.verdict import Reason
from codes.verification.ports import FindsEntitlements, FindsPeople, Holder

ORGANIZATION_STANDING = {"active": Reason.OK, "suspended": Reason.SUSPENDED}


class Holders:
    """Asks identity, at the moment of the scan."""

    def __init__(
        self,
        *,
        people: FindsPeople,
        organizations: FindsOrganizations,
        vault: Vault,
        entitlements: FindsEntitlements | None = None,
    ) -> None:
        self._people = people
        self._organizations = organizations
        self._vault = vault
        self._entitlements = entitlements

    async def standing(self, connection: Connection, holder: Holder, scenario: Scenario) -> Reason:
        """OK, or why this holder's code does not count here: account or company closed, identity not checked enough."""
        if holder.subject_type == "organization":
            organization = await self._organizations.get_organization(connection, holder.subject_id)
            return ORGANIZATION_STANDING.get(organization.status, Reason.REVOKED)
        person = await self._people.get_person(connection, holder.subject_id)
        if person.status != "active":
            return Reason.REVOKED
        return Reason.OK if person.identity_level >= scenario.min_identity_level else Reason.HOLDER_CHECK_REQUIRED

    async def disclose(
        self, connection: Connection, holder: Holder, attributes: frozenset[str], *, scenario: int, asked_by: UUID
    ) -> dict[str, Any]:
        """The allowed attributes that are known. `openid` is the asking organization's own name for the holder."""
        if holder.subject_type == "organization":
            return await self._of_organization(connection, holder.subject_id, attributes)
        disclosed: dict[str, Any] = {}
        if attributes & PERSONAL_ATTRIBUTES:
            disclosed |= await self._people.disclose(connection, holder.subject_id, attributes & PERSONAL_ATTRIBUTES)
        if "openid" in attributes:
            disclosed["openid"] = pairwise_id(self._vault, str(asked_by), holder.subject_id)
        if "entitlements" in attributes and self._entitlements is not None:
            disclosed["entitlements"] = await self._entitlements.list_entitlements(
                connection, holder.subject_id, scenario
            )
        return disclosed

    async def _of_organization(
        self, connection: Connection, organization_id: UUID, attributes: frozenset[str]
    ) -> dict[str, Any]:
        organization = await self._organizations.get_organization(connection, organization_id)
        known = {"organization_name": organization.name, "credit_code": organization.credit_code}
        return {name: value for name, value in known.items() if name in attributes}
