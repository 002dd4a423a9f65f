"""The mandates that a person or an organization has given and holds: reading them, ending them, speaking by one."""

from typing import Final, Literal, TypeAlias
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.listing import cut
from auth.acts.service import Acts
from auth.mandates import repository
from auth.mandates.engine import MandateEngine
from auth.mandates.errors import MandateRefused, MandateUnknown
from auth.mandates.models import Mandate, OwnWord
from auth.mandates.parties import MandateList, MandateView, Parties, PartyView
from auth.mandates.rules import Act, Why
from auth.mandates.scopes import scopes_of
from auth.mandates.service import Mandates
from auth.people.service import People
from auth.principal import Principal
from auth.sessions.models import SwitchSession, TokenPair
from auth.sessions.service import Sessions

Side: TypeAlias = Literal["given", "held"]
SPEAK: Final = Act(kind="speak")
PASS_ON: Final = Act(kind="mandate")


class DelegateSession(TokenPair):
    """Tokens of a fresh context: another person is the subject, the caller acts for them."""

    mandate_id: UUID
    principal: PartyView


class Holdings:
    """What the two sides do with a mandate that stands."""

    def __init__(
        self,
        *,
        mandates: Mandates,
        engine: MandateEngine,
        sessions: Sessions,
        people: People,
        parties: Parties,
        acts: Acts,
        clock: Clock,
    ) -> None:
        self._mandates = mandates
        self._engine = engine
        self._sessions = sessions
        self._people = people
        self._parties = parties
        self._acts = acts
        self._clock = clock

    async def list_mine(
        self, connection: Connection, principal: Principal, side: Side, *, after: UUID | None, limit: int
    ) -> MandateList:
        """Those by which others act for the caller, or by which the caller acts for others; also what is over."""
        listing = repository.list_of_principal if side == "given" else repository.list_held
        return await self._page(
            connection, await listing(connection, principal.subject_id, after=after, limit=limit + 1), limit
        )

    async def list_of_organization(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> MandateList:
        """Who acts for the caller's organization, for those who may say so themselves. Raises `MandateRefused`."""
        await self._require_giver(connection, principal)
        rows = await repository.list_of_principal(connection, principal.subject_id, after=after, limit=limit + 1)
        return await self._page(connection, rows, limit)

    async def end_mine(self, connection: Connection, principal: Principal, mandate_id: UUID) -> MandateView:
        """Ends a mandate of the caller's, whichever side they are; with it all that was passed on from it.

        Raises `MandateUnknown`. A registry's word is not taken back here: not the responsible person's, and a child's
        guardianship by the guardian alone.
        """
        mandate = await repository.find_mandate(connection, mandate_id)
        if mandate is None or principal.subject_id not in {mandate.principal_id, mandate.agent_id, mandate.given_by}:
            raise MandateUnknown
        by_registry = mandate.kind == "responsible_person" or (
            mandate.kind in {"guardian", "adult_guardian"} and mandate.agent_id != principal.subject_id
        )
        if by_registry:
            raise MandateRefused(Why.BY_REGISTRY)
        return await self._end(connection, mandate, principal)

    async def end_of_organization(self, connection: Connection, principal: Principal, mandate_id: UUID) -> MandateView:
        """Ends a mandate that stands below the caller's own. Raises `MandateUnknown` for any other."""
        own = await self._require_giver(connection, principal)
        mandate = await repository.find_mandate(connection, mandate_id)
        if mandate is None or mandate.principal_id != principal.subject_id or mandate.id == own:
            raise MandateUnknown
        if own not in await repository.list_ancestor_ids(connection, mandate.id):
            raise MandateUnknown
        return await self._end(connection, mandate, principal)

    async def speak_for(self, connection: Connection, principal: Principal, mandate_id: UUID) -> DelegateSession:
        """A session in which another person is the subject and the caller the agent; it ends with the mandate.

        It is as fresh as the session it began in, and no surer than the city is of the person. Raises `MandateUnknown`,
        `MandateRefused`.
        """
        mandate = await repository.find_for_share(connection, mandate_id)
        if mandate is None or mandate.agent_id != principal.subject_id or mandate.principal_type != "person":
            raise MandateUnknown
        now = self._clock.now()
        answer = await self._engine.check_mandate(
            connection,
            mandate_id=mandate_id,
            agent_id=principal.subject_id,
            principal_id=mandate.principal_id,
            act=SPEAK,
            now=now,
        )
        if isinstance(answer, MandateRefused):
            raise answer
        person = await self._people.get_person(connection, mandate.principal_id)
        if person.status != "active":
            raise MandateRefused(Why.STOPPED)
        pair = await self._sessions.switch_session(
            connection,
            principal,
            SwitchSession(
                subject_type="person",
                subject_id=mandate.principal_id,
                mandate_id=mandate.id,
                scopes=scopes_of("delegate", answer.scope),
                until=answer.ends_at,
                most_ial=person.identity_level,
            ),
        )
        await self._acts.record(
            connection,
            principal_id=mandate.principal_id,
            principal_type="person",
            agent_id=principal.subject_id,
            mandate_id=mandate.id,
            kind="session_opened",
            now=now,
        )
        return DelegateSession(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            token_type=pair.token_type,
            expires_in=pair.expires_in,
            scope=pair.scope,
            mandate_id=mandate.id,
            principal=await self._parties.name(connection, "person", mandate.principal_id),
        )

    async def say_own_word(
        self, connection: Connection, principal: Principal, mandate_id: UUID, word: OwnWord
    ) -> MandateView:
        """What a child of 14 or more says to a guardian's powers. Raises `MandateRefused`."""
        mandate = await self._mandates.record_own_word(connection, mandate_id, principal.subject_id, word)
        return await self._parties.view(connection, mandate)

    async def require_giver(self, connection: Connection, principal: Principal) -> None:
        """Raises `MandateRefused` for an agent who may not say who acts for the organization."""
        await self._require_giver(connection, principal)

    async def _require_giver(self, connection: Connection, principal: Principal) -> UUID:
        if principal.mandate_id is None:
            raise MandateRefused(Why.NONE)
        answer = await self._engine.check_mandate(
            connection,
            mandate_id=principal.mandate_id,
            agent_id=principal.person_id,
            principal_id=principal.subject_id,
            act=PASS_ON,
            now=self._clock.now(),
        )
        if isinstance(answer, MandateRefused):
            raise answer
        return answer.mandate_id

    async def _end(self, connection: Connection, mandate: Mandate, principal: Principal) -> MandateView:
        reason = "resigned" if mandate.agent_id == principal.person_id else "revoked"
        await self._mandates.end(connection, mandate, reason=reason, actor=principal.actor)
        ended = await repository.find_mandate(connection, mandate.id)
        return await self._parties.view(connection, ended or mandate)

    async def _page(self, connection: Connection, rows: list[Mandate], limit: int) -> MandateList:
        page, following = cut(rows, limit)
        return MandateList(items=[await self._parties.view(connection, row) for row in page], next=following)
