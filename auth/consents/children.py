"""Consents for children under fourteen: the child asks, a guardian is told, reads the same words, and decides.

The mandate engine lets no agent consent; a guardian for a child under fourteen is the one exception (PIPL, article 31).
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.consents import repository
from auth.consents.errors import ConsentRequestUnknown, OwnConsentNeeded
from auth.consents.models import ConsentRequest, ConsentRequestView, ConsentView, GrantConsent, ShownConsent
from auth.consents.ports import KnowsGuardians
from auth.consents.service import Consents
from auth.mandates.errors import ChildUnknown
from auth.messages.service import Messages
from auth.organizations.service import Organizations
from auth.principal import Principal

REQUEST_LIVES: Final = timedelta(days=14)


class ChildConsents:
    """What guardians allow departments to know of their children, and what children ask for."""

    def __init__(
        self,
        *,
        consents: Consents,
        guardians: KnowsGuardians,
        organizations: Organizations,
        messages: Messages,
        clock: Clock,
    ) -> None:
        self._consents = consents
        self._guardians = guardians
        self._organizations = organizations
        self._messages = messages
        self._clock = clock

    async def ask_guardians(self, connection: Connection, child_id: UUID, wanted: list[ShownConsent]) -> None:
        """Writes down what a child would like to use, and tells the guardians of what is new."""
        new = [await self._ask(connection, child_id, shown) for shown in wanted]
        if any(new):
            for guardian_id in await self._guardians.list_guardian_ids(connection, child_id):
                await self._messages.write(connection, guardian_id, "child_asks_consent", self._clock.now())

    async def grant_consent(
        self, connection: Connection, principal: Principal, child_id: UUID, grant: GrantConsent
    ) -> ConsentView:
        """A consent for the child, until their fourteenth birthday at most; it answers the request for it.

        Raises `ChildUnknown`, `OwnConsentNeeded`, and what `Consents.grant_consent` raises.
        """
        await self._require_guardian(connection, principal, child_id)
        view = await self._consents.grant_for_child(connection, principal, child_id, grant)
        await self._messages.write(connection, child_id, "guardian_consented", self._clock.now())
        return view

    async def list_consents(
        self, connection: Connection, principal: Principal, child_id: UUID, *, after: UUID | None, limit: int
    ) -> tuple[list[ConsentView], UUID | None]:
        """As `Consents.list_consents`, for this child. Raises `ChildUnknown`, `OwnConsentNeeded`."""
        await self._require_guardian(connection, principal, child_id)
        return await self._consents.list_consents(connection, child_id, after=after, limit=limit)

    async def withdraw_consent(
        self, connection: Connection, principal: Principal, child_id: UUID, consent_id: UUID
    ) -> ConsentView:
        """The child's consent, ended now. Raises `ChildUnknown`, `OwnConsentNeeded`, `ConsentUnknown`."""
        await self._require_guardian(connection, principal, child_id)
        view = await self._consents.withdraw_of(connection, principal, child_id, consent_id)
        await self._messages.write(connection, child_id, "guardian_withdrew_consent", self._clock.now())
        return view

    async def list_requests(
        self, connection: Connection, principal: Principal, child_id: UUID
    ) -> list[ConsentRequestView]:
        """What the child asked for and nobody has decided, newest first. Raises `ChildUnknown`, `OwnConsentNeeded`."""
        await self._require_guardian(connection, principal, child_id)
        found = await repository.list_requests(connection, child_id, self._clock.now())
        return [await self._view(connection, request) for request in found]

    async def decline_request(
        self, connection: Connection, principal: Principal, child_id: UUID, request_id: UUID
    ) -> ConsentRequestView:
        """The request, ended without a consent. Raises `ChildUnknown`, `OwnConsentNeeded`, `ConsentRequestUnknown`."""
        await self._require_guardian(connection, principal, child_id)
        now = self._clock.now()
        request = await repository.mark_request_ended(connection, request_id, child_id, now)
        if request is None:
            raise ConsentRequestUnknown
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="consent.declined",
            subject=f"person:{child_id}",
            detail={"department_id": str(request.department_id), "purpose": request.purpose},
        )
        return await self._view(connection, request)

    async def _require_guardian(self, connection: Connection, principal: Principal, child_id: UUID) -> None:
        """From the fourteenth birthday on a guardian reads no consents either: they are the child's own."""
        if not await self._guardians.is_guardian(connection, guardian_id=principal.subject_id, child_id=child_id):
            raise ChildUnknown
        if not await self._consents.needs_guardian(connection, child_id):
            raise OwnConsentNeeded

    async def _ask(self, connection: Connection, child_id: UUID, shown: ShownConsent) -> bool:
        now = self._clock.now()
        if shown.text is not None:
            await repository.insert_text(connection, shown, shown.text, now)
        request = ConsentRequest(
            id=new_id(),
            child_id=child_id,
            department_id=shown.department_id,
            purpose=shown.purpose,
            fields=shown.fields,
            sensitive=shown.separate,
            text_version=shown.text_version,
            asked_at=now,
            expires_at=now + REQUEST_LIVES,
        )
        return await repository.upsert_request(connection, request)

    async def _view(self, connection: Connection, request: ConsentRequest) -> ConsentRequestView:
        department = await self._organizations.get_organization(connection, request.department_id)
        text = await repository.find_text(connection, request.department_id, request.purpose, request.text_version)
        return ConsentRequestView(
            id=request.id,
            department_id=request.department_id,
            department_name=department.name,
            purpose=request.purpose,
            fields=list(request.fields),
            text_version=request.text_version,
            text=text,
            separate=request.sensitive,
            asked_at=request.asked_at,
            expires_at=request.expires_at,
        )
