"""Opening a mini-app from the city's app: an authorization code with a challenge of the mini-app's own session.

The same consents, codes and tokens as in a browser; only the way is another. A code that somebody slips into another's
mini-app fails there, because the verifier in that session is another one (RFC 7636, RFC 9700, section 4.5).
"""

from datetime import datetime, timedelta
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import StepUpRequired
from app.kit.ids import new_id, new_token
from auth.assurance import FRESH_SECONDS, levels_of
from auth.principal import Principal
from auth.provider.authorize import repository as requests
from auth.provider.authorize.consent import Answer, ConsentDesk, Question, page_version
from auth.provider.authorize.models import AuthorizationRequest, StoredRequest
from auth.provider.authorize.pushing import hash_of
from auth.provider.authorize.service import CODE_SECONDS, REQUEST_SECONDS
from auth.provider.clients.models import OPENID, Client
from auth.provider.clients.service import Clients
from auth.provider.launch import repository
from auth.provider.launch.errors import AppNotLaunchable, LaunchAnswerStale, LaunchInvalid, LaunchUnknown
from auth.provider.launch.models import (
    AnswerLaunch,
    AskedScope,
    LaunchApp,
    LaunchQuestion,
    LaunchState,
    LaunchView,
    ToldScope,
)


class Launches:
    """Leads launches to their end. Every method is one request's transaction."""

    def __init__(self, *, clients: Clients, desk: ConsentDesk, clock: Clock, issuer: str) -> None:
        self._clients = clients
        self._desk = desk
        self._clock = clock
        self._issuer = issuer

    async def launch(self, connection: Connection, principal: Principal, app: LaunchApp) -> LaunchView:
        """A code at once when everything was allowed before, else the first page to show.

        Raises `AppNotLaunchable`, `LaunchInvalid`, and `StepUpRequired` with what is enough.
        """
        client = await self._clients.find_client(connection, app.app_id)
        if client is None:
            raise AppNotLaunchable
        now, parameters = self._clock.now(), _parameters(app, client)
        _require_assurance(parameters, principal, now)
        launch = StoredRequest(
            id=new_id(),
            client_id=client.client_id,
            parameters=parameters,
            created_at=now,
            expires_at=now + timedelta(seconds=REQUEST_SECONDS),
            browser_session_id=principal.session_id,
        )
        await repository.insert_launch(connection, launch, hash_of(new_token()))
        return await self._go_on(connection, principal, client, launch)

    async def answer(
        self, connection: Connection, principal: Principal, launch_id: UUID, answer: AnswerLaunch
    ) -> LaunchView:
        """The next page, the code, or the end. Raises `LaunchUnknown`, and `LaunchAnswerStale` for other words."""
        client, launch = await self._find(connection, principal, launch_id)
        question = await self._question(connection, principal, client, launch)
        read = (question.part, page_version(client, question))
        if question.guardian_decides or (answer.part, answer.text_version) != read:
            raise LaunchAnswerStale
        decided = Answer(agreed=frozenset(answer.agreed), goes_on=answer.goes_on)
        if not decided.goes_on or question.needs_more_than(decided):
            await requests.mark_ended(connection, launch.id, self._clock.now())
            return _view(launch, client, "declined")
        await self._desk.answer(connection, client, principal, question, decided, request_id=launch.id)
        return await self._go_on(connection, principal, client, launch)

    async def ask_guardians(self, connection: Connection, principal: Principal, launch_id: UUID) -> LaunchView:
        """Tells the guardians of a child under fourteen what it would like to open; raises `LaunchUnknown`."""
        client, launch = await self._find(connection, principal, launch_id)
        question = await self._question(connection, principal, client, launch)
        if question.guardian_decides:
            await self._desk.ask_guardians(connection, client, principal.subject_id, launch.parameters.scopes)
        return await self._go_on(connection, principal, client, launch)

    async def _find(
        self, connection: Connection, principal: Principal, launch_id: UUID
    ) -> tuple[Client, StoredRequest]:
        now = self._clock.now()
        launch = await repository.find_launch_for_update(connection, launch_id, principal.session_id, now)
        client = None if launch is None else await self._clients.find_client(connection, launch.client_id)
        if launch is None or client is None:
            raise LaunchUnknown
        return client, launch

    async def _question(
        self, connection: Connection, principal: Principal, client: Client, launch: StoredRequest
    ) -> Question:
        return await self._desk.question(
            connection, client, principal.subject_id, launch.parameters.scopes, request_id=launch.id
        )

    async def _go_on(
        self, connection: Connection, principal: Principal, client: Client, launch: StoredRequest
    ) -> LaunchView:
        question = await self._question(connection, principal, client, launch)
        if question.guardian_decides:
            return _view(launch, client, "guardian")
        if question.must_ask:
            return _view(launch, client, "asking", question=_shown(client, question))
        return await self._finish(connection, principal, client, launch)

    async def _finish(
        self, connection: Connection, principal: Principal, client: Client, launch: StoredRequest
    ) -> LaunchView:
        now, code = self._clock.now(), new_token()
        await requests.mark_code(
            connection,
            launch.id,
            code_hash=hash_of(code),
            session_id=principal.session_id,
            now=now,
            until=now + timedelta(seconds=CODE_SECONDS),
        )
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="client.launched",
            subject=f"client:{client.client_id}",
            detail={"session_id": str(principal.session_id)},
        )
        return _view(launch, client, "ready", code=code, iss=self._issuer)


