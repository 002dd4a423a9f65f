"""Freezes and ends freezes, and hears appeals. Whatever is frozen can be thawed: nothing is voided here.

Online scanners refuse a frozen person's codes at once, whatever kind they are; offline ones by the status lists.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.vault import Vault
from auth.principal import Principal
from codes.enterprise_ports import FindsOrganizations
from codes.showing.freezes import repository
from codes.showing.freezes.errors import (
    AlreadyAppealed,
    AlreadyFrozen,
    AlreadyLifted,
    AnotherOfficialNeeded,
    FreezeUnknown,
    HolderCheckNeeded,
    NamedHolderUnknown,
    NoAppealOpen,
)
from codes.showing.freezes.models import (
    AppealFreeze,
    AppealView,
    DecideAppeal,
    Freeze,
    FreezeCodes,
    FreezeList,
    FreezeView,
    LiftFreeze,
    may_lift,
    needs_holder,
)
from codes.showing.freezes.ports import FindsFamilies, FindsNamedPeople, Notice, SuspendsCodes, TellsPeople
from codes.verdict import Reason
from codes.worth import KnowsLevels, require_worth

TEXT_PURPOSE: Final = "codes.freeze"


class Freezes:
    """The freezes of everybody's codes."""

    def __init__(
        self,
        *,
        people: FindsNamedPeople,
        levels: KnowsLevels,
        families: FindsFamilies,
        messages: TellsPeople,
        organizations: FindsOrganizations,
        suspended: Sequence[SuspendsCodes],
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._people = people
        self._levels = levels
        self._families = families
        self._messages = messages
        self._organizations = organizations
        self._suspended = suspended
        self._vault = vault
        self._clock = clock

    async def reason(self, connection: Connection, person_id: UUID, _now: datetime, /) -> Reason | None:
        """SUSPENDED while a freeze lies on this person (the port `KnowsFreezes` of verification)."""
        return Reason.SUSPENDED if await repository.has_lasting(connection, person_id) else None

    async def freeze(
        self, connection: Connection, principal: Principal, request: FreezeCodes
    ) -> FreezeView | SuishenError:
        """Takes out every code of the person, and the codes that they show for children; the person is told.

        The refusal of a name and number that nobody has is returned, to be remembered. Raises `AlreadyFrozen`. Codes
        that are just being issued are taken out too.
        """
        now = self._clock.now()
        person_id = await self._people.find_named(
            connection,
            name=request.name,
            document_type=request.document_type,
            document_number=request.document_number,
        )
        if person_id is None:
            await self._record(connection, principal, "freeze.holder_unknown", principal.subject, {})
            return NamedHolderUnknown()
        await repository.lock_person(connection, person_id)
        freeze = self._new(principal, person_id, request, now)
        if not await repository.insert_freeze(connection, freeze):
            raise AlreadyFrozen
        for codes in self._suspended:
            await codes.suspend_codes(connection, person_id, now)
        await self._tell(connection, person_id, "codes_frozen", "child_codes_frozen")
        await self._record_of(connection, principal, "codes.frozen", freeze)
        return await self._view(connection, freeze)

    async def lift(
        self, connection: Connection, principal: Principal, freeze_id: UUID, request: LiftFreeze
    ) -> FreezeView:
        """Ends a freeze; the codes count again as soon as no other lies on the person.

        Raises `FreezeUnknown`, `AlreadyLifted`, `HolderCheckNeeded`, `AnotherOfficialNeeded`.
        """
        freeze = await self._locked(connection, freeze_id)
        if not freeze.lasts:
            raise AlreadyLifted
        if needs_holder(freeze) and not request.holder_checked:
            raise HolderCheckNeeded
        if not may_lift(freeze, principal.subject_id):
            raise AnotherOfficialNeeded
        await self._lift(connection, principal, freeze, request.because)
        return await self._view(connection, await self._get(connection, freeze_id))

    async def list_mine(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> FreezeList:
        """The caller's own freezes and their children's, lifted ones too. Raises `IdentityLevelTooLow`."""
        await require_worth(self._levels, connection, principal)
        children = await self._families.list_child_ids(connection, principal.subject_id)
        rows = await repository.list_of_people(connection, [principal.subject_id, *children], after, limit + 1)
        return await self._page(connection, rows, limit, reader=principal.subject_id)

    async def appeal(
        self, connection: Connection, principal: Principal, freeze_id: UUID, request: AppealFreeze
    ) -> FreezeView:
        """The holder's, or a guardian's, word against a freeze that lasts; the freeze goes on meanwhile.

        Raises `IdentityLevelTooLow`, `FreezeUnknown`, `AlreadyLifted`, `AlreadyAppealed`.
        """
        await require_worth(self._levels, connection, principal)
        freeze = await self._locked(connection, freeze_id)
        if not await self._may_read(connection, principal, freeze):
            raise FreezeUnknown
        if not freeze.lasts:
            raise AlreadyLifted
        if freeze.appealed_at is not None:
            raise AlreadyAppealed
        sealed = self._seal(freeze_id, request.statement)
        await repository.mark_appealed(connection, freeze_id, self._clock.now(), principal.subject_id, sealed)
        await self._record_of(connection, principal, "freeze.appealed", freeze)
        return await self._view(connection, await self._get(connection, freeze_id), reader=principal.subject_id)

    async def list_appeals(self, connection: Connection, *, after: UUID | None, limit: int) -> FreezeList:
        """Appeals that wait for an answer, oldest first."""
        rows = await repository.list_appealed(connection, after, limit + 1)
        return await self._page(connection, rows, limit)

    async def decide(
        self, connection: Connection, principal: Principal, freeze_id: UUID, request: DecideAppeal
    ) -> FreezeView:
        """Answers an appeal, and with `lifted` ends the freeze.

        Raises `FreezeUnknown`, `NoAppealOpen`, `AnotherOfficialNeeded`.
        """
        freeze = await self._locked(connection, freeze_id)
        if not freeze.awaits_decision:
            raise NoAppealOpen
        if principal.subject_id == freeze.frozen_by:
            raise AnotherOfficialNeeded
        now, sealed = self._clock.now(), self._seal(freeze_id, request.because)
        await repository.mark_decided(
            connection, freeze_id, request.decision, now=now, official_id=principal.subject_id, because_sealed=sealed
        )
        await self._record_of(connection, principal, f"freeze.appeal_{request.decision}", freeze)
        if request.decision == "upheld":
            await self._tell(connection, freeze.person_id, "freeze_upheld", "freeze_upheld")
        elif freeze.lasts:
            await self._lift(connection, principal, freeze, request.because)
        return await self._view(connection, await self._get(connection, freeze_id))

    async def _lift(self, connection: Connection, principal: Principal, freeze: Freeze, because: str) -> None:
        now, sealed = self._clock.now(), self._seal(freeze.id, because)
        await repository.mark_lifted(connection, freeze.id, now, principal.subject_id, sealed)
        if not await repository.has_lasting(connection, freeze.person_id):
            for codes in self._suspended:
                await codes.restore_codes(connection, freeze.person_id, now)
            await self._tell(connection, freeze.person_id, "codes_unfrozen", "child_codes_unfrozen")
        await self._record_of(connection, principal, "codes.unfrozen", freeze)

    async def _tell(self, connection: Connection, person_id: UUID, notice: Notice, to_guardians: Notice) -> None:
        """The person, and the guardians of a child: small children have no phone of their own."""
        now = self._clock.now()
        await self._messages.write(connection, person_id, notice, now)
        for guardian_id in await self._families.list_guardian_ids(connection, person_id):
            await self._messages.write(connection, guardian_id, to_guardians, now)

    async def _locked(self, connection: Connection, freeze_id: UUID) -> Freeze:
        freeze = await self._get(connection, freeze_id)
        await repository.lock_person(connection, freeze.person_id)
        return await self._get(connection, freeze_id)

    async def _get(self, connection: Connection, freeze_id: UUID) -> Freeze:
        freeze = await repository.find_freeze(connection, freeze_id)
        if freeze is None:
            raise FreezeUnknown
        return freeze

    async def _may_read(self, connection: Connection, principal: Principal, freeze: Freeze) -> bool:
        if freeze.person_id == principal.subject_id:
            return True
        return freeze.person_id in await self._families.list_child_ids(connection, principal.subject_id)

    def _new(self, principal: Principal, person_id: UUID, request: FreezeCodes, now: datetime) -> Freeze:
        freeze_id = new_id()
        assert principal.organization_id is not None  # every official has a department
        return Freeze(
            id=freeze_id,
            person_id=person_id,
            reason=request.reason,
            explanation_sealed=self._seal(freeze_id, request.explanation),
            frozen_at=now,
            frozen_by=principal.subject_id,
            organization_id=principal.organization_id,
        )

    async def _page(
        self, connection: Connection, rows: list[Freeze], limit: int, *, reader: UUID | None = None
    ) -> FreezeList:
        page, following = cut(rows, limit)
        views = [await self._view(connection, row, reader=reader) for row in page]
        return FreezeList(items=views, next=following)

    async def _view(self, connection: Connection, freeze: Freeze, *, reader: UUID | None = None) -> FreezeView:
        organization = await self._organizations.get_organization(connection, freeze.organization_id)
        return FreezeView(
            id=freeze.id,
            on_behalf_of=None if reader in {None, freeze.person_id} else freeze.person_id,
            reason=freeze.reason,
            explanation=self._open(freeze.id, freeze.explanation_sealed),
            organization_name=organization.name,
            frozen_at=freeze.frozen_at,
            state="frozen" if freeze.lasts else "lifted",
            lifted_at=freeze.lifted_at,
            lifted_because=self._opened(freeze.id, freeze.lifted_because_sealed),
            appeal=self._appeal_of(freeze),
        )

    def _appeal_of(self, freeze: Freeze) -> AppealView | None:
        if freeze.appealed_at is None or freeze.appeal_sealed is None:
            return None
        return AppealView(
            statement=self._open(freeze.id, freeze.appeal_sealed),
            appealed_at=freeze.appealed_at,
            decision=freeze.decision,
            because=self._opened(freeze.id, freeze.decision_because_sealed),
            decided_at=freeze.decided_at,
        )

    def _seal(self, freeze_id: UUID, text: str) -> bytes:
        return self._vault.seal(TEXT_PURPOSE, text.encode(), context=freeze_id.bytes)

    def _open(self, freeze_id: UUID, sealed: bytes) -> str:
        return self._vault.open(TEXT_PURPOSE, sealed, context=freeze_id.bytes).decode()

    def _opened(self, freeze_id: UUID, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._open(freeze_id, sealed)

    async def _record_of(self, connection: Connection, principal: Principal, action: str, freeze: Freeze) -> None:
        detail = {"freeze_id": str(freeze.id), "reason": freeze.reason.value}
        await self._record(connection, principal, action, f"person:{freeze.person_id}", detail)

    async def _record(
        self, connection: Connection, principal: Principal, action: str, subject: str, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=subject,
            detail=detail,
        )
