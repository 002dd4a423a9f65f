"""Offering a mandate and taking it: nobody becomes an agent without their own yes, nobody learns who exists here.

The rules are asked twice, when it is offered and when it is taken: a parent may have ended in between.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from auth.attempts import Limit, spend_attempt
from auth.mandates import repository as mandates
from auth.mandates.engine import MandateEngine
from auth.mandates.errors import MandateRefused, OfferUnknown
from auth.mandates.helpers.service import Helpers
from auth.mandates.models import Mandate
from auth.mandates.offers import repository
from auth.mandates.offers.agents import Agents
from auth.mandates.offers.models import (
    BESIDE,
    STANDS,
    STANDS_BESIDE,
    Asked,
    Decision,
    Draft,
    Offer,
    OfferList,
    OfferMandate,
    OfferStaffMandate,
    OfferState,
    OfferView,
)
from auth.mandates.parties import Parties
from auth.mandates.rules import Act, Why, narrow, root
from auth.mandates.service import Mandates
from auth.messages.service import Messages
from auth.principal import Principal
from auth.settings import DAY_SECONDS

PASS_ON: Final = Act(kind="mandate")
LIMIT: Final = Limit(kind="mandate_offer", most=50, window_seconds=DAY_SECONDS)
FORGOTTEN_AFTER: Final = timedelta(days=30)
ROLES: Final = {"administrator": "管理员", "agent": "经办人"}


class Offers:
    """Offers, and what becomes of them."""

    def __init__(
        self,
        *,
        mandates: Mandates,
        engine: MandateEngine,
        agents: Agents,
        helpers: Helpers,
        parties: Parties,
        messages: Messages,
        clock: Clock,
    ) -> None:
        self._mandates = mandates
        self._engine = engine
        self._agents = agents
        self._helpers = helpers
        self._parties = parties
        self._messages = messages
        self._clock = clock

    async def offer_staff(
        self, connection: Connection, principal: Principal, request: OfferStaffMandate
    ) -> OfferView | RateLimited:
        """An offer in the organization's name, under the mandate of the caller's session. Raises `MandateRefused`."""
        draft = Draft(
            principal_type="organization",
            principal_id=principal.subject_id,
            kind=request.kind,
            role=request.role or ROLES[request.kind],
            scope=request.scope.as_scope(),
            lasts_seconds=request.lasts_seconds,
            may_delegate=request.may_delegate,
            parent_id=principal.mandate_id,
            agent=await self._agents.find_or_index(connection, request.agent),
        )
        return await self._offer(connection, principal, draft)

    async def offer(
        self, connection: Connection, principal: Principal, request: OfferMandate
    ) -> OfferView | RateLimited:
        """An offer by the caller for themself, or under a mandate that they hold. Raises `MandateRefused`."""
        principal_id = await self._principal_of(connection, principal, request)
        agent, sponsor_id = await self._find_agent(connection, request)
        draft = Draft(
            principal_type="person",
            principal_id=principal_id,
            kind=request.kind,
            role="",
            scope=request.scope.as_scope(),
            lasts_seconds=request.lasts_seconds,
            may_delegate=request.may_delegate,
            parent_id=request.under,
            agent=agent,
            sponsor_id=sponsor_id,
        )
        return await self._offer(connection, principal, draft)

    async def list_to_me(self, connection: Connection, principal: Principal) -> OfferList:
        """What waits for the caller's word."""
        index = await self._agents.index_of(connection, principal.subject_id)
        return await self._list(connection, await repository.list_to_agent(connection, index, self._clock.now()))

    async def list_from(self, connection: Connection, principal_id: UUID) -> OfferList:
        """What this principal offered and nobody has decided."""
        found = await repository.list_of_principal(connection, principal_id, self._clock.now())
        return await self._list(connection, found)

    async def decide(
        self, connection: Connection, principal: Principal, offer_id: UUID, decision: Decision
    ) -> OfferView:
        """The agent's own yes or no; an accepted offer names its mandate.

        Raises `OfferUnknown` for everybody else, and `MandateRefused` when it cannot be given any more.
        """
        offer = await self._find_open(connection, offer_id)
        if offer is None or offer.agent_index != await self._agents.index_of(connection, principal.subject_id):
            raise OfferUnknown
        if decision == "declined":
            if offer.principal_type == "person":
                await self._messages.write(connection, offer.given_by, "mandate_declined", self._clock.now())
            return await self._close(connection, offer, "declined", principal)
        mandate = await self._take(connection, offer, principal)
        return await self._close(connection, offer, "accepted", principal, mandate.id)

    async def withdraw(
        self, connection: Connection, principal: Principal, principal_id: UUID, offer_id: UUID
    ) -> OfferView:
        """Takes an open offer of `principal_id` back, for whom the caller speaks; raises `OfferUnknown`."""
        offer = await self._find_open(connection, offer_id)
        if offer is None or (offer.principal_id != principal_id and offer.given_by != principal.subject_id):
            raise OfferUnknown
        return await self._close(connection, offer, "withdrawn", principal)

    async def forget_expired(self, connection: Connection) -> None:
        """Forgets offers that nobody could decide for a month; a periodic job."""
        await repository.delete_expired(connection, self._clock.now() - FORGOTTEN_AFTER)

    async def _principal_of(self, connection: Connection, principal: Principal, request: OfferMandate) -> UUID:
        if request.under is None:
            await self._agents.require_own_master(connection, principal.subject_id, request.kind)
            return principal.subject_id
        parent = await mandates.find_mandate(connection, request.under)
        if parent is None or parent.agent_id != principal.subject_id or parent.principal_type != "person":
            raise MandateRefused(Why.NONE)
        return parent.principal_id

    async def _find_agent(self, connection: Connection, request: OfferMandate) -> tuple[Asked, UUID | None]:
        """Helpers are known by their badge and by the organization that answers for them, others by their document."""
        if (request.badge is None) == (request.agent is None) or (request.kind in BESIDE) != (
            request.badge is not None
        ):
            raise MandateRefused(Why.NOT_SPONSORED)
        if request.badge is None:
            assert request.agent is not None
            return await self._agents.find_or_index(connection, request.agent), None
        helper = await self._helpers.find_by_badge(connection, request.badge, request.kind)
        if helper is None:
            raise MandateRefused(Why.NOT_SPONSORED)
        index = await self._agents.index_of(connection, helper.person_id)
        return Asked(index=index, person_id=helper.person_id), helper.organization_id

    async def _offer(self, connection: Connection, principal: Principal, draft: Draft) -> OfferView | RateLimited:
        now = self._clock.now()
        locked_for = await spend_attempt(connection, LIMIT, principal.person_id.bytes, now)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        if draft.agent.index == await self._agents.index_of(connection, principal.person_id):
            raise MandateRefused(Why.OF_ONESELF)
        await self._require_givable(connection, principal, draft)
        stands = STANDS_BESIDE if draft.kind in BESIDE else STANDS
        offer = draft.as_offer(new_id(), given_by=principal.person_id, now=now, expires_at=now + stands)
        await repository.insert_offer(connection, offer)
        if draft.agent.person_id is not None:
            await self._messages.write(connection, draft.agent.person_id, "mandate_offered", now)
        await self._record(connection, principal, offer, "mandate.offered")
        return await self._view(connection, offer)

    async def _require_givable(self, connection: Connection, principal: Principal, draft: Draft) -> None:
        now = self._clock.now()
        terms = draft.terms(now)
        if draft.parent_id is None:
            why = root(terms)
        else:
            answer = await self._engine.check_mandate(
                connection,
                mandate_id=draft.parent_id,
                agent_id=principal.person_id,
                principal_id=draft.principal_id,
                act=PASS_ON,
                now=now,
            )
            if isinstance(answer, MandateRefused):
                raise answer
            parent = await mandates.find_mandate(connection, draft.parent_id)
            assert parent is not None
            why = narrow(parent, terms)
        if why is not None:
            raise MandateRefused(why)

    async def _take(self, connection: Connection, offer: Offer, principal: Principal) -> Mandate:
        await self._agents.require_of_age(connection, principal.subject_id)
        if offer.sponsor_id is not None:
            await self._helpers.require_sponsored(connection, principal.subject_id, offer.sponsor_id, offer.kind)
        if offer.parent_id is None:
            await self._agents.require_own_master(connection, offer.principal_id, offer.kind)
        now, lasts = self._clock.now(), offer.lasts_seconds
        mandate = Mandate(
            id=new_id(),
            principal_type=offer.principal_type,
            principal_id=offer.principal_id,
            agent_id=principal.subject_id,
            kind=offer.kind,
            role=offer.role,
            proof="agreement",
            starts_at=now,
            ends_at=None if lasts is None else now + timedelta(seconds=lasts),
            items=offer.items,
            scenarios=offer.scenarios,
            apps=offer.apps,
            may_delegate=offer.may_delegate,
            given_by=offer.given_by,
            sponsor_id=offer.sponsor_id,
        )
        return await self._mandates.give(connection, mandate, actor=principal.actor, parent_id=offer.parent_id)

    async def _find_open(self, connection: Connection, offer_id: UUID) -> Offer | None:
        offer = await repository.find_for_update(connection, offer_id)
        return offer if offer is not None and offer.stands(self._clock.now()) else None

    async def _close(
        self,
        connection: Connection,
        offer: Offer,
        decision: OfferState,
        principal: Principal,
        mandate_id: UUID | None = None,
    ) -> OfferView:
        now = self._clock.now()
        await repository.mark_decided(connection, offer.id, now, decision, mandate_id)
        await self._record(connection, principal, offer, f"mandate.{decision}")
        return await self._view(connection, replace(offer, decided_at=now, decision=decision, mandate_id=mandate_id))

    async def _list(self, connection: Connection, offers: Sequence[Offer]) -> OfferList:
        return OfferList(items=[await self._view(connection, offer) for offer in offers])

    async def _view(self, connection: Connection, offer: Offer) -> OfferView:
        sponsor = offer.sponsor_id
        expired = offer.decision is None and not offer.stands(self._clock.now())
        return OfferView(
            id=offer.id,
            kind=offer.kind,
            state=offer.decision or ("expired" if expired else "open"),
            role=offer.role,
            principal=await self._parties.name(connection, offer.principal_type, offer.principal_id),
            scope=offer.scope,
            may_delegate=offer.may_delegate,
            sponsor=None if sponsor is None else await self._parties.name(connection, "organization", sponsor),
            lasts_seconds=offer.lasts_seconds,
            offered_at=offer.offered_at,
            expires_at=offer.expires_at,
            mandate_id=offer.mandate_id,
        )

    async def _record(self, connection: Connection, principal: Principal, offer: Offer, action: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"{offer.principal_type}:{offer.principal_id}",
            detail={"offer_id": str(offer.id), "kind": offer.kind},
        )
