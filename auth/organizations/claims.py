"""Claiming an enterprise: the enterprise registry says who answers for it, not the caller.

No transaction is open while the registry is asked; guesses are counted as in the real-name check.
"""

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from auth.attempts import Limit, refund_attempt, spend_attempt
from auth.errors import IdentityLevelTooLow
from auth.organizations.errors import ResponsibilityRefused
from auth.organizations.models import OrganizationView
from auth.organizations.service import Organizations, normalize_credit_code
from auth.people.models import Identity
from auth.people.service import People
from auth.principal import Principal
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import EnterpriseAnswer, EnterpriseRegistry
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings


class OrganizationClaims:
    """Makes a real-named person the responsible person of their enterprise."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        sessions: Sessions,
        organizations: Organizations,
        registry: EnterpriseRegistry,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._people = people
        self._sessions = sessions
        self._organizations = organizations
        self._registry = registry
        self._clock = clock
        self._limit = Limit(
            kind="organization_claim", most=settings.organization_claim_limit, window_seconds=DAY_SECONDS
        )

    async def claim(self, principal: Principal, credit_code: str) -> OrganizationView | SuishenError:
        """The organization with the caller answering for it, or the refusal, which is remembered.

        Opens its own transactions. Raises `CreditCodeInvalid`, `RegistryUnavailable`, and `TokenInvalid` when the
        session ended while the registry was asked. Claiming it again is harmless.
        """
        code = normalize_credit_code(credit_code)
        async with self._database.transaction() as connection:
            identity = await self._people.find_identity(connection, principal.subject_id)
            key, now = principal.subject_id.bytes, self._clock.now()
            locked_for = await spend_attempt(connection, self._limit, key, now)
        if identity is None:
            raise IdentityLevelTooLow(required_ial=2, ial=1)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        answer = await self._ask(principal, identity, code)
        async with self._database.transaction() as connection:
            return await self._conclude(connection, principal, code, answer)

    async def _ask(self, principal: Principal, identity: Identity, code: str) -> EnterpriseAnswer:
        try:
            return await self._registry.check_responsible_person(
                credit_code=code, name=identity.name, document_number=identity.document_number
            )
        except RegistryUnavailable:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, principal.subject_id.bytes)
            raise

    async def _conclude(
        self, connection: Connection, principal: Principal, code: str, answer: EnterpriseAnswer
    ) -> OrganizationView | SuishenError:
        await self._sessions.require_living(connection, principal)
        if not answer.match:
            await audit.record(
                connection,
                clock_now=self._clock.now(),
                actor=principal.actor,
                action="organization.claim_refused",
                subject=principal.subject,
                detail={},
            )
            return ResponsibilityRefused()
        await refund_attempt(connection, self._limit, principal.subject_id.bytes)
        return await self._organizations.record_responsible(
            connection, person_id=principal.subject_id, code=code, answer=answer
        )
