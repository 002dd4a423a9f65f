"""Mandates at a counter: what a court decided or somebody says in person, and what a custody dispute stops.

Officials name people by their documents. A question for somebody who is not here is refused and written down.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from auth.mandates import repository
from auth.mandates.counter.models import CustodySettled, EndMandate, GuardiansStopped, RecordMandate, SettleCustody
from auth.mandates.errors import MandateRefused, PartyUnknown
from auth.mandates.models import Mandate, MandateKind
from auth.mandates.offers.agents import Agents
from auth.mandates.parties import DocumentHolder, MandateView, Parties
from auth.mandates.service import Mandates
from auth.principal import Principal
from auth.subject_keys.service import SubjectVault

REFERENCE_PURPOSE: Final = "mandate-reference"
PROOFS: Final[dict[MandateKind, str]] = {"adult_guardian": "court_decision", "family": "said_at_a_counter"}
ROLES: Final[dict[MandateKind, str]] = {"adult_guardian": "监护人", "family": "家人"}


class CounterMandates:
    """What counters record, end, stop and settle."""

    def __init__(
        self, *, mandates: Mandates, agents: Agents, parties: Parties, subject_vault: SubjectVault, clock: Clock
    ) -> None:
        self._mandates = mandates
        self._agents = agents
        self._parties = parties
        self._subject_vault = subject_vault
        self._clock = clock

    async def record(
        self, connection: Connection, principal: Principal, request: RecordMandate
    ) -> MandateView | SuishenError:
        """A mandate that counts from now; both sides are told. Refusals are returned: an official looked at people."""
        ward_id = await self._agents.find_named(connection, request.principal)
        agent_id = await self._agents.find_named(connection, request.agent)
        if ward_id is None or agent_id is None or ward_id == agent_id:
            return await self._refuse(connection, principal, ward_id, agent_id)
        try:
            await self._agents.require_of_age(connection, agent_id)
            await self._agents.require_age_for(connection, ward_id, request.kind)
        except MandateRefused as refused:
            await self._refuse(connection, principal, ward_id, agent_id)
            return refused
        now, scope = self._clock.now(), request.scope.as_scope()
        mandate = Mandate(
            id=new_id(),
            principal_type="person",
            principal_id=ward_id,
            agent_id=agent_id,
            kind=request.kind,
            role=ROLES[request.kind],
            proof=PROOFS[request.kind],
            starts_at=now,
            ends_at=now + timedelta(seconds=request.lasts_seconds),
            items=scope.items,
            scenarios=scope.scenarios,
            apps=scope.apps,
        )
        sealed = await self._subject_vault.seal(
            connection, ward_id, REFERENCE_PURPOSE, request.reference.encode(), context=mandate.id.bytes
        )
        await self._mandates.give(connection, mandate, actor=principal.actor, reference_sealed=sealed)
        return await self._parties.view(connection, mandate)

    async def end(
        self, connection: Connection, principal: Principal, request: EndMandate
    ) -> MandateView | PartyUnknown:
        """Ends the mandate of this kind between these two, with all below it."""
        ward_id = await self._agents.find_named(connection, request.principal)
        agent_id = await self._agents.find_named(connection, request.agent)
        if ward_id is None or agent_id is None:
            return await self._refuse(connection, principal, ward_id, agent_id)
        await repository.lock_tree(connection, ward_id)
        found = await repository.list_for_share(connection, agent_id, ward_id, [request.kind])
        if not found:
            return await self._refuse(connection, principal, ward_id, agent_id)
        await self._mandates.end(connection, found[0], reason="ended_at_counter", actor=principal.actor)
        ended = await repository.find_mandate(connection, found[0].id)
        assert ended is not None
        return await self._parties.view(connection, ended)

    async def stop_guardians(
        self, connection: Connection, principal: Principal, ward: DocumentHolder
    ) -> GuardiansStopped | PartyUnknown:
        """While custody is disputed nobody acts for this person, nor shows their code."""
        ward_id = await self._agents.find_named(connection, ward)
        if ward_id is None:
            return await self._refuse(connection, principal)
        stopped = await self._mandates.stop_guardianships(connection, ward_id, actor=principal.actor)
        await self._record(connection, principal, "custody.disputed", f"person:{ward_id}")
        return GuardiansStopped(stopped=stopped)

    async def settle_custody(
        self, connection: Connection, principal: Principal, request: SettleCustody
    ) -> CustodySettled | PartyUnknown:
        """Who goes on, and who does not."""
        ward_id = await self._agents.find_named(connection, request.ward)
        named = [await self._agents.find_named(connection, guardian) for guardian in request.guardians]
        keep = frozenset(guardian_id for guardian_id in named if guardian_id is not None)
        if ward_id is None or None in named:
            return await self._refuse(connection, principal, ward_id, *named)
        kept = await self._mandates.settle_guardianships(connection, ward_id, keep=keep, actor=principal.actor)
        await self._record(connection, principal, "custody.decided", f"person:{ward_id}")
        return CustodySettled(kept=kept)

    async def _refuse(self, connection: Connection, principal: Principal, *named: UUID | None) -> PartyUnknown:
        """It stands in the official's log, and in that of everybody who was named and is here: they were looked at."""
        known = sorted({f"person:{person_id}" for person_id in named if person_id is not None})
        for subject in (principal.subject, *known):
            await self._record(connection, principal, "mandate.refused", subject)
        return PartyUnknown()

    async def _record(self, connection: Connection, principal: Principal, action: str, subject: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=subject,
            detail={"organization_id": str(principal.organization_id)},
        )
