"""Inviting testers, accepting, leaving. A code is worth one citizen once, for a week; the city keeps its hash alone."""

import hashlib
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id, new_token
from app.kit.listing import cut
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.errors import InvitationInvalid, TesterUnknown, TooManyTesters
from miniapps.manifest import decode_canonical
from miniapps.registry import repository as apps
from miniapps.registry.models import CHANNEL
from miniapps.registry.service import refuse_other_department
from miniapps.testers import repository
from miniapps.testers.models import (
    AcceptInvitation,
    Invitation,
    InviteTester,
    Tester,
    TesterList,
    TesterView,
    TrialList,
    TrialView,
    tester_view,
)

INVITATION_LIVES: Final = timedelta(days=7)
MOST_TESTERS: Final = 200
CODE_BYTES: Final = 18


class Testers:
    """Who sees a mini-app's releases first. Every change is audited and told to all nodes in its own transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def invite(
        self, connection: Connection, principal: Principal, app_id: str, request: InviteTester
    ) -> Invitation:
        """A code for one citizen; raises `AppUnknown`, `OtherDepartment` and `TooManyTesters`."""
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        now, code = self._clock.now(), new_token(CODE_BYTES)
        if await repository.count_open(connection, app_id, now) >= MOST_TESTERS:
            raise TooManyTesters(most=MOST_TESTERS)
        tester = Tester(
            id=new_id(),
            app_id=app_id,
            label=request.label,
            code_hash=_hash(code),
            invited_by=principal.person_id,
            invited_at=now,
            expires_at=now + INVITATION_LIVES,
        )
        await repository.insert_tester(connection, tester)
        await self._record(connection, principal.actor, "miniapp.tester_invited", app_id, tester.id)
        return Invitation(tester=tester_view(tester, now), code=code)

    async def list_testers(
        self, connection: Connection, principal: Principal, app_id: str, *, after: UUID | None, limit: int
    ) -> TesterList:
        """The department's testers by its own labels, newest first."""
        await self._own(connection, principal, app_id)
        rows, following = cut(await repository.list_testers(connection, app_id, after, limit + 1), limit)
        now = self._clock.now()
        return TesterList(items=[tester_view(tester, now) for tester in rows], next=following)

    async def remove(self, connection: Connection, principal: Principal, app_id: str, tester_id: UUID) -> TesterView:
        """Ends an invitation or a tester's part; again is the same. Raises `TesterUnknown` and `OtherDepartment`."""
        await self._own(connection, principal, app_id)
        now = self._clock.now()
        tester = await repository.mark_removed(connection, app_id, tester_id, now)
        await self._record(connection, principal.actor, "miniapp.tester_removed", app_id, tester.id)
        return tester_view(tester, now)

    async def accept(self, connection: Connection, principal: Principal, request: AcceptInvitation) -> TrialView:
        """The caller tests the mini-app from now on; for one who does already, the same. Raises `InvitationInvalid`."""
        digest, now = _hash(request.code), self._clock.now()
        await repository.lock_subject(connection, principal.subject_id)
        tester = await repository.mark_accepted(connection, digest, principal.subject_id, now)
        if tester is None:
            tester = await repository.find_tested_by_code(connection, digest, principal.subject_id)
            if tester is None:
                raise InvitationInvalid
        else:
            await self._record(connection, principal.actor, "miniapp.tester_accepted", tester.app_id, tester.id)
        trials = await self._trials(connection, principal)
        return next(trial for trial in trials if trial.app_id == tester.app_id)

    async def list_trials(self, connection: Connection, principal: Principal) -> TrialList:
        """What the caller tests."""
        return TrialList(items=await self._trials(connection, principal))

    async def leave(self, connection: Connection, principal: Principal, app_id: str) -> TrialList:
        """The caller sees what everybody sees again; raises `TesterUnknown` for one who does not test it."""
        tester_id = await repository.mark_left(connection, app_id, principal.subject_id, self._clock.now())
        if tester_id is None:
            raise TesterUnknown
        await self._record(connection, principal.actor, "miniapp.tester_left", app_id, tester_id)
        return await self.list_trials(connection, principal)

    async def _trials(self, connection: Connection, principal: Principal) -> list[TrialView]:
        return [
            TrialView(
                app_id=row.app_id,
                name=_name(row),
                department=row.organization_name,
                accepted_at=row.accepted_at,
            )
            for row in await repository.list_trials(connection, principal.subject_id)
        ]

    async def _own(self, connection: Connection, principal: Principal, app_id: str) -> None:
        app = await apps.get_app(connection, app_id)
        refuse_other_department(principal, app.organization_id)

    async def _record(self, connection: Connection, actor: str, action: str, app_id: str, tester_id: UUID) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"miniapp:{app_id}",
            detail={"tester_id": str(tester_id)},
        )
        await notify(connection, CHANNEL, app_id)


def _name(row: repository.TrialRow) -> Text:
    if row.manifest is None:
        return Text(zh=row.app_id, en=row.app_id)
    return decode_canonical(row.manifest).name.as_text()


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
