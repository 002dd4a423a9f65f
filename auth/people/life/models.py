"""An account's life: who may freeze and wake it, and what its status is after everything that happened. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.documents import DocumentType
from auth.people.models import PersonStatus
from auth.people.ports import EndReason

FreezeReason: TypeAlias = Literal["holder_request", "lost_phone", "stolen_phone", "suspected_fraud", "court_order"]
DeathReason: TypeAlias = Literal["death_certificate", "household_register"]
ReversalReason: TypeAlias = Literal["mistaken_identity", "register_corrected"]
EventKind: TypeAlias = Literal[
    "frozen",
    "unfrozen",
    "died",
    "death_reversed",
    "closed",
    "merged",
    "unmerged",
    "document_added",
    "document_renewed",
    "renamed",
    "face_confirmed",
    "counter_confirmed",
]
Source: TypeAlias = Literal["counter", "hotline", "registry", "face", "self", "system"]

AT_THE_HOLDERS_WISH: Final[frozenset[str]] = frozenset({"holder_request", "lost_phone", "stolen_phone"})
"""Such a freeze the holder ends, by face or at a counter. Any other ends at a counter, by another official."""
PHONE_GONE: Final[frozenset[str]] = frozenset({"lost_phone", "stolen_phone"})

ENDED_BY: Final[dict[EndReason, PersonStatus]] = {
    "frozen": "frozen",
    "died": "deceased",
    "closed": "closed",
    "merged": "merged",
}


class NamedPerson(Request):
    """Somebody as they stand on the document in front of an official, or as they name themself to the hotline."""

    name: Annotated[str, Meta(max_length=200)]
    document_number: Annotated[str, Meta(max_length=64)]
    document_type: DocumentType = "id_card"


class FreezeAccount(Request):
    """Whose account, and why; the holder reads the reason."""

    holder: NamedPerson
    reason: FreezeReason


class UnfreezeAccount(Request):
    """`holder_checked`: the person stands at the counter, and face and document were compared.

    Devices of a phone that was lost or stolen end with it, unless `phone_found`.
    """

    holder: NamedPerson
    holder_checked: bool = False
    phone_found: bool = False


class RecordDeath(Request):
    """Whose death, by which document."""

    holder: NamedPerson
    reason: DeathReason


class ReverseDeath(Request):
    """Who is alive after all; they stand at the counter."""

    holder: NamedPerson
    reason: ReversalReason
    holder_checked: bool = False


class AccountEvent(Model):
    """A row: what was done with an account, by whom and why. `actor` is as in the audit log."""

    id: UUID
    person_id: UUID
    kind: EventKind
    reason: str
    source: Source
    actor: str
    organization_id: UUID | None
    at: datetime


class AccountEventView(Model):
    """What was done with my account. Officials are not named: their office answers for it."""

    id: UUID
    kind: EventKind
    reason: str
    source: Source
    organization_name: str | None
    at: datetime


class AccountEventList(Model):
    """A page, newest first."""

    items: list[AccountEventView]
    next: UUID | None


class AccountState(Model):
    """An account as the official who changed it sees it."""

    event_id: UUID
    display_name: str | None
    status: PersonStatus
    at: datetime


def may_unfreeze(frozen: AccountEvent, *, actor: str) -> bool:
    """Whether this official may end the freeze: four eyes where it was not the holder's own wish."""
    return frozen.reason in AT_THE_HOLDERS_WISH or frozen.actor != actor


def status_after_death_reversed(kinds: Iterable[EventKind]) -> PersonStatus:
    """What somebody who lives after all comes back to: a freeze that lay on them before lies there still."""
    status: PersonStatus = "active"
    for kind in kinds:
        if kind in {"frozen", "unfrozen"}:
            status = "frozen" if kind == "frozen" else "active"
    return status
