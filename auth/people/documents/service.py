"""Documents beside the first one: further ones, renewed ones, changed names. The human being stays one person.

A citizen's word is confirmed by the population registry, outside any transaction, with guesses counted as in the
real-name check; a counter's by an official who holds both documents. A number of the ID card changes only at a counter.
"""

from typing import Final
from uuid import UUID

import msgspec

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from app.kit.masking import mask_document, mask_name
from auth.attempts import Limit, refund_attempt, spend_attempt
from auth.devices.errors import DeviceUnknown
from auth.devices.service import Devices
from auth.documents import birth_date_of, document_number_is_valid, normalize_document_number, normalize_name
from auth.errors import IdentityLevelTooLow
from auth.messages.service import Messages
from auth.people.documents import repository
from auth.people.documents.errors import DocumentRefused
from auth.people.documents.models import (
    Change,
    ConfirmPerson,
    DocumentChanged,
    DocumentView,
    KnownDocument,
    RecordDocument,
    ShowDocument,
    judge,
)
from auth.people.errors import DocumentAlreadyBound, RealNameOutOfForm
from auth.people.life.errors import AccountNotActive, NamedPersonUnknown, PersonNotChecked
from auth.people.life.models import AccountState, EventKind, NamedPerson
from auth.people.life.repository import lock_status
from auth.people.life.service import Cause, PersonLife, cause_of
from auth.people.models import NAME_CHECKED, Identity
from auth.people.recoveries.errors import RecoveryUnknown
from auth.people.recoveries.service import Recoveries
from auth.people.service import People
from auth.principal import Principal
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import DocumentRegistry, PersonNamed
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings

KINDS: Final[dict[Change, EventKind]] = {
    "added": "document_added",
    "renewed": "document_renewed",
    "renamed": "renamed",
}


