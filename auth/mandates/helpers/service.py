"""Badges of helpers and volunteers: appointing, finding, and taking one back with everything that stands on it."""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.mandates import repository as mandates
from auth.mandates.errors import BadgeUnknown, HelperUnknown, MandateRefused
from auth.mandates.helpers import repository
from auth.mandates.helpers.models import (
    BADGE_DIGITS,
    WEARS,
    AppointHelper,
    Helper,
    HelperList,
    HelperView,
)
from auth.mandates.models import MandateKind
from auth.mandates.parties import Parties
from auth.mandates.rules import Why
from auth.mandates.service import Mandates
from auth.people.service import People
from auth.principal import Principal

VOLUNTEER_DAYS: Final = 90
DRAWS: Final = 5


class Helpers:
    """The helpers of organizations."""

    def __init__(self, *, people: People, mandates: Mandates, parties: Parties, clock: Clock) -> None:
        self._people = people
        self._mandates = mandates
        self._parties = parties
        self._clock = clock

    async def appoint(
        self, connection: Connection, principal: Principal, request: AppointHelper
    ) -> HelperView | SuishenError:
        """A badge for somebody known here, or the refusal: an official's question is in the log.

        Appointing again changes nothing.
        """
        assert principal.organization_id is not None
        named = request.person
        person_id = await self._people.find_named(
            connection,
            name=named.name,
            document_type=named.document_type,
            document_number=named.document_number,
        )
        helper = None if person_id is None else await self._insert(connection, principal, request, person_id)
        if helper is None:
            await self._record(connection, principal, "helper.refused", f"organization:{principal.organization_id}")
            return HelperUnknown()
        await self._record(connection, principal, "helper.appointed", f"person:{person_id}")
        return await self._view(connection, helper)

    async def dismiss(self, connection: Connection, principal: Principal, helper_id: UUID) -> HelperView:
        """Takes the badge back, and ends what stands on it. Raises `BadgeUnknown`."""
        assert principal.organization_id is not None
        helper = await repository.mark_ended(connection, helper_id, principal.organization_id, self._clock.now())
        if helper is None:
            raise BadgeUnknown
        await self._end_mandates(connection, helper, actor=principal.actor)
        await self._record(connection, principal, "helper.dismissed", f"person:{helper.person_id}")
        return await self._view(connection, helper)

    async def list_helpers(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> HelperList:
        """The helpers of the official's organization."""
        assert principal.organization_id is not None
        rows = await repository.list_helpers(connection, principal.organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        return HelperList(items=[await self._view(connection, row) for row in page], next=following)

    async def find_by_badge(self, connection: Connection, badge: str, kind: MandateKind) -> Helper | None:
        """Who wears this badge now, and may be given a mandate of this kind."""
        return await repository.find_by_badge(connection, badge, WEARS[kind], self._clock.now())

    async def require_sponsored(
        self, connection: Connection, person_id: UUID, organization_id: UUID, kind: MandateKind
    ) -> None:
        """Raises `MandateRefused` unless this organization answers for this person now, and while the caller acts."""
        helper = await repository.find_living(connection, person_id, organization_id, WEARS[kind])
        if helper is None or helper.ends_at <= self._clock.now():
            raise MandateRefused(Why.NOT_SPONSORED)

    async def _insert(
        self, connection: Connection, principal: Principal, request: AppointHelper, person_id: UUID
    ) -> Helper | None:
        assert principal.organization_id is not None
        present = await repository.find_living(connection, person_id, principal.organization_id, request.kind)
        if present is not None:
            return present
        now = self._clock.now()
        days = min(request.days, VOLUNTEER_DAYS) if request.kind == "volunteer" else request.days
        for _ in range(DRAWS):
            helper = Helper(
                id=new_id(),
                badge=f"{secrets.randbelow(10**BADGE_DIGITS):0{BADGE_DIGITS}}",
                kind=request.kind,
                person_id=person_id,
                organization_id=principal.organization_id,
                appointed_at=now,
                ends_at=now + timedelta(days=days),
            )
            if await repository.insert_helper(connection, helper, principal.subject_id):
                return helper
        return None

    async def _end_mandates(self, connection: Connection, helper: Helper, *, actor: str) -> None:
        kinds = [kind for kind, badge in WEARS.items() if badge == helper.kind]
        for mandate in await mandates.list_of_sponsor(connection, helper.person_id, helper.organization_id, kinds):
            await self._mandates.end(connection, mandate, reason="helper_dismissed", actor=actor)

    async def _view(self, connection: Connection, helper: Helper) -> HelperView:
        return HelperView(
            id=helper.id,
            badge=helper.badge,
            kind=helper.kind,
            name=(await self._parties.name(connection, "person", helper.person_id)).name,
            appointed_at=helper.appointed_at,
            ends_at=helper.ends_at,
            ended_at=helper.ended_at,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, subject: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=subject,
            detail={"organization_id": str(principal.organization_id)},
        )
