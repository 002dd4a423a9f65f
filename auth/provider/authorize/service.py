"""The way of one authorization request through one browser: opened, decided, answered with a code.

How the citizen proves themself on the way stands in `sign_in`. Nothing here renders a page or reads a cookie. An answer
goes only to the address that was checked when it was pushed.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from msgspec import structs

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_token
from app.kit.structs import Model
from auth.browser.service import principal_in
from auth.devices.service import Devices
from auth.login.passkeys import repository as passkeys
from auth.pairwise import Names
from auth.people.service import People
from auth.provider.authorize import repository
from auth.provider.authorize.consent import Answer, ConsentDesk, Question
from auth.provider.authorize.models import Facts, Step, StoredRequest, Way, needs_proof, next_step, ways_that_help
from auth.provider.authorize.pushing import hash_of
from auth.provider.clients.models import Client
from auth.provider.clients.service import Clients
from auth.sessions.models import Session

CODE_SECONDS: Final = 60
REQUEST_SECONDS: Final = 900
ACCESS_DENIED: Final = "access_denied"


class Visit(Model):
    """A living request in the browser that opened it."""

    request: StoredRequest
    client: Client
    begun: bool = False
    """Whether this browser had opened it before."""


class Next(Model):
    """What comes next on a visit, and what a page needs to say of it."""

    step: Step
    session: Session | None
    question: Question | None
    ways: tuple[Way, ...]
    """How the citizen can prove what is still missing."""


class Authorizing:
    """Leads requests to their end. Every method is one request's transaction."""

    def __init__(
        self,
        *,
        clients: Clients,
        people: People,
        desk: ConsentDesk,
        names: Names,
        devices: Devices,
        clock: Clock,
        issuer: str,
        offered: frozenset[Way],
    ) -> None:
        self._offered = offered
        self._devices = devices
        self._clients = clients
        self._people = people
        self._desk = desk
        self._names = names
        self._clock = clock
        self._issuer = issuer

    async def open(self, connection: Connection, client_id: str, request_uri: str, browser: str) -> Visit | None:
        """The visit that a pushed request begins, in the first browser that shows it and in no other."""
        now, uri_hash, browser_hash = self._clock.now(), hash_of(request_uri), hash_of(browser)
        until = now + timedelta(seconds=REQUEST_SECONDS)
        request = await repository.mark_opened(
            connection, uri_hash, client_id, browser_hash=browser_hash, until=until, now=now
        )
        if request is not None:
            return await self._visit(connection, request)
        request = await repository.find_opened(connection, uri_hash, client_id, browser_hash=browser_hash, now=now)
        return None if request is None else await self._visit(connection, request, begun=True)

    async def find(self, connection: Connection, request_id: UUID, browser: str | None) -> Visit | None:
        """The visit of this browser while it lasts; locked, so that two tabs take turns."""
        if browser is None:
            return None
        request = await repository.find_for_browser(
            connection, request_id, browser_hash=hash_of(browser), now=self._clock.now()
        )
        return None if request is None else await self._visit(connection, request)

    async def look(self, connection: Connection, visit: Visit, session: Session | None) -> Next:
        """What comes next, for whoever is signed in in this browser."""
        asked, now, question = visit.request.parameters, self._clock.now(), None
        facts = self._facts(visit, session)
        if session is not None and needs_proof(asked, facts, now):
            facts = await self._with_ways(connection, facts, session)
        elif session is not None:
            question = await self._desk.question(
                connection, visit.client, session.subject_id, asked.scopes, request_id=visit.request.id
            )
            facts = structs.replace(facts, must_ask=question.must_ask)
        ways = ways_that_help(asked, facts)
        return Next(step=next_step(asked, facts, now), session=session, question=question, ways=ways)

    def _facts(self, visit: Visit, session: Session | None) -> Facts:
        """Without what has to be looked up: of who is not known yet every way may be true."""
        client_id = visit.client.client_id
        return Facts(
            session=session,
            fresh=session is not None and session.id == visit.request.browser_session_id,
            sub=None if session is None else self._names.sub(client_id, session.subject_id),
            must_ask=False,
            consented=visit.request.consented,
            ways=self._offered,
        )

    async def _with_ways(self, connection: Connection, facts: Facts, session: Session) -> Facts:
        """How this very person can prove more, and how much the city knows at most."""
        person = await self._people.get_person(connection, session.subject_id)
        has_passkey = bool(await passkeys.list_passkeys(connection, "person", session.subject_id))
        ways = self._offered if has_passkey else self._offered - {Way.PASSKEY}
        # Who has a device or a passkey is asked for it: names are no secret. Where none is known, any would fit.
        guarded = await self._devices.guards(connection, session.subject_id)
        if session.unproven and (guarded or person.identity_sealed is None):
            ways -= {Way.NAME}
        return structs.replace(facts, ways=ways, identity_level=person.identity_level)

    async def consent(
        self, connection: Connection, visit: Visit, session: Session, question: Question, answer: Answer
    ) -> bool:
        """Keeps the citizen's decision on one page, and after the last page writes all of them down: nothing is left
        to ask. False: another page waits.
        """
        return await self._desk.answer(
            connection, visit.client, principal_in(session), question, answer, request_id=visit.request.id
        )

    async def ask_guardians(self, connection: Connection, visit: Visit, session: Session) -> None:
        """Tells the guardians of a child under fourteen what it would like to use."""
        await self._desk.ask_guardians(connection, visit.client, session.subject_id, visit.request.parameters.scopes)

    async def finish(self, connection: Connection, visit: Visit, session: Session, *, consented: bool = False) -> str:
        """Where the browser goes with its code, which lives a minute and works once.

        `consented` says that the citizen has just been asked.
        """
        now, code = self._clock.now(), new_token()
        await repository.mark_code(
            connection,
            visit.request.id,
            code_hash=hash_of(code),
            session_id=session.id,
            consented=consented,
            now=now,
            until=now + timedelta(seconds=CODE_SECONDS),
        )
        await audit.record(
            connection,
            clock_now=now,
            actor=f"person:{session.subject_id}",
            action="client.authorized",
            subject=f"client:{visit.client.client_id}",
            detail={"session_id": str(session.id)},
        )
        return self._answer(visit, code=code)

    async def refuse(self, connection: Connection, visit: Visit, error: str) -> str:
        """Where the browser goes with an error; the request is over."""
        await repository.mark_ended(connection, visit.request.id, self._clock.now())
        return self._answer(visit, error=error)

    async def _visit(self, connection: Connection, request: StoredRequest, *, begun: bool = False) -> Visit | None:
        client = await self._clients.find_client(connection, request.client_id)
        if client is None or request.parameters.redirect_uri not in client.redirect_uris:
            return None
        return Visit(request=request, client=client, begun=begun)

    def _answer(self, visit: Visit, **members: str) -> str:
        # `iss` tells the client which server answered (RFC 9207): a mix-up ends here.
        state = visit.request.parameters.state
        members |= {"iss": self._issuer} | ({} if state is None else {"state": state})
        return f"{visit.request.parameters.redirect_uri}?{urlencode(members)}"
