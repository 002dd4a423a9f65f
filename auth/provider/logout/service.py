"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): who may end the browser's session, and what follows.

Without a genuine ID token of this very session the citizen is asked first: another site's link must not sign them out.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from auth.browser.service import LOGGED_OUT, BrowserSessions
from auth.provider.clients.models import Client
from auth.provider.clients.service import Clients
from auth.provider.tokens.id_tokens import Hint, IdTokens
from auth.sessions import repository
from auth.sessions.models import Session
from auth.sessions.service import Sessions

LONGEST_STATE: Final = 512


class LogoutRequest(Model):
    """A checked request. `back_to` is a registered address, complete with `state`; None: the citizen stays here."""

    client: Client | None
    hint: Hint | None
    back_to: str | None


class Logout:
    """Judges requests and ends sessions."""

    def __init__(
        self, *, clients: Clients, sessions: Sessions, id_tokens: IdTokens, browser_sessions: BrowserSessions
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._id_tokens = id_tokens
        self._browser_sessions = browser_sessions

    async def read(self, connection: Connection, form: Mapping[str, str]) -> LogoutRequest | None:
        """The request, or None when anything in it is wrong: then nobody is redirected anywhere (section 4)."""
        hint = self._id_tokens.read_hint(form["id_token_hint"]) if "id_token_hint" in form else None
        if "id_token_hint" in form and hint is None:
            return None
        client_id = form.get("client_id", hint.aud if hint else None)
        if hint is not None and client_id != hint.aud:
            return None
        client = None if client_id is None else await self._clients.find_client(connection, client_id)
        if client_id is not None and client is None:
            return None
        uri = form.get("post_logout_redirect_uri")
        if uri is not None and (client is None or uri not in client.post_logout_redirect_uris):
            return None
        state = form.get("state", "")
        if len(state) > LONGEST_STATE:
            return None
        return LogoutRequest(client=client, hint=hint, back_to=_address(uri, state))

    async def is_of_this_session(self, connection: Connection, request: LogoutRequest, session: Session) -> bool:
        """Whether the ID token was given to a client in this very browser session."""
        if request.hint is None:
            return False
        of_client = await repository.find_session(connection, request.hint.sid)
        return of_client is not None and of_client.parent_id == session.id

    async def end_hinted(
        self, connection: Connection, request: LogoutRequest, *, browser_session_id: UUID | None = None
    ) -> None:
        """Ends what the client of a genuine hint was given, though nobody is signed in here (any more).

        In the browser in which it was given, idle by now, everything ends that was begun there; elsewhere what this one
        client has, which it could give back by itself.
        """
        of_client = None if request.hint is None else await repository.find_session(connection, request.hint.sid)
        if request.hint is None or of_client is None or of_client.client_id != request.hint.aud:
            return
        ended = of_client
        if of_client.parent_id is not None and of_client.parent_id == browser_session_id:
            ended = await repository.find_session(connection, of_client.parent_id) or of_client
        await self._sessions.end_one(connection, ended, actor=f"person:{ended.holder_id}", reason=LOGGED_OUT)

    async def end(self, connection: Connection, session: Session) -> None:
        """Signs the browser out; every client that signed in through it is told."""
        await self._browser_sessions.end(connection, session)


def _address(uri: str | None, state: str) -> str | None:
    if uri is None or not state:
        return uri
    return f"{uri}?{urlencode({'state': state})}"
