"""A browser's session at the city itself: what single sign-on stands on. It opens no API and holds no token."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.vault import Vault
from auth.login.proof import Proved
from auth.login.scan.models import ProvedScan
from auth.principal import Principal
from auth.sessions.models import Session, StartSession
from auth.sessions.overview.repository import upsert_agent
from auth.sessions.refresh_tokens import RefreshTokens
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

CLIENT: Final = "city-browser"
LOGGED_OUT: Final = "logged_out"
PROVED_AGAIN: Final = "proved_again"
REPLACED: Final = "another_person"


class BrowserSessions:
    """Opens, finds and ends them. The cookie is made of the session's id and cannot be made without our key."""

    def __init__(self, *, sessions: Sessions, vault: Vault, clock: Clock, settings: AuthSettings) -> None:
        self._sessions = sessions
        self._tokens = RefreshTokens(vault, purpose="browser-session")
        self._clock = clock
        self._settings = settings

    async def open(self, connection: Connection, proof: Proved, *, before: Session | None, agent: str) -> Session:
        """A new session, at every authentication: a cookie from before never becomes one that is signed in.

        `before` is the session that this browser held. It ends; what clients were given in it goes on when the same
        person proved themself again, and ends when it is another. What that person had shown of their identity in this
        browser still counts.
        """
        same = before is not None and before.subject_id == proof.person_id
        carried = before if before is not None and same and before.ial > proof.ial else None
        session = await self._sessions.open_session(connection, self._start(proof, carried))
        await upsert_agent(connection, session.id, agent)
        if before is not None and same:
            await self._sessions.replace_session(connection, before, session, reason=PROVED_AGAIN)
        elif before is not None:
            await self._sessions.end_one(connection, before, actor=f"person:{before.holder_id}", reason=REPLACED)
        return session

    def cookie_of(self, session: Session) -> str:
        """What the browser keeps."""
        return self._tokens.make(session.id, 0).text

    def read_cookie(self, cookie: str | None) -> UUID | None:
        """The session that a genuine cookie names, alive or not."""
        token = self._tokens.recognise(cookie) if cookie else None
        return None if token is None else token.session_id

    async def find(self, connection: Connection, cookie: str | None) -> Session | None:
        """The living session that a cookie names, None for anything else."""
        session_id = self.read_cookie(cookie)
        session = await self._sessions.find_living(connection, session_id) if session_id else None
        return session if session is not None and session.client_id == CLIENT else None

    async def keep_alive(self, connection: Connection, session: Session) -> None:
        """It was used: its idle time begins anew. Locks it, so whoever is about to end it does not call this before."""
        await self._sessions.keep_alive(connection, session)

    async def end(self, connection: Connection, session: Session) -> None:
        """Signs the browser out, and with it every client that signed in through it."""
        await self._sessions.end_one(connection, session, actor=f"person:{session.holder_id}", reason=LOGGED_OUT)

    def _start(self, proof: Proved, carried: Session | None) -> StartSession:
        now = self._clock.now()
        ends = [now + timedelta(seconds=self._settings.browser_session_seconds)]
        parent_id = None
        if carried is not None:  # what was shown of an identity does not last longer for being carried over
            ends, parent_id = [*ends, carried.expires_at], carried.parent_id
        if isinstance(proof, ProvedScan):
            ends, parent_id = [*ends, proof.until], proof.session_id
        return StartSession(
            subject_type="person",
            subject_id=proof.person_id,
            holder_id=proof.person_id,
            parent_id=parent_id,
            client_id=CLIENT,
            scopes=frozenset(),
            ial=carried.ial if carried else proof.ial,
            aal=proof.aal,
            method=proof.method,
            unproven=carried.unproven if carried else proof.unproven,
            phone_index=proof.phone_index,
            authenticated_at=now,
            idle_seconds=self._settings.browser_idle_seconds,
            absolute_seconds=max(1, int((min(ends) - now).total_seconds())),
        )


def principal_in(session: Session) -> Principal:
    """The citizen before the browser, for services that ask who acts."""
    return Principal(
        subject_type="person",
        subject_id=session.subject_id,
        session_id=session.id,
        client_id=session.client_id,
        authenticated_at=session.authenticated_at,
        ial=session.ial,
        aal=session.aal,
        unproven=session.unproven,
    )