def _parameters(app: LaunchApp, client: Client) -> AuthorizationRequest:
    if app.redirect_uri is not None and app.redirect_uri not in client.redirect_uris:
        raise LaunchInvalid
    return AuthorizationRequest(
        redirect_uri=app.redirect_uri,
        scopes=client.known_scopes(frozenset(app.scopes) | {OPENID}),
        code_challenge=app.code_challenge,
        nonce=app.nonce,
        max_age=app.max_age,
        dpop_jkt=app.dpop_jkt,
        acr_values=tuple(value for value in app.acr_values if levels_of(value)),
    )


def _require_assurance(asked: AuthorizationRequest, principal: Principal, now: datetime) -> None:
    """Raises `StepUpRequired`: the phone proves more, or once more, and opens the mini-app again (RFC 9470)."""
    fresh = asked.max_age is None or principal.authenticated_within(timedelta(seconds=asked.max_age), now)
    if not fresh or not asked.is_met_by((principal.ial, principal.aal)):
        max_age = FRESH_SECONDS if asked.max_age is None else asked.max_age
        raise StepUpRequired(acr_values=" ".join(asked.acr_values), max_age=max_age)


def _shown(client: Client, question: Question) -> LaunchQuestion:
    return LaunchQuestion(
        part=question.part,
        text_version=page_version(client, question),
        asked=tuple(
            AskedScope(
                name=scope.name,
                fields=scope.fields,
                purpose=scope.purpose,
                required=scope.required,
                sensitive=scope.sensitive,
                retention_days=scope.retention_days,
                goes_to=scope.recipient.hosts,
            )
            for scope in question.asked
        ),
        told=tuple(
            ToldScope(
                name=scope.name,
                fields=scope.fields,
                purpose=scope.purpose,
                basis=scope.basis,
                legal_basis=scope.legal_basis,
            )
            for scope in question.told
        ),
        separate=question.separate,
    )


def _view(
    launch: StoredRequest,
    client: Client,
    state: LaunchState,
    *,
    question: LaunchQuestion | None = None,
    code: str | None = None,
    iss: str | None = None,
) -> LaunchView:
    return LaunchView(
        id=launch.id,
        state=state,
        app_id=client.client_id,
        app_name=client.name,
        organization_name=client.organization_name,
        question=question,
        code=code,
        expires_in_seconds=None if code is None else CODE_SECONDS,
        iss=iss,
        redirect_uri=launch.parameters.redirect_uri,
    )
