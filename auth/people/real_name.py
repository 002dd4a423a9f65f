"""The real-name check: does the state know this name with this number, and is this human being here already?

It makes a person known. To somebody known already, on an unseen device, it gives the level back only to the name that
is known, while no device of theirs could be asked instead, and after a wait in which they can object (`recoveries`):
a name and a number are no secret.
No transaction is open while the registry is asked. Guesses are counted before the question and given back only when
the registry confirmed the name or could not answer.
"""

from typing import Final

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from auth.attempts import Limit, refund_attempt, spend_attempt
from auth.devices.service import Devices
from auth.documents import birth_date_of, document_number_is_valid, normalize_document_number, normalize_name
from auth.people.errors import (
    DocumentAlreadyBound,
    KnownElsewhere,
    RealNameDiffers,
    RealNameOutOfForm,
    RealNameRefused,
)
from auth.people.models import NAME_CHECKED, Identity, PersonView, VerifyRealName
from auth.people.recoveries.service import Recoveries
from auth.people.service import People
from auth.principal import Principal
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import PersonAnswer, PopulationRegistry
from auth.sessions.models import Session
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings

LIMIT_KIND: Final = "real_name"


class RealName:
    """Takes a person to identity level 2."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        devices: Devices,
        sessions: Sessions,
        recoveries: Recoveries,
        registry: PopulationRegistry,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._people = people
        self._devices = devices
        self._sessions = sessions
        self._recoveries = recoveries
        self._registry = registry
        self._clock = clock
        self._limit = Limit(kind=LIMIT_KIND, most=settings.real_name_limit, window_seconds=DAY_SECONDS)

    async def verify_real_name(self, principal: Principal, claim: VerifyRealName) -> PersonView | SuishenError:
        """The person as now known, or the refusal, which is remembered. Opens its own transactions.

        Raises `RealNameOutOfForm`, `KnownElsewhere`, `RegistryUnavailable`, and `TokenInvalid` when the session ended
        while the registry was asked. Repeating it with the same name and number is harmless.
        """
        identity = identity_of(claim)
        async with self._database.transaction() as connection:
            await self._refuse_known_elsewhere(connection, principal)
            locked_for = await self._spend(connection, principal)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        answer = await self._ask(principal, identity)
        async with self._database.transaction() as connection:
            return await self._conclude(connection, principal, identity, answer)

    async def _refuse_known_elsewhere(self, connection: Connection, principal: Principal) -> None:
        if await self._people.is_known_to(connection, principal):
            return
        # Where no name is known yet, as behind a number that another house alone vouches for, any name would fit.
        unnamed = await self._people.find_identity(connection, principal.subject_id) is None
        if unnamed or await self._devices.guards(connection, principal.subject_id):
            raise KnownElsewhere

    async def _spend(self, connection: Connection, principal: Principal) -> int | None:
        return await spend_attempt(connection, self._limit, principal.subject_id.bytes, self._clock.now())

    async def _ask(self, principal: Principal, identity: Identity) -> PersonAnswer:
        try:
            return await self._registry.check_person(
                name=identity.name,
                document_type=identity.document_type,
                document_number=identity.document_number,
            )
        except RegistryUnavailable:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, principal.subject_id.bytes)
            raise

    async def _conclude(
        self, connection: Connection, principal: Principal, claimed: Identity, answer: PersonAnswer
    ) -> PersonView | SuishenError:
        if not answer.match:
            return await self._refuse(connection, principal, RealNameRefused())
        born = birth_date_of(claimed.document_type, claimed.document_number) or answer.birth_date
        identity = msgspec.structs.replace(claimed, birth_date=born)
        owner = await self._people.find_owner(connection, identity)
        session = await self._sessions.require_living(connection, principal)
        known = await self._people.find_identity(connection, principal.subject_id)
        if owner is not None and owner != principal.subject_id:
            return await self._refuse(connection, principal, DocumentAlreadyBound())
        if known is not None and owner is None:
            return await self._refuse(connection, principal, RealNameDiffers())
        waits = None
        if not await self._knows_its_person(connection, session):
            waits = await self._recoveries.use(connection, principal)
        await refund_attempt(connection, self._limit, principal.subject_id.bytes)
        if waits is not None:
            return waits
        await self._people.confirm_identity(connection, principal.subject_id, identity)
        await self._sessions.raise_identity_level(connection, principal.session_id, NAME_CHECKED)
        await self._record(connection, principal, "person.real_name_confirmed", {"level": NAME_CHECKED})
        return await self._people.describe(connection, principal.subject_id, ial=NAME_CHECKED)

    async def _knows_its_person(self, connection: Connection, session: Session) -> bool:
        """By what is stored: the caller's token may be older than the name."""
        person = await self._people.get_person(connection, session.subject_id)
        return not session.unproven and session.ial >= min(person.identity_level, NAME_CHECKED)

    async def _refuse(self, connection: Connection, principal: Principal, refusal: SuishenError) -> SuishenError:
        await self._record(connection, principal, "person.real_name_refused", {"reason": refusal.slug})
        return refusal

    async def _record(
        self, connection: Connection, principal: Principal, action: str, detail: dict[str, str | int]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=principal.subject,
            detail=detail,
        )


def identity_of(claim: VerifyRealName) -> Identity:
    """The claim in the one form in which names and numbers are compared; raises `RealNameOutOfForm`."""
    name, number = normalize_name(claim.name), normalize_document_number(claim.document_number)
    if name is None or not document_number_is_valid(claim.document_type, number):
        raise RealNameOutOfForm
    return Identity(name=name, document_type=claim.document_type, document_number=number)
