"""Whose account somebody opens whom another house vouches for; links between the two, as their holder sees them.

Nobody is merged in silence. A document that is here already is opened for the first time only on a face check, to the
name that stands on it, and the holder is told; where the other house and the city disagree, nothing is opened at all.
"""

from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from auth.assurance import IN_PERSON
from auth.devices.service import Devices
from auth.locks import lock_key
from auth.login.proof import Proved
from auth.login.standing import Standing
from auth.login.upstream import repository
from auth.login.upstream.errors import (
    IdentityDiffers,
    IdentityNotTold,
    LastLink,
    LinkedElsewhere,
    LinkEnded,
    LinkExists,
    LinkNeedsMore,
    LinkUnknown,
    UpstreamRefused,
)
from auth.login.upstream.models import METHODS, Arrival, Link, LinkList, LinkView
from auth.messages.service import Messages
from auth.people.errors import DocumentAlreadyBound
from auth.people.life.service import PersonLife
from auth.people.models import NAME_CHECKED, Identity, Person
from auth.people.ports import EndReason
from auth.people.service import People
from auth.principal import Principal
from auth.sessions.service import Sessions

BY_HOLDER: Final = "ended_by_holder"
REPLACED: Final = "replaced"
OPENABLE: Final = frozenset({"active", "frozen"})
"""Who is frozen hears it from `Sessions`."""


