"""Whoever calls a department in somebody else's name: asked of identity's engine at every call, and written down.

One short use of the database before the department is called: what is not on the record is not done. Refuses what the
mandate does not name, and an act of a helper that the citizen has not confirmed.
"""

import hashlib
from datetime import timedelta
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import SuishenError
from auth.acts.service import Acts
from auth.mandates.confirmations.service import Confirmations
from auth.mandates.engine import Authority, MandateEngine
from auth.mandates.errors import MandateRefused
from auth.mandates.rules import Act, Why, covers
from auth.principal import Principal
from gateway.routing import Match
from gateway.snapshot import CompiledApp

LOOKS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SEEN_AGAIN_AFTER: Final = timedelta(days=1)
"""Looking into one service is one act a day in the citizen's list; doing something there is one each time."""


class Delegates:
    """Lets agents through, call by call."""

    def __init__(
        self, database: Database, clock: Clock, *, engine: MandateEngine, acts: Acts, confirmations: Confirmations
    ) -> None:
        self._database = database
        self._clock = clock
        self._engine = engine
        self._acts = acts
        self._confirmations = confirmations

    async def admit(self, principal: Principal, match: Match, *, target: str, body: bytes | None) -> Authority:
        """The authority for this very call, which is on the record from now on. `body` None: not known beforehand.

        Raises `MandateRefused`; what was asked of the citizen is committed before. Holds no connection afterwards.
        """
        async with self._database.transaction() as connection:
            answer = await self._judge(connection, principal, match, target, body)
        if isinstance(answer, SuishenError):
            raise answer
        return answer

    async def _judge(
        self, connection: Connection, principal: Principal, match: Match, target: str, body: bytes | None
    ) -> Authority | SuishenError:
        assert principal.mandate_id is not None
        now = self._clock.now()
        authority = await self._engine.check_mandate(
            connection,
            mandate_id=principal.mandate_id,
            agent_id=principal.person_id,
            principal_id=principal.subject_id,
            act=Act(kind="speak"),
            now=now,
        )
        if isinstance(authority, MandateRefused):
            return authority
        method = match.route.method
        detail = {"app_id": match.app.app_id, "route": f"{method} {match.route.template}"}
        if why := await self._why_not(connection, authority, match.app):
            return why
        if method in LOOKS:
            seen = {"app_id": match.app.app_id}
            await self._record(connection, authority, "app_called", seen, at_most_every=SEEN_AGAIN_AFTER)
            return authority
        if authority.confirm_each and (refusal := await self._confirm(connection, authority, detail, target, body)):
            return refusal
        await self._record(connection, authority, "app_acted", detail)
        return authority

    async def _why_not(self, connection: Connection, authority: Authority, app: CompiledApp) -> MandateRefused | None:
        """A mandate names the mini-app, or all items of business that it is for."""
        ask = [Act(kind="call_app", app=app.app_id)]
        if not covers(authority.scope, ask[0]):
            ask = [Act(kind="call_app", app=app.app_id, item=item) for item in app.items] or ask
        for act in ask:
            answer = await self._engine.check_mandate(
                connection,
                mandate_id=authority.mandate_id,
                agent_id=authority.agent_id,
                principal_id=authority.principal_id,
                act=act,
                now=self._clock.now(),
            )
            if isinstance(answer, MandateRefused):
                return answer
        return None

    async def _confirm(
        self, connection: Connection, authority: Authority, detail: dict[str, str], target: str, body: bytes | None
    ) -> SuishenError | None:
        if body is None:
            return MandateRefused(Why.CONFIRMATION)  # nobody confirms what they cannot know
        return await self._confirmations.use(
            connection,
            authority,
            kind="app_acted",
            detail=detail,
            fingerprint=hashlib.sha256(f"{detail['route']}\n{target}\n".encode() + body).digest(),
            now=self._clock.now(),
        )

    async def _record(
        self,
        connection: Connection,
        authority: Authority,
        kind: str,
        detail: dict[str, str],
        *,
        at_most_every: timedelta | None = None,
    ) -> None:
        await self._acts.record(
            connection,
            principal_id=authority.principal_id,
            principal_type=authority.principal_type,
            agent_id=authority.agent_id,
            mandate_id=authority.mandate_id,
            kind=kind,
            detail=detail,
            now=self._clock.now(),
            at_most_every=at_most_every,
        )
