"""Whether a call may be made, and as what it goes out: the same for a request, a stream and a conversation.

Everything is decided before a department is asked. Holds no database connection afterwards.
"""

import math
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.errors import RateLimited, SuishenError, Unauthenticated
from auth.mandates.errors import MandateRefused
from auth.mandates.rules import Why
from auth.principal import Principal
from gateway import errors
from gateway.asgi import Scope, find_header
from gateway.assertion import Assertions
from gateway.calls import Call
from gateway.headers import headers_to_department
from gateway.home.models import UNCHOSEN, Choice
from gateway.limits.ports import Limits
from gateway.masking import ask_plainly
from gateway.policy import ConsentGiven, Decision, consent_scopes, decide, without_documents
from gateway.ports import AdmitsDelegates, Authenticator, Consents, KnowsChoices
from gateway.routing import Match, RouteTable, Target, find_entry, match_route, parse_target
from gateway.settings import GatewaySettings
from gateway.snapshot import CompiledApp, Entry, choose
from gateway.trace import Trace
from gateway.visitors import Visitors
from miniapps.zones.codes import nearest

VISITOR: Final = "visitor"


class Admission:
    """Decides, counts and prepares."""

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        clock: Clock,
        table: RouteTable,
        authenticator: Authenticator,
        consents: Consents,
        assertions: Assertions,
        limits: Limits,
        visitors: Visitors,
        delegates: AdmitsDelegates | None = None,
        choices: KnowsChoices | None = None,
    ) -> None:
        self._settings = settings
        self._origin = settings.apps_origin
        self._visitors = visitors
        self._clock = clock
        self._table = table
        self._authenticator = authenticator
        self._consents = consents
        self._assertions = assertions
        self._limits = limits
        self._delegates = delegates  # without it nobody calls in another's name
        self._choices = choices  # without it nobody chose anything, and no gray release of a zone takes anybody

    async def decide(self, scope: Scope, trace: Trace) -> Decision:
        """The decision that lets the call pass, counted under its limits; raises the refusal."""
        target = parse_target(scope["raw_path"].decode("ascii"))
        if target is None:
            raise errors.UnknownService
        if not self._table.loaded:
            await self._table.ready()
        match, principal = await self._recognise(scope, target, trace)
        decision = await self._judge(match, principal)
        await self._count(decision, self.caller_of(scope, principal))
        return decision

    def caller_of(self, scope: Scope, principal: Principal | None) -> str:
        """Under which name a caller's calls are counted: the human being's own, or a visitor's."""
        return self._visitors.name_of(scope) if principal is None else principal.person_id.hex

    async def look_again(self, decision: Decision) -> None:
        """Raises what has ended the right of something long to go on: its session, its consent, its service.

        Whoever was served by a gray release that was taken back is cut off, and comes to the published one by trying
        again; a release that was published or superseded meanwhile ends nobody's conversation.
        """
        match, principal = decision.match, decision.principal
        entry = self._entry(match.app.app_id)
        found = await self._match(entry, match.route.method, match.path, principal)
        if match.app.gray and found.app.release_id != match.app.release_id:
            raise errors.ReleaseTakenBack(app_id=match.app.app_id)
        if principal is not None and not self._authenticator.stands(principal):
            raise Unauthenticated
        await self._judge(found, principal)

    async def admit(self, scope: Scope, decision: Decision, body: bytes | None) -> Decision:
        """Whoever calls in another's name is asked for their mandate, and the call written down, before it is made."""
        principal = decision.principal
        if principal is None or principal.mandate_id is None:
            return decision
        if self._delegates is None:
            raise MandateRefused(Why.NONE)
        target = (scope["raw_path"] + b"?" + scope["query_string"]).decode("ascii")
        authority = await self._delegates.admit(principal, decision.match, target=target, body=body)
        return without_documents(decision) if authority.no_documents else decision

    async def prepare(self, scope: Scope, decision: Decision, body: bytes | None, request_id: str) -> Call:
        """What goes out; with a `body` of None as a stream, whose announced length goes along."""
        match, principal = decision.match, decision.principal
        assertion = None
        if principal is not None:
            now, case_id = self._clock.now(), match.case_id
            assertion = await self._assertions.issue(principal, match.app, decision.granted, now, case_id=case_id)
        choice = UNCHOSEN if principal is None else await self._choice_of(principal.subject_id)
        query = scope["query_string"].decode("ascii")
        headers = headers_to_department(scope["headers"])
        if body is None and (length := find_header(scope["headers"], b"content-length")) is not None:
            headers["content-length"] = length.decode("ascii")
        return Call(
            app=match.app,
            method=match.route.method,
            path=match.path,
            query="?" + query if query else "",
            request_id=request_id,
            headers=ask_plainly(headers) if match.route.masks else headers,
            body=body,
            timeout_seconds=match.route.timeout_seconds,
            assertion=assertion,
            zone=self._zone_told(match.app, choice),
            elder=choice.profile == "elder",
            channel=VISITOR if principal is None else principal.client_id,
            caller=self.caller_of(scope, principal),
            retry_safe=match.route.retry_safe,
        )

    async def _recognise(self, scope: Scope, target: Target, trace: Trace) -> tuple[Match, Principal | None]:
        """Who calls, and what: of an app with one release the route is found before anybody is asked for a token."""
        entry = self._entry(target.app_id)
        trace.app_id = target.app_id
        if entry.gray is not None:
            principal = self._authenticate(scope, target.app_id)
            match = await self._match(entry, scope["method"], target.path, principal)
            trace.route = match.route.template
            return match, principal
        match = await self._match(entry, scope["method"], target.path, None)
        trace.route = match.route.template
        return match, self._authenticate(scope, target.app_id)

    def _authenticate(self, scope: Scope, app_id: str) -> Principal | None:
        return self._authenticator.authenticate(scope, origin=self._origin, app_id=app_id)

    def _entry(self, app_id: str) -> Entry:
        entry = find_entry(self._table.snapshot, app_id)
        if isinstance(entry, SuishenError):
            raise entry
        return entry

    async def _match(self, entry: Entry, method: str, path: str, principal: Principal | None) -> Match:
        subject_id = None if principal is None else principal.subject_id
        zone = await self._zone_of(entry, subject_id)
        app = choose(entry, subject_id, zone)
        match = errors.UnknownService(app_id=entry.app_id) if app is None else match_route(app, method, path)
        if isinstance(match, SuishenError):
            raise match
        return match

    async def _zone_of(self, entry: Entry, subject_id: UUID | None) -> str | None:
        """Where the subject is at home; asked only while a gray release of that app names zones."""
        if subject_id is None or not entry.asks_zone:
            return None
        return (await self._choice_of(subject_id)).zone

    async def _choice_of(self, subject_id: UUID) -> Choice:
        return UNCHOSEN if self._choices is None else await self._choices.find_choice(subject_id)

    def _zone_told(self, app: CompiledApp, choice: Choice) -> str:
        """The nearest of the app's own zones, never a finer one; the whole city for who named no place."""
        told = None if choice.zone is None else nearest(choice.zone, app.zones)
        return told or self._settings.region

    async def _judge(self, match: Match, principal: Principal | None) -> Decision:
        decision = decide(match, principal, await self._consents_for(match, principal))
        if isinstance(decision, SuishenError):
            raise decision
        return decision

    async def _consents_for(self, match: Match, principal: Principal | None) -> Mapping[str, ConsentGiven]:
        scopes = consent_scopes(match)
        if not scopes or principal is None:
            return {}
        return await self._consents.find_consents(principal, match.app, scopes)

    async def _count(self, decision: Decision, who: str) -> None:
        app, route = decision.match.app, decision.match.route
        app_id, settings = app.app_id, self._settings
        limits = [(f"app:{app_id}", settings.per_app), (f"department:{app.department}", settings.per_department)]
        if decision.principal is not None:
            limits.append((f"person:{who}", settings.per_person))
        else:
            limits.append((f"address:{who}", settings.per_address))
            limits.append((f"visitors:{app_id}", settings.per_app_of_visitors))
        if route.limit is not None:
            limits.append((f"route:{app_id}:{route.method}:{route.template}:{who}", route.limit))
        wait = await self._limits.admit(limits)
        if wait > 0:
            raise RateLimited(retry_after=math.ceil(wait))
