"""Asking for a person's data, answering, and looking somebody up by law. Whoever was looked at reads each look.

The asker learns nothing of people who are not here, do not answer, or say no: all three look the same to them.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.attempts import Limit, spend_attempt
from auth.errors import IdentityLevelTooLow
from auth.messages.service import Messages
from auth.organizations.service import Organizations
from auth.people.documents.service import identity_of
from auth.people.life.errors import NamedPersonUnknown
from auth.people.life.models import NamedPerson
from auth.people.lookups import repository
from auth.people.lookups.errors import BasisMissing, BasisUnknown, LookupNotForAnother, LookupOver, LookupUnknown
from auth.people.lookups.models import (
    ANSWER_WITHIN,
    READ_WITHIN,
    AskedView,
    AskLookup,
    Attribute,
    Basis,
    BasisList,
    BasisView,
    Decision,
    LookedUp,
    Lookup,
    LookUpByLaw,
    LookupList,
    LookupState,
    LookupView,
    RegisterBasis,
)
from auth.people.models import NAME_CHECKED
from auth.people.service import People
from auth.principal import Principal
from auth.settings import DAY_SECONDS, AuthSettings
from auth.subject_keys.service import SubjectForgotten, SubjectVault

PURPOSE: Final = "lookup-purpose"
NOBODYS_STAY: Final = timedelta(days=30)
STAY: Final = timedelta(days=3 * 365)
FORGOTTEN: Final = ""


class Lookups:
    """Everybody's looks at everybody."""

    def __init__(
        self,
        *,
        people: People,
        organizations: Organizations,
        messages: Messages,
        subject_vault: SubjectVault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._people = people
        self._organizations = organizations
        self._messages = messages
        self._subject_vault = subject_vault
        self._clock = clock
        self._asks = Limit(kind="lookup", most=settings.lookup_limit, window_seconds=DAY_SECONDS)
        self._official_asks = Limit(
            kind="lookup_official", most=settings.lookup_official_limit, window_seconds=DAY_SECONDS
        )

    async def ask(self, connection: Connection, principal: Principal, request: AskLookup) -> AskedView | RateLimited:
        """Asks a person; the answer is the same when there is none.

        How often one may ask is counted over everybody, so that nobody is asked until they give in. Raises
        `IdentityLevelTooLow`, `LookupNotForAnother`, `RealNameOutOfForm`.
        """
        _require_own_name(principal)
        identity_of(request.person)
        wait = await spend_attempt(connection, self._asks, principal.subject_id.bytes, self._clock.now())
        if wait is not None:
            return RateLimited(retry_after=wait)
        subject_id = await self._find_active(connection, request.person)
        lookup = await self._insert(
            connection, principal, subject_id, sorted(set(request.attributes)), request.purpose, state="pending"
        )
        if subject_id is not None:
            await self._messages.write(connection, subject_id, "lookup_requested", lookup.requested_at)
        return await self._asked_view(connection, lookup)

    async def read(self, connection: Connection, principal: Principal, lookup_id: UUID) -> AskedView:
        """The look-up as the asker sees it, with the data while they may be read. Raises `LookupUnknown`."""
        lookup = await repository.find_lookup_for_update(connection, lookup_id)
        if lookup is None or lookup.basis_id is not None or not _is_askers(lookup, principal):
            raise LookupUnknown
        return await self._asked_view(connection, lookup, reader=principal)

    async def decide(
        self, connection: Connection, principal: Principal, lookup_id: UUID, decision: Decision
    ) -> LookupView:
        """The caller's own yes or no. Raises `LookupUnknown`, `LookupOver`."""
        now = self._clock.now()
        lookup = await repository.find_lookup_for_update(connection, lookup_id)
        if lookup is None or lookup.subject_id != principal.subject_id:
            raise LookupUnknown
        if not lookup.may_be_decided(now):
            raise LookupOver
        expires_at = now + READ_WITHIN if decision == "approved" else now
        await repository.mark_decided(connection, lookup_id, decision, now=now, expires_at=expires_at)
        await self._record(connection, principal.actor, f"lookup.{decision}", lookup)
        decided = await repository.find_lookup_for_update(connection, lookup_id)
        assert decided is not None
        return await self._view(connection, decided)

    async def list_mine(self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int) -> LookupList:
        """Looks at a person, and requests for one, newest first."""
        rows, following = cut(await repository.list_of_subject(connection, person_id, after, limit + 1), limit)
        return LookupList(items=[await self._view(connection, row) for row in rows], next=following)

    async def look_up(
        self, connection: Connection, principal: Principal, request: LookUpByLaw
    ) -> LookedUp | SuishenError:
        """What a registered basis of the official's own department allows; the person is told, and reads the case.

        Refusals of the person and of the count are returned, to be remembered. Raises `BasisMissing`.
        """
        now = self._clock.now()
        wait = await spend_attempt(connection, self._official_asks, principal.subject_id.bytes, now)
        if wait is not None:
            return RateLimited(retry_after=wait)
        basis = await repository.find_basis_for_share(connection, request.basis_id)
        if basis is None or basis.organization_id != principal.organization_id or not basis.lives(now):
            raise BasisMissing
        subject_id = await self._find(connection, request.person)
        if subject_id is None:
            await self._audit(connection, principal.actor, "person.named_unknown", principal.subject, {})
            return NamedPersonUnknown()
        lookup = await self._insert(
            connection, principal, subject_id, basis.attributes, request.case, state="answered", basis=basis
        )
        await self._messages.write(connection, subject_id, "looked_up", now)
        disclosed = await self._people.disclose(connection, subject_id, frozenset(basis.attributes))
        return LookedUp(id=lookup.id, attributes=disclosed)

    async def register_basis(self, connection: Connection, principal: Principal, request: RegisterBasis) -> BasisView:
        """A new basis; raises `OrganizationUnknown`."""
        await self._organizations.get_organization(connection, request.organization_id)
        now = self._clock.now()
        basis = Basis(
            id=new_id(),
            organization_id=request.organization_id,
            purpose=request.purpose,
            legal_basis=request.legal_basis,
            attributes=sorted(set(request.attributes)),
            registered_by=principal.subject_id,
            registered_at=now,
            expires_at=now + timedelta(days=request.days),
        )
        await repository.insert_basis(connection, basis)
        await self._audit_basis(connection, principal, "lookup_basis.registered", basis)
        return _basis_view(basis)

    async def end_basis(self, connection: Connection, principal: Principal, basis_id: UUID) -> BasisView:
        """Nobody is looked up by it any more; raises `BasisUnknown`."""
        if not await repository.mark_ended(connection, basis_id, self._clock.now(), principal.subject_id):
            raise BasisUnknown
        basis = await repository.find_basis(connection, basis_id)
        assert basis is not None
        await self._audit_basis(connection, principal, "lookup_basis.ended", basis)
        return _basis_view(basis)

    async def list_bases(self, connection: Connection, *, after: UUID | None, limit: int) -> BasisList:
        """In the order of their registration, ended ones too."""
        rows, following = cut(await repository.list_bases(connection, after, limit + 1), limit)
        return BasisList(items=[_basis_view(row) for row in rows], next=following)

    async def forget(self, connection: Connection) -> None:
        """Forgets old looks; a periodic job."""
        now = self._clock.now()
        await repository.delete_old(connection, nobodys_before=now - NOBODYS_STAY, before=now - STAY)

    async def _find(self, connection: Connection, named: NamedPerson) -> UUID | None:
        return await self._people.find_named(
            connection,
            name=named.name,
            document_type=named.document_type,
            document_number=named.document_number,
        )

    async def _find_active(self, connection: Connection, named: NamedPerson) -> UUID | None:
        """Whoever is frozen or gone cannot answer: they are asked nothing."""
        person_id = await self._find(connection, named)
        if person_id is None or (await self._people.get_person(connection, person_id)).status != "active":
            return None
        return person_id

    async def _insert(
        self,
        connection: Connection,
        principal: Principal,
        subject_id: UUID | None,
        attributes: list[Attribute],
        purpose: str,
        *,
        state: LookupState,
        basis: Basis | None = None,
    ) -> Lookup:
        now, lookup_id = self._clock.now(), new_id()
        lookup = Lookup(
            id=lookup_id,
            subject_id=subject_id,
            requester_type=principal.subject_type,
            requester_id=principal.subject_id,
            agent_id=principal.agent_id,
            organization_id=principal.organization_id,
            basis_id=basis.id if basis else None,
            attributes=attributes,
            purpose_sealed=await self._seal(connection, subject_id, lookup_id, purpose),
            state=state,
            requested_at=now,
            expires_at=now if basis else now + ANSWER_WITHIN,
            read_at=now if basis else None,
        )
        await repository.insert_lookup(connection, lookup)
        await self._record(connection, principal.actor, "person.looked_up" if basis else "lookup.asked", lookup)
        return lookup

    async def _seal(self, connection: Connection, subject_id: UUID | None, lookup_id: UUID, purpose: str) -> bytes:
        """What is said of nobody is not kept."""
        if subject_id is None:
            return b""
        return await self._subject_vault.seal(
            connection, subject_id, PURPOSE, purpose.encode(), context=lookup_id.bytes
        )

    async def _asked_view(
        self, connection: Connection, lookup: Lookup, *, reader: Principal | None = None
    ) -> AskedView:
        now = self._clock.now()
        state, disclosed = lookup.shown_to_asker(now), None
        if state == "approved" and reader is not None and lookup.subject_id is not None:
            disclosed = await self._people.disclose(connection, lookup.subject_id, frozenset(lookup.attributes))
            await repository.mark_read(connection, lookup.id, now)
            await self._record(connection, reader.actor, "person.looked_up", lookup)
        shown_until = lookup.expires_at if state == "approved" else lookup.requested_at + ANSWER_WITHIN
        return AskedView(id=lookup.id, state=state, expires_at=shown_until, attributes=disclosed)

    async def _view(self, connection: Connection, lookup: Lookup) -> LookupView:
        basis = None if lookup.basis_id is None else await repository.find_basis(connection, lookup.basis_id)
        expired = lookup.state == "pending" and lookup.expires_at <= self._clock.now()
        return LookupView(
            id=lookup.id,
            requester=await self._requester(connection, lookup),
            requester_type=lookup.requester_type,
            purpose=await self._purpose(connection, lookup, basis),
            legal_basis=basis.legal_basis if basis else None,
            attributes=lookup.attributes,
            state="expired" if expired else lookup.state,
            requested_at=lookup.requested_at,
            expires_at=lookup.expires_at,
            decided_at=lookup.decided_at,
            read_at=lookup.read_at,
        )

    async def _requester(self, connection: Connection, lookup: Lookup) -> str:
        """An office answers for its officials, a company for its agents; a citizen is named masked."""
        office = lookup.organization_id or (lookup.requester_id if lookup.requester_type == "organization" else None)
        if office is not None:
            return (await self._organizations.get_organization(connection, office)).name
        known = await self._people.disclose(connection, lookup.requester_id, frozenset({"display_name"}))
        return str(known.get("display_name", ""))

    async def _purpose(self, connection: Connection, lookup: Lookup, basis: Basis | None) -> str:
        if lookup.subject_id is None:
            return FORGOTTEN
        try:
            opened = await self._subject_vault.open(
                connection, lookup.subject_id, PURPOSE, lookup.purpose_sealed, context=lookup.id.bytes
            )
        except SubjectForgotten:
            return FORGOTTEN
        return f"{basis.purpose} · {opened.decode()}" if basis else opened.decode()

    async def _record(self, connection: Connection, actor: str, action: str, lookup: Lookup) -> None:
        subject = f"lookup:{lookup.id}" if lookup.subject_id is None else f"person:{lookup.subject_id}"
        detail: dict[str, Any] = {"lookup_id": str(lookup.id), "attributes": lookup.attributes}
        await self._audit(connection, actor, action, subject, detail)

    async def _audit_basis(self, connection: Connection, principal: Principal, action: str, basis: Basis) -> None:
        detail: dict[str, Any] = {"basis_id": str(basis.id), "attributes": basis.attributes}
        await self._audit(connection, principal.actor, action, f"organization:{basis.organization_id}", detail)

    async def _audit(
        self, connection: Connection, actor: str, action: str, subject: str, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection, clock_now=self._clock.now(), actor=actor, action=action, subject=subject, detail=detail
        )


def _require_own_name(principal: Principal) -> None:
    if principal.subject_type == "person" and principal.agent_id is not None:
        raise LookupNotForAnother
    if principal.subject_type != "official" and principal.ial < NAME_CHECKED:
        raise IdentityLevelTooLow(required_ial=NAME_CHECKED, ial=principal.ial)


def _is_askers(lookup: Lookup, principal: Principal) -> bool:
    return (lookup.requester_type, lookup.requester_id, lookup.agent_id) == (
        principal.subject_type,
        principal.subject_id,
        principal.agent_id,
    )


def _basis_view(basis: Basis) -> BasisView:
    return BasisView(
        id=basis.id,
        organization_id=basis.organization_id,
        purpose=basis.purpose,
        legal_basis=basis.legal_basis,
        attributes=basis.attributes,
        registered_at=basis.registered_at,
        expires_at=basis.expires_at,
        ended_at=basis.ended_at,
    )
