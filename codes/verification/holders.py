"""Who stands behind a code, whether they still do, and the attributes that a scan may learn of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.database import Connection
from app.kit.vault import Vault
from auth.attributes import PERSON
from auth.pairwise import pairwise_id
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.models import Scenario
from codes.verdict import Reason
from codes.verification.ports import FindsEntitlements, FindsPeople, Holder, KnownPerson, KnowsFreezes, KnowsMandates

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
        freezes: KnowsFreezes | None = None,
        mandates: KnowsMandates | None = None,
    ) -> None:
        self._people = people
        self._organizations = organizations
        self._vault = vault
        self._entitlements = entitlements
        self._freezes = freezes
        self._mandates = mandates

    async def standing(self, connection: Connection, holder: Holder, scenario: Scenario, now: datetime) -> Reason:
        """OK, or why this holder's code does not count here: closed, frozen, no longer spoken for, not known enough."""
        if holder.subject_type == "organization":
            organization = await self._organizations.get_organization(connection, holder.subject_id)
            return ORGANIZATION_STANDING.get(organization.status, Reason.REVOKED)
        person = await self._people.get_person(connection, holder.subject_id)
        ended = None
        if person.status == "active":
            ended = await self._frozen(connection, holder, now)
            ended = ended or await self._mandate_ended(connection, holder, scenario.number)
        return worth_of(person, scenario, ended)

    async def list_standings(
        self, connection: Connection, asked: Sequence[tuple[Holder, Scenario]]
    ) -> list[Reason | None]:
        """The same for several people in one round trip; None for whom one look does not tell."""
        people = await self._people.find_people(connection, {holder.subject_id for holder, _scenario in asked})
        return [_standing_among(people, holder, scenario) for holder, scenario in asked]

    async def disclose(
        self, connection: Connection, holder: Holder, attributes: frozenset[str], *, scenario: int, asked_by: UUID
    ) -> dict[str, Any]:
        """The allowed attributes that are known. `openid` is the asking organization's own name for the holder."""
        if holder.subject_type == "organization":
            return await self._of_organization(connection, holder.subject_id, attributes)
        disclosed: dict[str, Any] = {}
        if attributes & PERSON:
            disclosed |= await self._people.disclose(connection, holder.subject_id, attributes & PERSON)
        if "openid" in attributes:
            disclosed["openid"] = pairwise_id(self._vault, str(asked_by), holder.subject_id)
        if "entitlements" in attributes and self._entitlements is not None:
            disclosed["entitlements"] = await self._entitlements.list_entitlements(
                connection, holder.subject_id, scenario
            )
        return disclosed

    async def _frozen(self, connection: Connection, holder: Holder, now: datetime) -> Reason | None:
        if holder.frozen is not None:
            return Reason.SUSPENDED if holder.frozen else None
        for person_id in (holder.subject_id, holder.guardian_id):
            if self._freezes is None or person_id is None:
                continue
            if frozen := await self._freezes.reason(connection, person_id, now):
                return frozen
        return None

    async def _mandate_ended(self, connection: Connection, holder: Holder, scenario: int) -> Reason | None:
        """A mandate that nobody can look up counts as ended."""
        if holder.mandate_id is None and holder.guardian_id is None:
            return None
        return Reason.REVOKED if self._mandates is None else await self._mandates.reason(connection, holder, scenario)

    async def _of_organization(
        self, connection: Connection, organization_id: UUID, attributes: frozenset[str]
    ) -> dict[str, Any]:
        organization = await self._organizations.get_organization(connection, organization_id)
        name = organization.name
        known = {"organization_name": name, "credit_code": organization.credit_code, "display_name": name}
        return {name: value for name, value in known.items() if name in attributes}


def worth_of(person: KnownPerson, scenario: Scenario, ended: Reason | None) -> Reason:
    """OK, or why a person's code does not count here; `ended` is what freezes and mandates say. Pure."""
    if person.status != "active":
        return Reason.REVOKED
    if ended is not None:
        return ended
    return Reason.OK if person.identity_level >= scenario.min_identity_level else Reason.HOLDER_CHECK_REQUIRED


def _standing_among(people: Mapping[UUID, KnownPerson], holder: Holder, scenario: Scenario) -> Reason | None:
    """A guardian's mandate is looked up alone, and so is whoever nobody has looked up for freezes."""
    person = people.get(holder.subject_id)
    by_themself = holder.guardian_id is None and holder.mandate_id is None
    if person is None or not by_themself or holder.frozen is None:
        return None
    return worth_of(person, scenario, Reason.SUSPENDED if holder.frozen else None)