class Links:
    """Finds, makes and ends them. Every method is part of the caller's transaction; refusals are returned."""

    def __init__(
        self,
        *,
        people: People,
        life: PersonLife,
        devices: Devices,
        sessions: Sessions,
        standing: Standing,
        messages: Messages,
        clock: Clock,
    ) -> None:
        self._people = people
        self._life = life
        self._devices = devices
        self._sessions = sessions
        self._standing = standing
        self._messages = messages
        self._clock = clock

    async def arrive(self, connection: Connection, arrival: Arrival) -> Proved | SuishenError:
        """Whom this opens: by the link, else by the document, else somebody new; or why nobody.

        Of simultaneous arrivals of one subject, or with one document, the second finds what the first one made.
        """
        await lock_key(connection, arrival.subject_index)
        link = await repository.find_link(connection, arrival.subject_index)
        if link is None:
            person = await self._first_time(connection, arrival)
        else:
            person = await self._again(connection, link, arrival)
        if isinstance(person, SuishenError):
            await self._record(connection, "anonymous", "login.upstream_refused", arrival, {"reason": person.slug})
            return person
        if link is not None:
            await repository.mark_link_used(connection, link.id, self._clock.now())
        level = await self._raised(connection, person, arrival)
        return Proved(person_id=person.id, ial=min(arrival.ial, level), aal=arrival.aal, method=METHODS[arrival.source])

    async def link(self, connection: Connection, principal: Principal, arrival: Arrival) -> LinkView | SuishenError:
        """From now on it opens the caller's own account; or why not. Repeatable.

        A session that ended while the other house was asked links nothing: a freeze would leave a thief's way in.
        Raises `StepUpRequired` and `TokenInvalid`.
        """
        await self._standing.require(connection, principal)
        await lock_key(connection, arrival.subject_index)
        if arrival.identity is not None:
            await self._people.find_owner(connection, arrival.identity)  # its lock before the person's, as in `arrive`
        await lock_key(connection, principal.subject_id.bytes)  # of two of a kind at once the second finds the first
        await self._sessions.require_living(connection, principal)
        found = await repository.find_link(connection, arrival.subject_index)
        if found is not None and found.person_id == principal.subject_id:
            return _view(found)
        refusal = await self._unfit(connection, principal.subject_id, arrival, linked=found is not None)
        if refusal is not None:
            await self._record(connection, principal.actor, "identity.link_refused", arrival, {"reason": refusal.slug})
            return refusal
        if arrival.identity is not None and await self._people.find_owner(connection, arrival.identity) is None:
            await self._people.confirm_identity(connection, principal.subject_id, arrival.identity)
            await self._sessions.raise_identity_level(connection, principal.session_id, NAME_CHECKED)
        return _view(await self._make(connection, principal.subject_id, arrival, actor=principal.actor))

    async def list_links(self, connection: Connection, principal: Principal) -> LinkList:
        """What opens the caller's account."""
        return LinkList(items=[_view(link) for link in await repository.list_links(connection, principal.subject_id)])

    async def unlink(self, connection: Connection, principal: Principal, link_id: UUID) -> None:
        """It opens nothing any more, and whoever came in that way is out. Any fresh sign-in may: a loss is quick.

        Raises `LinkUnknown`, `LastLink`, `StepUpRequired`.
        """
        self._standing.require_fresh(principal)
        person_id, now = principal.subject_id, self._clock.now()
        await lock_key(connection, person_id.bytes)  # two at once would each leave the other one
        links = await repository.list_links(connection, person_id)
        if link_id not in {link.id for link in links}:
            raise LinkUnknown
        if len(links) == 1 and not await self._has_another_way(connection, person_id):
            raise LastLink
        source = await repository.mark_link_ended(connection, link_id, person_id, now=now, reason=BY_HOLDER)
        if source is None:
            raise LinkUnknown
        await self._end_sessions(connection, principal, METHODS[source])
        await self._messages.write(connection, person_id, "identity_unlinked", now)
        await self._audit(connection, principal.actor, "identity.unlinked", f"person:{person_id}", {"source": source})

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, now: Any) -> None:
        """Links of who died or left open nothing; a freeze only sleeps, and a merged account's open the kept one."""
        if reason in {"died", "closed"}:
            await repository.mark_all_ended(connection, person_id, now=now, reason=f"account_{reason}")

    async def _again(self, connection: Connection, link: Link, arrival: Arrival) -> Person | SuishenError:
        person = await self._people.get_person(connection, link.person_id)
        if person.status not in OPENABLE:
            return UpstreamRefused()
        if arrival.identity is None:
            return person
        owner = await self._people.find_owner(connection, arrival.identity)
        if owner is None and person.identity_sealed is None:  # the other house tells today what it did not before
            await self._people.confirm_identity(connection, person.id, arrival.identity)
            return await self._people.get_person(connection, person.id)
        return person if await self._names(connection, arrival.identity) == person.id else IdentityDiffers()

    async def _first_time(self, connection: Connection, arrival: Arrival) -> Person | SuishenError:
        if arrival.identity is None:
            # A network number is enough for an account of its own: it is voluntary to tell more (equal treatment).
            return IdentityNotTold() if arrival.source == "national" else await self._welcome(connection, arrival)
        owner = await self._people.find_owner(connection, arrival.identity)
        if owner is None:
            return await self._welcome(connection, arrival)
        person = await self._people.get_person(connection, owner)
        refusal = await self._why_not(connection, person, arrival.identity, arrival)
        if refusal is not None:
            return refusal
        await lock_key(connection, person.id.bytes)
        await self._replace_such(connection, person.id, arrival)
        await self._make(connection, person.id, arrival, actor=f"person:{person.id}")
        return person

    async def _why_not(
        self, connection: Connection, person: Person, identity: Identity, arrival: Arrival
    ) -> SuishenError | None:
        """Why a document that is here already is not opened by somebody elsewhere who was never here."""
        if person.status not in OPENABLE:
            return UpstreamRefused()
        if await self._names(connection, identity) != person.id:
            return IdentityDiffers()
        if await repository.was_ended(connection, arrival.subject_index, person.id, BY_HOLDER):
            return LinkEnded()
        return LinkNeedsMore() if arrival.ial < IN_PERSON else None

    async def _unfit(
        self, connection: Connection, person_id: UUID, arrival: Arrival, *, linked: bool
    ) -> SuishenError | None:
        """Why the caller's account cannot be linked."""
        if linked:
            return LinkedElsewhere()
        if await self._has_such(connection, person_id, arrival):
            return LinkExists()
        if arrival.identity is None:
            return None
        owner = await self._people.find_owner(connection, arrival.identity)
        known = await self._people.find_identity(connection, person_id)
        if owner is not None and owner != person_id:
            return DocumentAlreadyBound()
        if owner is None:
            return None if known is None else IdentityDiffers()
        return None if await self._names(connection, arrival.identity) == person_id else IdentityDiffers()

    async def _welcome(self, connection: Connection, arrival: Arrival) -> Person:
        """Somebody who was never here."""
        if arrival.identity is None:
            person_id = await self._people.register_unnamed(connection, known_by="network_number")
        else:
            person_id = await self._people.register_known(
                connection, arrival.identity, actor=f"source:{arrival.source}"
            )
        await self._make(connection, person_id, arrival, actor=f"person:{person_id}")
        return await self._people.get_person(connection, person_id)

    async def _make(self, connection: Connection, person_id: UUID, arrival: Arrival, *, actor: str) -> Link:
        now = self._clock.now()
        link = Link(id=new_id(), person_id=person_id, source=arrival.source, linked_at=now, last_used_at=now)
        await repository.insert_link(connection, link, arrival.subject_index)
        await self._messages.write(connection, person_id, "identity_linked", now)
        await self._audit(connection, actor, "identity.linked", f"person:{person_id}", {"source": arrival.source})
        return link

    async def _raised(self, connection: Connection, person: Person, arrival: Arrival) -> int:
        """How well the person is known now: a face that the other house checked counts, where it told the document."""
        if arrival.identity is None or arrival.ial < IN_PERSON or person.identity_level >= IN_PERSON:
            return person.identity_level
        await self._life.raise_level(connection, person.id)
        await self._audit(
            connection, f"source:{arrival.source}", "person.face_confirmed", f"person:{person.id}", {"level": IN_PERSON}
        )
        return IN_PERSON

    async def _names(self, connection: Connection, identity: Identity) -> UUID | None:
        return await self._people.find_named(
            connection,
            name=identity.name,
            document_type=identity.document_type,
            document_number=identity.document_number,
        )

    async def _replace_such(self, connection: Connection, person_id: UUID, arrival: Arrival) -> None:
        """The other house calls the person something else now: it moved, or gave them a new number."""
        now = self._clock.now()
        for link in await repository.list_links(connection, person_id):
            if link.source == arrival.source:
                await repository.mark_link_ended(connection, link.id, person_id, now=now, reason=REPLACED)

    async def _has_such(self, connection: Connection, person_id: UUID, arrival: Arrival) -> bool:
        links = await repository.list_links(connection, person_id)
        return any(link.source == arrival.source for link in links)

    async def _has_another_way(self, connection: Connection, person_id: UUID) -> bool:
        phones = await self._people.list_phones(connection, person_id)
        return bool(phones) or await self._devices.guards(connection, person_id)

    async def _end_sessions(self, connection: Connection, principal: Principal, method: str) -> None:
        own = await self._sessions.list_own(connection, principal.session_id)
        for session_id in await repository.list_sessions_by(connection, principal.subject_id, method):
            session = None if session_id in own else await self._sessions.find_living(connection, session_id)
            if session is not None:
                await self._sessions.end_one(connection, session, actor=principal.actor, reason="identity_unlinked")

    async def _record(
        self, connection: Connection, actor: str, action: str, arrival: Arrival, detail: dict[str, str]
    ) -> None:
        await self._audit(connection, actor, action, f"source:{arrival.source}", detail)

    async def _audit(
        self, connection: Connection, actor: str, action: str, subject: str, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection, clock_now=self._clock.now(), actor=actor, action=action, subject=subject, detail=detail
        )


def _view(link: Link) -> LinkView:
    return LinkView(id=link.id, source=link.source, linked_at=link.linked_at, last_used_at=link.last_used_at)
