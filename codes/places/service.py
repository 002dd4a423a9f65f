"""Registers places and things for an organization, and ends their stickers. What it refuses to do is to count visitors.

A sticker at a door names scenarios; what hangs there never asks for more than the scanners behind it may.
"""

import secrets
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.keyring import Keyring
from app.kit.listing import cut
from auth.errors import MandateTooNarrow, RoleMissing, WrongSubject
from auth.mandates.scopes import may_do_item
from auth.organizations.errors import OrganizationNotActive
from auth.principal import Principal
from codes.acting import ActLog
from codes.enterprise_ports import FindsOrganizations
from codes.envelope.claims import CTI_BYTES, Claims, Kind
from codes.envelope.static_code import encode_static_code
from codes.keys import signer_of
from codes.places import repository
from codes.places.errors import NobodyScansThere, PlaceScenariosInvalid, PlacesExhausted, PlaceUnknown
from codes.places.facts import PlaceFacts, encode_facts
from codes.places.models import Place, PlaceList, PlaceView, RegisterPlace, description_of, purpose_of, view_of
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario
from codes.status.service import Statuses
from codes.stickers.models import Description
from codes.trust.models import CodeFormat
from codes.venues.scanners.repository import insert_site

KEY_PURPOSE: Final = "enterprise_code"
KEEPER: Final = "scanner_admin"
ITEM: Final = "places"
MOST_VALID: Final = 20_000
"""More doors and lamp posts than one department keeps; a bound against a runaway client."""


class Places:
    """Stickers of organizations. Their own agents and their own scanner administrators register, read and end them."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        scenarios: Scenarios,
        statuses: Statuses,
        keyring: Keyring,
        clock: Clock,
        code_format: CodeFormat,
        acts: ActLog | None = None,
    ) -> None:
        self._acts = acts or ActLog()
        self._organizations = organizations
        self._scenarios = scenarios
        self._statuses = statuses
        self._keyring = keyring
        self._clock = clock
        self._code_format = code_format

    async def register(self, connection: Connection, principal: Principal, request: RegisterPlace) -> PlaceView:
        """A new sticker, good at once.

        Raises `PlaceScenariosInvalid`, `NobodyScansThere`, `OrganizationNotActive`, `PlacesExhausted`.
        """
        organization_id = keeper_of(principal)
        purpose = purpose_of(self._chosen(request))
        if purpose is None:
            raise PlaceScenariosInvalid
        now = self._clock.now()
        if (await self._organizations.get_organization(connection, organization_id)).status != "active":
            raise OrganizationNotActive
        if await repository.count_valid(connection, organization_id, now) >= MOST_VALID:
            raise PlacesExhausted
        site_id = await insert_site(connection, new_id(), organization_id, request.site, now)
        if purpose == "door" and not await repository.list_scanned_at(connection, site_id) >= set(request.scenarios):
            raise NobodyScansThere
        place = await self._make(connection, organization_id, site_id, request, now)
        profile = self._keyring.active(KEY_PURPOSE).profile
        await repository.insert_place(connection, place, profile=profile, issued_by=principal.actor)
        await self._record(connection, principal, "place.registered", place)
        return view_of(place)

    async def revoke(self, connection: Connection, principal: Principal, place_id: UUID) -> PlaceView:
        """Ends a sticker for good, on its page and at every verifier. Raises `PlaceUnknown`."""
        now = self._clock.now()
        place = await self.get(connection, principal, place_id)
        if await repository.mark_revoked(connection, place_id, now):
            await self._statuses.revoke(connection, [place.pointer], expires_at=place.expires_at, now=now)
            await self._record(connection, principal, "place.revoked", place)
        return view_of(await self.get(connection, principal, place_id))

    async def get(self, connection: Connection, principal: Principal, place_id: UUID) -> Place:
        """The organization's own sticker, in whatever state; raises `PlaceUnknown`."""
        place = await repository.find_place(connection, place_id, keeper_of(principal))
        if place is None:
            raise PlaceUnknown
        return place

    def scenarios_of(self, place: Place) -> list[Scenario]:
        """What a sticker is for; scenarios that have left the catalogue do not count."""
        return self._known(place.scenarios)

    async def list_page(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> PlaceList:
        """A page of the organization's stickers, whatever became of them."""
        rows = await repository.list_places(connection, keeper_of(principal), after, limit + 1)
        page, following = cut(rows, limit)
        return PlaceList(items=[view_of(row) for row in page], next=following)

    async def describe(self, connection: Connection, cti: bytes) -> Description | None:
        """What anybody may read of the sticker with this pointer."""
        place = await repository.find_place_by_cti(connection, cti)
        if place is None:
            return None
        organization = await self._organizations.get_organization(connection, place.organization_id)
        return description_of(place, organization, self._known(place.scenarios))

    def _chosen(self, request: RegisterPlace) -> list[Scenario]:
        known = self._known(request.scenarios)
        if len(known) != len(request.scenarios):
            raise PlaceScenariosInvalid
        return known

    def _known(self, numbers: list[int]) -> list[Scenario]:
        found = (self._scenarios.find(number) for number in numbers)
        return [scenario for scenario in found if scenario is not None]

    async def _make(
        self, connection: Connection, organization_id: UUID, site_id: UUID, request: RegisterPlace, now: datetime
    ) -> Place:
        expires_at = (now + request.life).replace(microsecond=0)
        pointer = await self._statuses.draw(connection)
        facts = PlaceFacts(site_id=site_id, scenarios=tuple(request.scenarios))
        claims = Claims(
            expires_at=int(expires_at.timestamp()),
            cti=secrets.token_bytes(CTI_BYTES),
            shard=pointer.shard,
            index=pointer.index,
            kind=Kind.V,
            facts=encode_facts(facts),
        )
        signer = signer_of(self._keyring.active(KEY_PURPOSE))
        return Place(
            id=new_id(),
            organization_id=organization_id,
            site_id=site_id,
            site_name=request.site.name,
            site_address=request.site.address,
            label=request.label,
            number=await repository.draw_number(connection),
            scenarios=request.scenarios,
            cti=claims.cti,
            shard=claims.shard,
            index=claims.index,
            carrier=encode_static_code(claims, signer, self._code_format.environment, self._code_format.host),
            state="active",
            issued_at=now,
            expires_at=expires_at,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, place: Place) -> None:
        detail: dict[str, Any] = {"place": str(place.id)}
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{place.organization_id}",
            detail=detail,
        )
        kind = action.replace(".", "_")
        await self._acts.note(connection, principal, kind, self._clock.now(), place_id=str(place.id))


def keeper_of(principal: Principal) -> UUID:
    """The organization whose stickers the caller keeps; raises `WrongSubject`, `MandateTooNarrow`, `RoleMissing`."""
    if principal.subject_type == "organization":
        if not may_do_item(principal.scopes, ITEM):
            raise MandateTooNarrow(item=ITEM)
        return principal.subject_id
    if principal.subject_type != "official" or principal.organization_id is None:
        raise WrongSubject
    if KEEPER not in principal.roles:
        raise RoleMissing(needed=[KEEPER])
    return principal.organization_id
