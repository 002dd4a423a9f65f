"""What others do when a person's account ends, comes back, or turns out to be somebody's second one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.database import Connection

EndReason: TypeAlias = Literal["frozen", "died", "closed", "merged"]
"""`frozen` passes: what can sleep should sleep. The others end things; a death may turn out to be a mistake."""


class PersonListener(Protocol):
    """Told inside the transaction that ends an account: what it writes holds if and only if the end does."""

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, now: datetime) -> None:
        """Ends, or puts to sleep, whatever this person was given and gave. Called again, it changes nothing more."""
        ...


class PersonReturnListener(Protocol):
    """Told inside the transaction that unfreezes an account, reverses a death, or undoes a merge."""

    async def person_returned(self, connection: Connection, person_id: UUID, reason: EndReason, now: datetime) -> None:
        """Wakes what `person_ended` put to sleep for `reason`; what it ended stays ended."""
        ...


class FollowsMerges(Protocol):
    """Keeps what should go on under the account that is kept; told before `person_ended` with reason `merged`."""

    async def person_merged(
        self, connection: Connection, merged_id: UUID, kept_id: UUID, now: datetime
    ) -> Sequence[UUID]:
        """Moves what can move to `kept_id`; the ids of what moved, for the trail."""
        ...

    async def person_unmerged(
        self, connection: Connection, merged_id: UUID, kept_id: UUID, moved: Sequence[UUID], now: datetime
    ) -> None:
        """Gives back what of `moved` still stands."""
        ...
