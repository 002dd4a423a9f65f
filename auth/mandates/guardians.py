"""Adding a child: the population registry says who a child's guardians are, not the caller.

The child becomes a person of the city at identity level 2, without a phone. No transaction is open while the registry
is asked; guesses are counted as in the real-name check. What changes at 14 is in `rules.py`.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from app.kit.masking import mask_document, mask_name
from auth.assurance import ONE_TIME_CODE, find_shortfall
from auth.attempts import Limit, refund_attempt, spend_attempt
from auth.documents import birth_date_of, document_number_is_valid, normalize_document_number, normalize_name
from auth.errors import IdentityLevelTooLow
from auth.mandates.engine import Authority, MandateEngine
from auth.mandates.errors import ChildOutOfForm, ChildUnknown, GuardianshipRefused
from auth.mandates.models import GUARDIAN_KINDS, OWN_WORD_AT, AddChild, ChildView, Mandate, adulthood_of, birthday_of
from auth.mandates.rules import Act
from auth.mandates.service import Mandates
from auth.people.models import NAME_CHECKED, Identity
from auth.people.service import People
from auth.principal import Principal
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import GuardianshipAnswer, GuardianshipRegistry, PersonNamed
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings

LIMIT_KIND: Final = "guardianship"
SHOW_CODE: Final = Act(kind="show_code")
WARDSHIPS: Final = sorted(GUARDIAN_KINDS)


class Guardians:
    """Guardians and their children."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        sessions: Sessions,
        mandates: Mandates,
        engine: MandateEngine,
        registry: GuardianshipRegistry,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._people = people
        self._sessions = sessions
        self._mandates = mandates
        self._engine = engine
        self._registry = registry
        self._clock = clock
        self._settings = settings
        self._limit = Limit(kind=LIMIT_KIND, most=settings.guardianship_limit, window_seconds=DAY_SECONDS)
        self._city_offset = timedelta(seconds=settings.city_utc_offset_seconds)

    async def add_child(self, principal: Principal, request: AddChild) -> ChildView | SuishenError:
        """The child with the caller as guardian, or the refusal, which is remembered. Opens its own transactions.

        Raises `ChildOutOfForm`, `StepUpRequired`, `RegistryUnavailable`, and `TokenInvalid` when the session ended
        while the registry was asked. Adding a child again is harmless.
        """
        self._require_fresh(principal)
        child = self._child_of(request)
        async with self._database.transaction() as connection:
            guardian = await self._people.find_identity(connection, principal.subject_id)
            locked_for = await spend_attempt(connection, self._limit, principal.subject_id.bytes, self._clock.now())
        if guardian is None:
            raise IdentityLevelTooLow(required_ial=NAME_CHECKED, ial=principal.ial)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        answer = await self._ask(principal, guardian, child)
        async with self._database.transaction() as connection:
            return await self._conclude(connection, principal, child, answer)

    async def list_children(self, connection: Connection, principal: Principal) -> list[ChildView]:
        """The caller's children who are not of age."""
        mandates = await self._mandates.list_mandates(connection, principal.subject_id, ["guardian"])
        return [await self._view(connection, mandate) for mandate in mandates]

    async def remove_child(self, connection: Connection, principal: Principal, child_id: UUID) -> ChildView:
        """Ends the guardianship here, and with it the codes shown by it. Raises `ChildUnknown`."""
        mandate = await self._mandates.end_guardianship(connection, guardian_id=principal.subject_id, child_id=child_id)
        if mandate is None:
            raise ChildUnknown
        return await self._view(connection, mandate)

    async def find_guardianship(self, connection: Connection, agent_id: UUID, principal_id: UUID) -> Authority | None:
        """By what `agent_id` shows codes for `principal_id` now; it outlives the caller's transaction.

        Not for children alone: wards, elders and whoever gave a mandate for it. (A port of `codes`.)
        """
        answer = await self._engine.find_authority(
            connection, agent_id=agent_id, principal_id=principal_id, act=SHOW_CODE, now=self._clock.now()
        )
        return answer if isinstance(answer, Authority) else None

    async def may_show(
        self, connection: Connection, *, mandate_id: UUID | None, agent_id: UUID, principal_id: UUID, scenario: int
    ) -> bool:
        """Whether somebody's code counts in this scenario now, by this mandate if named. (A port of `codes`.)"""
        act, now = Act(kind="show_code", scenario=scenario), self._clock.now()
        if mandate_id is None:
            answer = await self._engine.find_authority(
                connection, agent_id=agent_id, principal_id=principal_id, act=act, now=now
            )
        else:
            answer = await self._engine.check_mandate(
                connection, mandate_id=mandate_id, agent_id=agent_id, principal_id=principal_id, act=act, now=now
            )
        return isinstance(answer, Authority)

    async def is_guardian(self, connection: Connection, *, guardian_id: UUID, child_id: UUID) -> bool:
        """Whether somebody is a child's guardian now, by a mandate that nothing stops. (A port of `auth.consents`.)"""
        answer = await self._engine.find_authority(
            connection,
            agent_id=guardian_id,
            principal_id=child_id,
            act=SHOW_CODE,
            now=self._clock.now(),
            kinds=["guardian"],
        )
        return isinstance(answer, Authority)

    async def list_child_ids(self, connection: Connection, guardian_id: UUID) -> list[UUID]:
        """Whose guardian this person is now. (A port of `codes`.)"""
        mandates = await self._mandates.list_mandates(connection, guardian_id, WARDSHIPS)
        return [mandate.principal_id for mandate in mandates]

    async def list_guardian_ids(self, connection: Connection, child_id: UUID) -> list[UUID]:
        """Who may show codes for `child_id` now, and is told what the child is told. (A port of `codes`.)"""
        return await self._mandates.list_guardians(connection, child_id)

    def _require_fresh(self, principal: Principal) -> None:
        now, seconds = self._clock.now(), self._settings.step_up_seconds
        shortfall = find_shortfall(principal, aal=ONE_TIME_CODE, within_seconds=seconds, now=now)
        if shortfall is not None:
            raise shortfall

    def _child_of(self, request: AddChild) -> Identity:
        """The child in the one form in which names and numbers are compared; raises `ChildOutOfForm`."""
        name, number = normalize_name(request.name), normalize_document_number(request.document_number)
        if name is None or not document_number_is_valid(request.document_type, number):
            raise ChildOutOfForm
        born = birth_date_of(request.document_type, number)
        child = Identity(name=name, document_type=request.document_type, document_number=number, birth_date=born)
        if born is not None and self._until(child) <= self._clock.now():
            raise ChildOutOfForm
        return child

    async def _ask(self, principal: Principal, guardian: Identity, child: Identity) -> GuardianshipAnswer:
        try:
            return await self._registry.check_guardian(guardian=_named(guardian), child=_named(child))
        except RegistryUnavailable:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, principal.subject_id.bytes)
            raise

    async def _conclude(
        self, connection: Connection, principal: Principal, claimed: Identity, answer: GuardianshipAnswer
    ) -> ChildView | SuishenError:
        child = msgspec.structs.replace(claimed, birth_date=claimed.birth_date or answer.birth_date)
        # Whose age nobody knows would never come of age.
        if not answer.match or child.birth_date is None or self._until(child) <= self._clock.now():
            await self._record_refusal(connection, principal)
            return GuardianshipRefused()
        await refund_attempt(connection, self._limit, principal.subject_id.bytes)
        child_id = await self._people.find_owner(connection, child)
        await self._sessions.require_living(connection, principal)
        if child_id is None:
            child_id = await self._people.register_known(connection, child, actor=principal.actor)
        mandate = await self._mandates.appoint_guardian(
            connection,
            guardian_id=principal.subject_id,
            child_id=child_id,
            ends_at=self._until(child),
            own_word_from=birthday_of(child.birth_date, OWN_WORD_AT, self._city_offset),
        )
        return await self._view(connection, mandate)

    def _until(self, child: Identity) -> datetime:
        assert child.birth_date is not None
        return adulthood_of(child.birth_date, self._city_offset)

    async def _view(self, connection: Connection, mandate: Mandate) -> ChildView:
        identity = await self._people.find_identity(connection, mandate.principal_id)
        assert mandate.ends_at is not None
        return ChildView(
            id=mandate.principal_id,
            mandate_id=mandate.id,
            display_name=mask_name(identity.name) if identity else None,
            document=mask_document(identity.document_number) if identity else None,
            since=mandate.starts_at,
            until=mandate.ends_at,
        )

    async def _record_refusal(self, connection: Connection, principal: Principal) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action="guardianship.refused",
            subject=principal.subject,
            detail={},
        )


def _named(identity: Identity) -> PersonNamed:
    return PersonNamed(
        name=identity.name, document_type=identity.document_type, document_number=identity.document_number
    )
