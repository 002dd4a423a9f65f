"""The tree of mandates under each principal: giving, passing on, stopping and ending, with all that stands below.

Who may act for whom is asked of `engine.py`; what may be given is in `rules.py`. All changes of one principal's tree
take turns, so that nothing is given under what is just ending.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.mandates import repository
from auth.mandates.errors import MandateRefused, MandateUnknown
from auth.mandates.models import Mandate, MandateKind, OwnWord
from auth.mandates.ports import MandateListener
from auth.mandates.rules import Terms, Why, narrow, root
from auth.messages.service import Messages
from auth.messages.texts import MessageKind
from auth.people.ports import EndReason
from auth.sessions.service import Sessions

ENDED: Final[dict[MandateKind, MessageKind]] = {
    "responsible_person": "mandate_ended",
    "guardian": "guardianship_ended",
}
ENDED_OTHERWISE: Final[MessageKind] = "mandate_over"
DISPUTE: Final = "custody_dispute"
ACCOUNT_FROZEN: Final = "account_frozen"
ENDS_AT_ONCE: Final = 200
"""How many mandates whose time has passed one round writes down."""


class Mandates:
    """Gives, stops and ends mandates."""

    def __init__(self, *, sessions: Sessions, messages: Messages, clock: Clock) -> None:
        self._sessions = sessions
        self._messages = messages
        self._clock = clock
        self._listeners: list[MandateListener] = []

    def tell(self, listener: MandateListener) -> None:
        """From now on `listener` is told of every mandate that ends or is stopped, in its transaction."""
        self._listeners.append(listener)

    async def appoint_responsible(
        self, connection: Connection, *, organization_id: UUID, person_id: UUID, role: str
    ) -> Mandate:
        """The mandate of the person whom the registry names; a predecessor's ends, with the whole tree below it.

        The caller holds a lock on the organization.
        """
        asleep = await repository.list_not_active(connection, [person_id])
        await repository.lock_tree(connection, organization_id)
        present = await repository.find_responsible(connection, organization_id)
        if present is not None and present.agent_id == person_id:
            return present
        if present is not None:
            await self._end_tree(connection, present, reason="replaced", actor="system")
        mandate = Mandate(
            id=new_id(),
            principal_type="organization",
            principal_id=organization_id,
            agent_id=person_id,
            kind="responsible_person",
            role=role,
            proof="enterprise_registry",
            starts_at=self._clock.now(),
            may_delegate=True,
        )
        await repository.insert_mandate(connection, mandate)
        await self._messages.write(connection, person_id, "organization_claimed", mandate.starts_at)
        await self._record(connection, mandate, "mandate.given", f"person:{person_id}")
        await self._put_to_sleep(connection, mandate, asleep)
        return mandate

    async def appoint_guardian(
        self, connection: Connection, *, guardian_id: UUID, child_id: UUID, ends_at: datetime, own_word_from: datetime
    ) -> Mandate:
        """The mandate of a guardian whom the registry confirmed; both are told. Appointing again changes nothing.

        A child over whom a court has yet to decide gets no further guardian unstopped. The caller holds a lock on the
        child's document.
        """
        asleep = await repository.list_not_active(connection, [guardian_id, child_id])
        await repository.lock_tree(connection, child_id)
        present = await repository.find_guardianship(connection, guardian_id, child_id)
        if present is not None:
            return present
        mandate = Mandate(
            id=new_id(),
            principal_type="person",
            principal_id=child_id,
            agent_id=guardian_id,
            kind="guardian",
            role="监护人",
            proof="population_registry",
            starts_at=self._clock.now(),
            ends_at=ends_at,
            own_word_from=own_word_from,
        )
        others = await repository.list_guardianships_for_update(connection, child_id)
        await repository.insert_mandate(connection, mandate)
        if any(DISPUTE in other.stops for other in others):
            await self._stop(connection, [mandate], why=DISPUTE, actor="system")
        await self._messages.write(connection, guardian_id, "child_added", mandate.starts_at)
        await self._messages.write(connection, child_id, "guardian_added", mandate.starts_at)
        await self._record(connection, mandate, "mandate.given", f"person:{guardian_id}")
        await self._put_to_sleep(connection, mandate, asleep)
        return mandate

    async def give(
        self,
        connection: Connection,
        mandate: Mandate,
        *,
        actor: str,
        parent_id: UUID | None = None,
        reference_sealed: bytes | None = None,
    ) -> Mandate:
        """A mandate by agreement or at a counter, under `parent_id` where it is passed on; both sides are told.

        Raises `MandateRefused` for whatever the rules do not let be given, at this moment. Of two parents that end and
        give at once, either the gift is refused or it ends too.
        """
        asleep = await repository.list_not_active(connection, [mandate.agent_id, mandate.principal_id])
        await repository.lock_tree(connection, mandate.principal_id)
        given = await self._under(connection, mandate, parent_id)
        now = self._clock.now()
        await repository.insert_mandate(connection, given, reference_sealed)
        await self._messages.write(connection, given.agent_id, "mandate_received", now)
        if given.principal_type == "person":
            await self._messages.write(connection, given.principal_id, "mandate_given", now)
        await self._record(connection, given, "mandate.given", actor)
        await self._put_to_sleep(connection, given, asleep)
        return given

    async def end(self, connection: Connection, mandate: Mandate, *, reason: str, actor: str) -> list[Mandate]:
        """Ends a mandate and all below it, with their sessions and whatever was given by them; which ended now."""
        await repository.lock_tree(connection, mandate.principal_id)
        return await self._end_tree(connection, mandate, reason=reason, actor=actor)

    async def end_guardianship(self, connection: Connection, *, guardian_id: UUID, child_id: UUID) -> Mandate | None:
        """Ends it before its time, at the guardian's wish, with everything given by it; None when there is none."""
        await repository.lock_tree(connection, child_id)
        mandate = await repository.find_guardianship(connection, guardian_id, child_id)
        if mandate is None or not mandate.in_its_time(self._clock.now()):
            return None
        await self._end_tree(connection, mandate, reason="ended_by_guardian", actor=f"person:{guardian_id}")
        await self._messages.write(connection, child_id, "guardian_removed", self._clock.now())
        return mandate

    async def stop_guardianships(self, connection: Connection, ward_id: UUID, *, actor: str) -> int:
        """While custody is disputed nobody acts for this person; how many mandates were stopped now."""
        await repository.lock_tree(connection, ward_id)
        stopped = 0
        for mandate in await repository.list_guardianships_for_update(connection, ward_id):
            tree = await repository.list_tree_for_update(connection, mandate.id)
            stopped += await self._stop(connection, tree, why=DISPUTE, actor=actor)
        return stopped

    async def settle_guardianships(
        self, connection: Connection, ward_id: UUID, *, keep: frozenset[UUID], actor: str
    ) -> int:
        """The dispute is over: those of the guardians in `keep` count again, the others end; how many count again."""
        await repository.lock_tree(connection, ward_id)
        found = await repository.list_guardianships_for_update(connection, ward_id)
        disputed = [mandate for mandate in found if DISPUTE in mandate.stops]
        for mandate in disputed:
            if mandate.agent_id in keep:
                tree = await repository.list_tree_for_update(connection, mandate.id)
                await self._resume(connection, tree, why=DISPUTE, actor=actor)
            else:
                await self._end_tree(connection, mandate, reason="custody_decided", actor=actor)
        return sum(mandate.agent_id in keep for mandate in disputed)

    async def record_own_word(self, connection: Connection, mandate_id: UUID, ward_id: UUID, word: OwnWord) -> Mandate:
        """What a child of 14 or more says to a guardian's powers; a no ends at once what was given by them.

        Raises `MandateUnknown`, and `MandateRefused` before the fourteenth birthday and for the guardian.
        """
        await repository.lock_tree(connection, ward_id)
        mandate = await repository.find_for_update(connection, mandate_id)
        now = self._clock.now()
        if mandate is None or ward_id not in {mandate.principal_id, mandate.agent_id} or mandate.kind != "guardian":
            raise MandateUnknown
        if mandate.principal_id != ward_id or not mandate.lives(now):
            raise MandateRefused(Why.ENDED if mandate.principal_id == ward_id else Why.OWN_CONSENT)
        if mandate.own_word_from is None or now < mandate.own_word_from:
            raise MandateRefused(Why.OWN_CONSENT)
        await repository.mark_own_word(connection, mandate.id, word)
        if word == "refused":
            await self._end_uses(connection, mandate, now, actor=f"person:{ward_id}")
        await self._messages.write(connection, mandate.agent_id, f"child_{word}", now)
        await self._record(connection, mandate, f"mandate.{word}", f"person:{ward_id}")
        return replace(mandate, own_word=word)

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, _now: datetime) -> None:
        """Ends what a person held and gave, or stops it while the account is frozen (port of `auth.people`).

        What a frozen agent passed on goes on: their company does not stand still because a phone was lost.
        """
        found = await self._lock_all_of(connection, person_id)
        if reason == "frozen":
            await self._stop(connection, found, why=f"{ACCOUNT_FROZEN}:{person_id}", actor="system")
            return
        for mandate in found:
            await self._end_tree(connection, mandate, reason=f"person_{reason}", actor="system")

    async def person_returned(self, connection: Connection, person_id: UUID, reason: EndReason, _now: datetime) -> None:
        """What a freeze stopped counts again (port of `auth.people`); what a death ended is given anew."""
        if reason == "frozen":
            found = await self._lock_all_of(connection, person_id)
            await self._resume(connection, found, why=f"{ACCOUNT_FROZEN}:{person_id}", actor="system")

    async def end_what_is_over(self, connection: Connection) -> int:
        """Writes down the ends of mandates whose time has passed, and ends what stands on them; a periodic job."""
        over = await repository.list_over(connection, self._clock.now(), ENDS_AT_ONCE)
        for principal_id in sorted({mandate.principal_id for mandate in over}):
            await repository.lock_tree(connection, principal_id)
        return sum([len(await self._end_tree(connection, each, reason="over", actor="system")) for each in over])

    async def list_mandates(
        self, connection: Connection, person_id: UUID, kinds: Sequence[MandateKind]
    ) -> list[Mandate]:
        """The living mandates of a person, of these kinds."""
        return await repository.list_of_agent(connection, person_id, kinds, self._clock.now())

    async def list_guardians(self, connection: Connection, child_id: UUID) -> list[UUID]:
        """Who is the guardian of this person now."""
        return await repository.list_guardians(connection, child_id, self._clock.now())

    async def _put_to_sleep(self, connection: Connection, mandate: Mandate, asleep: Sequence[UUID]) -> None:
        """What is given to, or for, an account that is frozen now counts when the account does."""
        for person_id in asleep:
            await self._stop(connection, [mandate], why=f"{ACCOUNT_FROZEN}:{person_id}", actor="system")

    async def _lock_all_of(self, connection: Connection, person_id: UUID) -> list[Mandate]:
        found = await repository.list_of_person(connection, person_id)
        for principal_id in sorted({mandate.principal_id for mandate in found}):
            await repository.lock_tree(connection, principal_id)
        return await repository.list_of_person(connection, person_id)

    async def _under(self, connection: Connection, mandate: Mandate, parent_id: UUID | None) -> Mandate:
        terms = Terms(
            kind=mandate.kind,
            scope=mandate.scope,
            starts_at=mandate.starts_at,
            ends_at=mandate.ends_at,
            may_delegate=mandate.may_delegate,
        )
        if parent_id is None:
            if why := root(terms):
                raise MandateRefused(why)
            return mandate
        parent = await repository.find_for_update(connection, parent_id)
        if parent is None or parent.principal_id != mandate.principal_id or not parent.lives(self._clock.now()):
            raise MandateRefused(Why.ENDED)
        if why := narrow(parent, terms):
            raise MandateRefused(why)
        return replace(mandate, parent_id=parent.id, depth=parent.depth + 1)

    async def _end_tree(self, connection: Connection, mandate: Mandate, *, reason: str, actor: str) -> list[Mandate]:
        """From the root down; what was ended for another reason before stays as it is. The caller holds the tree."""
        now = self._clock.now()
        tree = await repository.list_tree_for_update(connection, mandate.id)
        for each in tree:
            why = reason if each.id == mandate.id else "parent_ended"
            await repository.mark_revoked(connection, each.id, now, why)
            await self._end_uses(connection, each, now, actor=actor)
            await self._messages.write(connection, each.agent_id, ENDED.get(each.kind, ENDED_OTHERWISE), now)
            await self._record(connection, each, "mandate.ended", actor, reason=why)
        return tree

    async def _stop(self, connection: Connection, mandates: Sequence[Mandate], *, why: str, actor: str) -> int:
        now, stopping = self._clock.now(), [mandate for mandate in mandates if why not in mandate.stops]
        for mandate in stopping:
            await repository.mark_stopped(connection, mandate.id, why)
            await self._end_uses(connection, mandate, now, actor=actor)
            await self._messages.write(connection, mandate.agent_id, "mandate_stopped", now)
            await self._record(connection, mandate, "mandate.stopped", actor, reason=why)
        return len(stopping)

    async def _resume(self, connection: Connection, mandates: Sequence[Mandate], *, why: str, actor: str) -> None:
        for mandate in mandates:
            if why in mandate.stops:
                await repository.mark_resumed(connection, mandate.id, why)
                await self._messages.write(connection, mandate.agent_id, "mandate_resumed", self._clock.now())
                await self._record(connection, mandate, "mandate.resumed", actor, reason=why)

    async def _end_uses(self, connection: Connection, mandate: Mandate, now: datetime, *, actor: str) -> None:
        """Sessions in its name, and codes shown by it."""
        await self._sessions.end_sessions_of_mandate(connection, mandate.id, actor=actor)
        for listener in self._listeners:
            await listener.mandate_ended(connection, mandate.id, now)

    async def _record(self, connection: Connection, mandate: Mandate, action: str, actor: str, **more: Any) -> None:
        detail = {"mandate_id": str(mandate.id), "agent": f"person:{mandate.agent_id}", "kind": mandate.kind}
        if mandate.parent_id is not None:
            detail["parent_id"] = str(mandate.parent_id)
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=mandate.principal,
            detail=detail | more,
        )
