"""A citizen who takes back the consent to sign in at a client is signed out of it: no token of theirs works there."""

from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.consents.models import Consent
from auth.provider.authorize.consent import login_purpose
from auth.sessions import repository
from auth.sessions.service import Sessions

CONSENT_WITHDRAWN: Final = "consent_withdrawn"


class SignInEnds:
    """Hears of withdrawn consents. Ends of sessions are known on every worker within a second."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def hold_what_stands(self, connection: Connection, person_id: UUID) -> None:
        """A client's session is opened in one of the person's, which is held: either it is seen here, or not opened."""
        await repository.lock_sessions(connection, person_id)

    async def consent_withdrawn(self, connection: Connection, consent: Consent, *, actor: str) -> None:
        """Ends the person's sessions at the client whose sign-in stood on this consent; others are not touched."""
        for session in await repository.list_sessions(connection, consent.person_id, self._clock.now()):
            if session.method == "code" and login_purpose(session.client_id) == consent.purpose:
                await self._sessions.end_one(connection, session, actor=actor, reason=CONSENT_WITHDRAWN)
