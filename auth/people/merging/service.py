"""Making two accounts of one human being one, at a counter, and undoing it.

The merged account points at the kept one: its phones and documents open that from now on, and stay where they are, so
that nothing has to be moved back. Mandates follow. What proved or spoke for the merged account ends: its sessions,
devices, passkeys, codes and consents; whoever wants them gives them anew, under the account that they then see.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.attempts import Limit, spend_attempt
from auth.messages.service import Messages
from auth.people.errors import KnownElsewhere
from auth.people.life.errors import NamedPersonUnknown, PersonNotChecked
from auth.people.life.models import NamedPerson
from auth.people.life.repository import lock_status, retake_phones
from auth.people.life.service import PersonLife, cause_of
from auth.people.merging import repository
from auth.people.merging.errors import MergeRefused, MergeTicketUnknown, MergeUnknown
from auth.people.merging.models import (
    TICKET_LENGTH,
    TICKET_LETTERS,
    TICKET_SECONDS,
    Account,
    Merge,
    MergeAccounts,
    MergeList,
    MergeTicket,
    MergeView,
    UndoMerge,
    why_not,
)
from auth.people.ports import FollowsMerges
from auth.people.service import People
from auth.principal import Principal
from auth.settings import DAY_SECONDS

GUESSES: Final = Limit(kind="merge_ticket", most=20, window_seconds=DAY_SECONDS)
"""Tickets of one official in a day that were none: 40 bits, ten minutes, twenty tries."""


class Merging:
    """Merges and their undoing."""

    def __init__(
        self,
        *,
        people: People,
        life: PersonLife,
        messages: Messages,
        followers: Sequence[FollowsMerges],
        clock: Clock,
    ) -> None:
        self._people = people
        self._life = life
        self._messages = messages
        self._followers = list(followers)
        self._clock = clock

    def follow(self, follower: FollowsMerges) -> None:
        """From now on `follower` hears of merges and their undoing too."""
        self._followers.append(follower)

    async def make_ticket(self, connection: Connection, principal: Principal) -> MergeTicket:
        """By which the caller's account is meant at a counter, for ten minutes and once.

        Raises `KnownElsewhere` for who holds the account's number and nothing else: numbers change hands.
        """
        if principal.unproven or not await self._people.is_known_to(connection, principal):
            raise KnownElsewhere
        text = "".join(secrets.choice(TICKET_LETTERS) for _ in range(TICKET_LENGTH))
        expires_at = self._clock.now() + timedelta(seconds=TICKET_SECONDS)
        await repository.insert_ticket(connection, _hash(text), principal.subject_id, expires_at)
        return MergeTicket(ticket=text, expires_in_seconds=TICKET_SECONDS)

    async def merge(
        self, connection: Connection, principal: Principal, request: MergeAccounts
    ) -> MergeView | SuishenError:
        """One account where there were two. Refusals of names and tickets are returned, to be remembered.

        So are those of the accounts: an official looked at them. Raises `PersonNotChecked`. Two merges of one person
        take turns.
        """
        if not request.holder_checked:
            raise PersonNotChecked
        kept_id = await self._life.find_named(connection, principal, request.kept)
        if kept_id is None:
            return NamedPersonUnknown()
        merged_id = await self._find_merged(connection, principal, request.merged)
        if isinstance(merged_id, SuishenError):
            return await self._life.refuse(connection, principal, kept_id, merged_id)
        for person_id in sorted({kept_id, merged_id}):
            await lock_status(connection, person_id)
        accounts = [await self._account(connection, person_id) for person_id in (kept_id, merged_id)]
        if reason := why_not(*accounts):
            refusal = MergeRefused(reason=reason)
            for person_id in (kept_id, merged_id):
                await self._life.refuse(connection, principal, person_id, refusal)
            return refusal
        return await self._view(connection, await self._merge(connection, principal, kept_id, merged_id))

    async def undo(self, connection: Connection, principal: Principal, merge_id: UUID, request: UndoMerge) -> MergeView:
        """Two accounts again; what ended with the merge stays ended. Raises `PersonNotChecked`, `MergeUnknown`.

        What was erased with the kept account does not come back.
        """
        if not request.holder_checked:
            raise PersonNotChecked
        merge = await repository.find_standing_for_update(connection, merge_id)
        if merge is None:
            raise MergeUnknown
        for person_id in sorted({merge.kept_id, merge.merged_id}):
            await lock_status(connection, person_id)
        account = await self._people.get_person(connection, merge.merged_id)
        if account.merged_into is None or await lock_status(connection, account.merged_into) == "closed":
            raise MergeUnknown
        await repository.mark_repointed(connection, account.merged_into, merge.merged_id, only=merge.repointed)
        await self._life.bring_back(connection, merge.merged_id, "merged")
        await retake_phones(connection, merge.merged_id)  # the kept account may have died, and freed them
        for follower in self._followers:
            await follower.person_unmerged(
                connection, merge.merged_id, account.merged_into, merge.mandates, self._clock.now()
            )
        await repository.mark_undone(connection, merge_id, self._clock.now(), principal.subject_id)
        await self._life.record(connection, merge.merged_id, "unmerged", cause_of(principal, "merged_by_mistake"))
        for person_id in (merge.kept_id, merge.merged_id):
            await self._messages.write(connection, person_id, "accounts_unmerged", self._clock.now())
        return await self._view(connection, merge, undone=True)

    async def list_merges(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> MergeList:
        """The merges of the official's own office, newest first."""
        assert principal.organization_id is not None  # every official has a department
        rows, following = cut(
            await repository.list_merges(connection, principal.organization_id, after, limit + 1), limit
        )
        return MergeList(items=[await self._view(connection, row) for row in rows], next=following)

    async def forget(self, connection: Connection) -> None:
        """Forgets tickets that are over; a periodic job."""
        await repository.delete_expired_tickets(connection, self._clock.now())

    async def _find_merged(
        self, connection: Connection, principal: Principal, merged: NamedPerson | str
    ) -> UUID | SuishenError:
        if isinstance(merged, NamedPerson):
            return await self._life.find_named(connection, principal, merged) or NamedPersonUnknown()
        wait = await spend_attempt(connection, GUESSES, principal.subject_id.bytes, self._clock.now())
        if wait is not None:
            return RateLimited(retry_after=wait)
        return await repository.delete_ticket(connection, _hash(merged), self._clock.now()) or MergeTicketUnknown()

    async def _merge(self, connection: Connection, principal: Principal, kept_id: UUID, merged_id: UUID) -> Merge:
        now = self._clock.now()
        assert principal.organization_id is not None  # every official has a department
        moved: list[UUID] = []
        for follower in self._followers:
            moved += await follower.person_merged(connection, merged_id, kept_id, now)
        merge = Merge(
            id=new_id(),
            kept_id=kept_id,
            merged_id=merged_id,
            repointed=await repository.mark_repointed(connection, merged_id, kept_id),
            mandates=moved,
            merged_at=now,
            merged_by=principal.subject_id,
            organization_id=principal.organization_id,
        )
        await repository.insert_merge(connection, merge)
        cause = cause_of(principal, "one_person")
        await self._life.end(connection, merged_id, "merged", cause, merged_into=kept_id)
        await self._life.raise_level(connection, kept_id)
        await self._messages.write(connection, kept_id, "accounts_merged", now)
        return merge

    async def _account(self, connection: Connection, person_id: UUID) -> Account:
        person = await self._people.get_person(connection, person_id)
        return Account(person=person, identity=await self._people.find_identity(connection, person_id))

    async def _view(self, connection: Connection, merge: Merge, *, undone: bool = False) -> MergeView:
        known = await self._people.disclose(connection, merge.kept_id, frozenset({"display_name"}))
        return MergeView(
            id=merge.id,
            display_name=str(known["display_name"]) if known else None,
            merged_at=merge.merged_at,
            undone_at=self._clock.now() if undone else merge.undone_at,
        )


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(b"merge-ticket" + ticket.encode()).digest()