class Documents:
    """Everybody's documents."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        life: PersonLife,
        sessions: Sessions,
        devices: Devices,
        recoveries: Recoveries,
        messages: Messages,
        registry: DocumentRegistry,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._people = people
        self._life = life
        self._sessions = sessions
        self._devices = devices
        self._recoveries = recoveries
        self._messages = messages
        self._registry = registry
        self._clock = clock
        self._limit = Limit(kind="document", most=settings.real_name_limit, window_seconds=DAY_SECONDS)

    async def list_views(self, connection: Connection, person_id: UUID) -> list[DocumentView]:
        """The person's documents, the main one first; replaced ones too."""
        return [_view_of(document, person_id) for document in await self._known(connection, person_id)]

    async def show_document(self, principal: Principal, shown: ShowDocument) -> DocumentChanged | SuishenError:
        """Takes the document for one of the caller's, or the refusal, which is remembered. Opens own transactions.

        Raises `RealNameOutOfForm`, `IdentityLevelTooLow`, `RegistryUnavailable`, and `TokenInvalid` when the session
        ended while the registry was asked. Repeating it is harmless.
        """
        claimed, key = identity_of(shown), principal.subject_id.bytes
        async with self._database.transaction() as connection:
            known = await self._people.find_identity(connection, principal.subject_id)
            locked_for = await spend_attempt(connection, self._limit, key, self._clock.now())
        if known is None:
            raise IdentityLevelTooLow(required_ial=NAME_CHECKED, ial=principal.ial)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        if not await self._is_same_person(known, claimed, key):
            return DocumentRefused()
        async with self._database.transaction() as connection:
            cause = Cause(actor=principal.actor, source="registry", reason="registry_confirmed")
            answer = await self._take(connection, principal.subject_id, claimed, cause)
            await self._sessions.require_living(connection, principal)
            if isinstance(answer, DocumentChanged):
                await refund_attempt(connection, self._limit, key)
            return answer

    async def record_document(
        self, connection: Connection, principal: Principal, request: RecordDocument
    ) -> DocumentChanged | SuishenError:
        """Takes a document that an official holds for one of somebody whom another document names.

        The person was there: that is identity level 3. Raises `PersonNotChecked`, `RealNameOutOfForm`.
        """
        if not request.holder_checked:
            raise PersonNotChecked
        claimed = identity_of(request.document)
        person_id = await self._life.find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedPersonUnknown()
        answer = await self._take(connection, person_id, claimed, cause_of(principal, "documents_compared"))
        if not isinstance(answer, DocumentChanged):
            return await self._life.refuse(connection, principal, person_id, answer)
        await self._life.raise_level(connection, person_id)
        return answer

    async def confirm_person(
        self, connection: Connection, principal: Principal, request: ConfirmPerson
    ) -> AccountState | SuishenError:
        """Writes down that an official compared face and document: identity level 3.

        What the person's phone shows there waits no longer. Raises `PersonNotChecked`.
        """
        if not request.holder_checked:
            raise PersonNotChecked
        person_id = await self._life.find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedPersonUnknown()
        if await lock_status(connection, person_id) != "active":
            return await self._life.refuse(connection, principal, person_id, AccountNotActive())
        refused = await self._hasten(connection, principal, person_id, request)
        if refused is not None:
            return await self._life.refuse(connection, principal, person_id, refused)
        await self._life.raise_level(connection, person_id)
        cause = cause_of(principal, "documents_compared")
        event = await self._life.record(connection, person_id, "counter_confirmed", cause)
        return await self._life.state_after(connection, event)

    async def _hasten(
        self, connection: Connection, principal: Principal, person_id: UUID, request: ConfirmPerson
    ) -> SuishenError | None:
        waiting = await self._devices.find_waiting(connection, person_id, request.device_id)
        if request.device_id is not None and waiting is None:
            return DeviceUnknown()
        if request.recovery_id is not None and not await self._recoveries.hasten(
            connection, person_id, request.recovery_id, actor=principal.actor
        ):
            return RecoveryUnknown()
        if waiting is not None:
            await self._devices.activate(connection, waiting, actor=principal.actor)
        return None

    async def _is_same_person(self, known: Identity, claimed: Identity, key: bytes) -> bool:
        try:
            answer = await self._registry.check_same_person(known=_named(known), claimed=_named(claimed))
        except RegistryUnavailable:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, key)
            raise
        return answer.match

    async def _take(
        self, connection: Connection, person_id: UUID, claimed: Identity, cause: Cause
    ) -> DocumentChanged | SuishenError:
        owner = await self._people.find_owner(connection, claimed)
        if owner is not None and owner != person_id:
            return DocumentAlreadyBound()
        if await lock_status(connection, person_id) != "active":
            return AccountNotActive()
        known = await self._known(connection, person_id)
        change, before = judge(known, claimed)
        if change == "renewed" and claimed.document_type == "id_card" and cause.source == "registry":
            return DocumentRefused()
        if change != "same":
            claimed = _with_birth_date(claimed, known)
            await self._write(connection, person_id, claimed, cause, change=change, before=before)
        return DocumentChanged(change=change)

    async def _write(
        self,
        connection: Connection,
        person_id: UUID,
        claimed: Identity,
        cause: Cause,
        *,
        change: Change,
        before: KnownDocument | None,
    ) -> None:
        if before is None:
            await self._insert(connection, person_id, claimed, cause, former=False)
        elif before.first:
            await self._replace_first(connection, before, claimed, cause)
        elif change == "renamed":
            sealed = await self._people.seal_identity(connection, before.told_to, claimed)
            await repository.mark_renamed(connection, self._people.document_index(claimed), sealed)
        else:
            index = self._people.document_index(before.identity)
            await repository.mark_former(connection, index, self._clock.now())
            await self._insert(connection, person_id, claimed, cause, former=False)
        await self._messages.write(connection, person_id, "document_changed", self._clock.now())
        await self._life.record(connection, person_id, KINDS[change], cause)

    async def _replace_first(
        self, connection: Connection, before: KnownDocument, claimed: Identity, cause: Cause
    ) -> None:
        await self._people.confirm_identity(connection, before.told_to, claimed)
        if before.identity.document_number != claimed.document_number:
            await self._insert(connection, before.told_to, before.identity, cause, former=True)

    async def _insert(
        self, connection: Connection, person_id: UUID, identity: Identity, cause: Cause, *, former: bool
    ) -> None:
        await repository.insert_document(
            connection,
            self._people.document_index(identity),
            person_id,
            await self._people.seal_identity(connection, person_id, identity),
            state="former" if former else "current",
            source="registry" if cause.source == "registry" else "counter",
            now=self._clock.now(),
        )

    async def _known(self, connection: Connection, person_id: UUID) -> list[KnownDocument]:
        known = [
            KnownDocument(
                identity=identity, told_to=account.id, first=True, state="current", added_at=account.verified_at
            )
            for account, identity in await self._people.list_accounts(connection, person_id)
            if identity is not None
        ]
        for row in await repository.list_documents(connection, person_id):
            identity = self._people.open_identity(row.person_id, row.identity_sealed, row.key_sealed)
            known.append(
                KnownDocument(
                    identity=identity, told_to=row.person_id, first=False, state=row.state, added_at=row.added_at
                )
            )
        return known


def identity_of(document: NamedPerson) -> Identity:
    """What stands on it, in the one form in which names and numbers are compared; raises `RealNameOutOfForm`."""
    name, number = normalize_name(document.name), normalize_document_number(document.document_number)
    if name is None or not document_number_is_valid(document.document_type, number):
        raise RealNameOutOfForm
    return Identity(name=name, document_type=document.document_type, document_number=number)


def _with_birth_date(claimed: Identity, known: list[KnownDocument]) -> Identity:
    """Passports carry none; another document of the same human being may."""
    born = birth_date_of(claimed.document_type, claimed.document_number)
    dates = [document.identity.birth_date for document in known if document.identity.birth_date is not None]
    return msgspec.structs.replace(claimed, birth_date=born or (dates[0] if dates else None))


def _named(identity: Identity) -> PersonNamed:
    return PersonNamed(
        name=identity.name, document_type=identity.document_type, document_number=identity.document_number
    )


def _view_of(document: KnownDocument, person_id: UUID) -> DocumentView:
    return DocumentView(
        document_type=document.identity.document_type,
        document_number=mask_document(document.identity.document_number),
        name=mask_name(document.identity.name),
        main=document.first and document.told_to == person_id,
        state=document.state,
        added_at=document.added_at,
    )
