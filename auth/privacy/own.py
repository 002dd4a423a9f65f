"""What identity itself says of a person who asks: parts of the copy, companies to hand over, what it deletes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Text
from auth.consents.service import Consents
from auth.devices.service import Devices
from auth.mandates.models import MandateKind
from auth.mandates.service import Mandates
from auth.people.documents.repository import list_documents
from auth.people.lookups.service import Lookups
from auth.people.ports import EndReason
from auth.people.service import People
from auth.privacy import repository
from auth.privacy.ports import OpenCase
from auth.privacy.rows import RowsPart

ANSWERS_FOR: Final[Sequence[MandateKind]] = ("responsible_person", "administrator")
HAND_OVER: Final = Text(
    zh="您还是一家单位的负责人或管理员，请先变更负责人或移交管理员。",
    en="You still answer for an organization or administer it: have it registered with, or handed to, somebody else.",
)
ROWS: Final = (
    RowsPart(
        export_name="sessions",
        query="""
        select id, subject_type, subject_id, client_id, method, scopes, ial, aal, authenticated_at, created_at,
               expires_at, revoked_at, revoked_reason
          from auth.session where holder_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="passkeys",
        query="""
        select id, synced, created_at, last_used_at, revoked_at, revoked_reason from auth.passkey
         where holder_type = 'person' and holder_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="identity_links",
        query="""
        select id, source, linked_at, last_used_at, ended_at, ended_reason from auth.identity_link
         where person_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="messages",
        query="""
        select id, kind, created_at, read_at from auth.message where person_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="mandates",
        query="""
        select id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, revoked_at,
               revoked_reason
          from auth.mandate where agent_id = $1 or (principal_type = 'person' and principal_id = $1)
         order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="acts_in_my_name",
        query="""
        select id, agent_id, mandate_id, kind, detail, at from auth.act
         where principal_type = 'person' and principal_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="account_events",
        query="""
        select id, kind, reason, source, organization_id, at from auth.person_event
         where person_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="log",
        query="""
        select id, at, actor, action, detail from kit.audit_entry
         where subject = 'person:' || $1::uuid::text order by at desc limit $2
        """,
    ),
)


class PersonPart:
    """Who the person is, opened: names and numbers are theirs."""

    export_name = "person"

    def __init__(self, people: People) -> None:
        self._people = people

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """The account, the document and the phones in full."""
        person = await self._people.get_person(connection, person_id)
        return {
            "id": person.id,
            "identity_level": person.identity_level,
            "created_at": person.created_at,
            "verified_at": person.verified_at,
            "identity": await self._people.find_identity(connection, person_id),
            "phones": await self._people.list_phones(connection, person_id),
        }


class DocumentsPart:
    """The documents beside the first one, and those of accounts merged into the person's, opened."""

    export_name = "documents"

    def __init__(self, people: People) -> None:
        self._people = people

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """Replaced ones too: their numbers are still found."""
        accounts = await self._people.list_accounts(connection, person_id)
        documents = [
            {"identity": identity, "state": "current"}
            for account, identity in accounts
            if account.id != person_id and identity is not None
        ]
        for row in await list_documents(connection, person_id):
            identity = self._people.open_identity(row.person_id, row.identity_sealed, row.key_sealed)
            documents.append({"identity": identity, "state": row.state})
        return documents


class LookupsPart:
    """Who asked for the person's data, or looked them up by law."""

    export_name = "lookups"

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """As the person reads it in the app: with the purpose, and citizens masked."""
        return (await self._lookups.list_mine(connection, person_id, after=None, limit=1000)).items


class DevicesPart:
    """The phones that show codes."""

    export_name = "devices"

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """Every device ever, with the name that its owner gave it."""
        return await self._devices.list_devices(connection, person_id)


class ConsentsPart:
    """What was allowed, and everything that ends with an account."""

    export_name = "consents"

    def __init__(self, consents: Consents) -> None:
        self._consents = consents

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """Every consent ever, with the words that were read."""
        items, _ = await self._consents.list_consents(connection, person_id, after=None, limit=1000)
        return items

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, _now: datetime) -> None:
        """Whoever is dead, gone, or somebody else's second account allows nothing; a freeze only sleeps."""
        if reason == "frozen":
            return
        actor = f"person:{person_id}" if reason == "closed" else "system"  # the dead withdraw nothing
        await self._consents.end_consents_of(connection, person_id, actor=actor)
        await self._consents.end_requests_of(connection, person_id)


class Companies:
    """Companies that would be left without anybody who answers for them."""

    def __init__(self, mandates: Mandates) -> None:
        self._mandates = mandates

    async def list_open_cases(self, connection: Connection, person_id: UUID) -> Sequence[OpenCase]:
        """One case for each organization to hand over."""
        mandates = await self._mandates.list_mandates(connection, person_id, ANSWERS_FOR)
        return [OpenCase(kind=mandate.kind, id=mandate.principal_id, text=HAND_OVER) for mandate in mandates]


class Traces:
    """What stays readable in identity's own tables without the key: indexes by which a person could be found again."""

    async def erase_person(self, connection: Connection, person_id: UUID, _now: datetime) -> None:
        """The row of the account stays, empty, so that opaque ids elsewhere still point at something."""
        await repository.erase_identity(connection, person_id)
