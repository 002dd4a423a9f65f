"""Identity level 3 by face, and unfreezing by face.

The challenge binds what the face service saw to one attempt here, and is used up before the service is asked, so that
evidence which was seen once opens nothing again. No transaction is open meanwhile. Guesses are counted as in the
real-name check, and given back only when the face was confirmed or the service could not answer.
"""

import hashlib
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_token
from app.kit.vault import Vault
from auth.attempts import Limit, refund_attempt, spend_attempt
from auth.documents import normalize_document_number, normalize_name
from auth.errors import IdentityLevelTooLow
from auth.people.faces import repository
from auth.people.faces.errors import FaceRefused
from auth.people.faces.models import (
    FaceChallenge,
    FaceConfirmed,
    OpenChallenge,
    Purpose,
    ShowFace,
    UnfreezeByFace,
    Unfrozen,
)
from auth.people.life.models import NamedPerson
from auth.people.life.service import Cause, PersonLife
from auth.people.models import FACE_CHECKED, NAME_CHECKED, Identity
from auth.people.recoveries.service import Recoveries
from auth.people.service import People
from auth.principal import Principal
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import FaceService, PersonNamed
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings

ADDRESS_PURPOSE: Final = "address"
NOBODY: Final = ""


class FaceChecks:
    """Asks the face service, and acts on its answer."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        life: PersonLife,
        sessions: Sessions,
        recoveries: Recoveries,
        faces: FaceService,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._people = people
        self._life = life
        self._sessions = sessions
        self._recoveries = recoveries
        self._faces = faces
        self._vault = vault
        self._clock = clock
        self._seconds = settings.face_challenge_seconds
        self._limit = Limit(kind="face", most=settings.face_limit, window_seconds=DAY_SECONDS)
        self._address_limit = Limit(
            kind="face_address", most=settings.face_address_limit, window_seconds=settings.otp_window_seconds
        )

    async def open_challenge(
        self, connection: Connection, purpose: Purpose, *, session_id: UUID | None = None
    ) -> FaceChallenge:
        """What the phone hands to the face service's program. Anybody may ask for one; it opens nothing by itself."""
        text = new_token()
        expires_at = self._clock.now() + timedelta(seconds=self._seconds)
        await repository.insert_challenge(connection, _stored(text, purpose, session_id), expires_at)
        return FaceChallenge(challenge=text, expires_in_seconds=self._seconds)

    async def confirm_face(self, principal: Principal, shown: ShowFace) -> FaceConfirmed | SuishenError:
        """Takes person and session to identity level 3, or the refusal, which is remembered. Opens own transactions.

        On an unseen device it is the second proof, and the holder is told. Raises `RegistryUnavailable`, `TokenInvalid`
        when the session ended meanwhile, and `IdentityLevelTooLow` for somebody whose name nobody has checked.
        """
        key = principal.subject_id.bytes
        async with self._database.transaction() as connection:
            identity = await self._people.find_identity(connection, principal.subject_id)
            locked_for = await spend_attempt(connection, self._limit, key, self._clock.now())
            ours = await self._take(connection, shown.challenge, "raise", principal.session_id)
        if identity is None:
            raise IdentityLevelTooLow(required_ial=NAME_CHECKED, ial=principal.ial)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        if not ours or not await self._matches(_named(identity), shown.challenge, shown.evidence, key):
            return FaceRefused()
        async with self._database.transaction() as connection:
            session = await self._sessions.require_living(connection, principal)
            await refund_attempt(connection, self._limit, key)
            if session.unproven or session.ial < NAME_CHECKED:
                await self._recoveries.tell_of_return(connection, principal.subject_id)
            await self._life.raise_level(connection, principal.subject_id)
            await self._sessions.raise_identity_level(connection, principal.session_id, FACE_CHECKED)
            cause = Cause(actor=principal.actor, source="face", reason="face_checked")
            await self._life.record(connection, principal.subject_id, "face_confirmed", cause)
        return FaceConfirmed(identity_level=FACE_CHECKED)

    async def unfreeze(self, shown: UnfreezeByFace, *, address: str) -> Unfrozen | SuishenError:
        """Wakes the account of whoever has this name, number and face; one refusal for whatever is not so.

        The service is asked also for names that nobody here has, so that the time tells no more than the answer.
        Raises `RegistryUnavailable`.
        """
        named = _normalized(shown.holder)
        key = self._vault.blind_index("face-target", f"{named.document_type}:{named.document_number}")
        async with self._database.transaction() as connection:
            now = self._clock.now()
            locked_for = await spend_attempt(connection, self._limit, key, now)
            place = self._vault.blind_index(ADDRESS_PURPOSE, address)
            locked_for = locked_for or await spend_attempt(connection, self._address_limit, place, now)
            ours = await self._take(connection, shown.challenge, "unfreeze", None)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        if not ours or not await self._matches(named, shown.challenge, shown.evidence, key):
            return FaceRefused()
        async with self._database.transaction() as connection:
            return await self._wake(connection, named, key)

    async def forget(self, connection: Connection) -> None:
        """Forgets challenges that are over; a periodic job."""
        await repository.delete_expired(connection, self._clock.now())

    async def _wake(self, connection: Connection, named: PersonNamed, key: bytes) -> Unfrozen | SuishenError:
        person_id = await self._people.find_named(
            connection,
            name=named.name,
            document_type=named.document_type,
            document_number=named.document_number,
        )
        if person_id is None or not await self._life.unfreeze_by_face(connection, person_id):
            return FaceRefused()
        await refund_attempt(connection, self._limit, key)
        return Unfrozen()

    async def _take(self, connection: Connection, text: str, purpose: Purpose, session_id: UUID | None) -> bool:
        return await repository.delete_challenge(connection, _stored(text, purpose, session_id), self._clock.now())

    async def _matches(self, holder: PersonNamed, challenge: str, evidence: str, key: bytes) -> bool:
        try:
            answer = await self._faces.check_face(holder=holder, challenge=challenge, evidence=evidence)
        except RegistryUnavailable:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, key)
            raise
        return answer.match


def _stored(text: str, purpose: Purpose, session_id: UUID | None) -> OpenChallenge:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return OpenChallenge(nonce_hash=digest, purpose=purpose, session_id=session_id)


def _named(identity: Identity) -> PersonNamed:
    return PersonNamed(
        name=identity.name, document_type=identity.document_type, document_number=identity.document_number
    )


def _normalized(holder: NamedPerson) -> PersonNamed:
    return PersonNamed(
        name=normalize_name(holder.name) or NOBODY,
        document_type=holder.document_type,
        document_number=normalize_document_number(holder.document_number),
    )
