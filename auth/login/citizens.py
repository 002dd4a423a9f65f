"""The session of a citizen's own app, opened by whichever way in succeeded. Asks no question of its own."""

from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.login.proof import Proved
from auth.people.models import PersonView
from auth.people.service import People
from auth.sessions.models import StartSession, TokenPair
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

CLIENT: Final = "citizen-app"
SCOPES: Final = frozenset({"citizen"})


class LoginView(TokenPair):
    """Tokens, and who signed in."""

    person: PersonView


class CitizenSessions:
    """Opens them."""

    def __init__(self, *, sessions: Sessions, people: People, clock: Clock, settings: AuthSettings) -> None:
        self._sessions = sessions
        self._people = people
        self._clock = clock
        self._settings = settings

    async def open(
        self, connection: Connection, proved: Proved, *, jkt: str | None, phone: str | None = None
    ) -> LoginView:
        """A new session of its own for every proof. `jkt` binds it to a DPoP key; `phone` is the one just used."""
        pair = await self._sessions.start_session(
            connection,
            StartSession(
                subject_type="person",
                subject_id=proved.person_id,
                holder_id=proved.person_id,
                client_id=CLIENT,
                scopes=SCOPES,
                ial=proved.ial,
                aal=proved.aal,
                method=proved.method,
                authenticated_at=self._clock.now(),
                idle_seconds=self._settings.session_idle_seconds,
                absolute_seconds=self._settings.session_seconds,
                device_id=proved.device_id,
                jkt=jkt,
                unproven=proved.unproven,
                phone_index=proved.phone_index,
            ),
        )
        return LoginView(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            token_type=pair.token_type,
            expires_in=pair.expires_in,
            scope=pair.scope,
            person=await self._people.describe(connection, proved.person_id, ial=proved.ial, phone=phone),
        )
