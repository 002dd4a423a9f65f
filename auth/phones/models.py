"""Phone numbers as addresses: whose they are for now, which are on their way, and who shares one."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.people.life.models import NamedPerson

Label = Annotated[str, Meta(min_length=1, max_length=16)]


class PhoneHolder(Model):
    """A person whom a phone opens. `sealed_for` is whose key sealed the label, before a merge."""

    id: UUID
    person_id: UUID
    sealed_for: UUID
    phone_index: bytes
    label_sealed: bytes | None


class StoredPhone(Model):
    """A phone of a person."""

    id: UUID
    person_id: UUID
    phone_index: bytes
    phone_sealed: bytes
    attached_at: datetime


class PhoneChange(Model):
    """A number that becomes somebody's at `due_at`, in place of `replaces_id` if that is named."""

    id: UUID
    person_id: UUID
    phone_index: bytes
    phone_sealed: bytes
    label_sealed: bytes | None
    replaces_id: UUID | None
    asked_at: datetime
    due_at: datetime


class AskForNumber(Request):
    """The number that is to be added: it gets a code."""

    phone: str


class AttachPhone(Request):
    """The code, and what the number is to be.

    `replaces_id` names the phone that it takes the place of; without one it is a further phone. `label` is what others
    who share the number read when they choose whose account to open.
    """

    challenge_id: UUID
    code: str
    replaces_id: UUID | None = None
    label: Label | None = None


class DisownAccount(Request):
    """The code that proves the number; the account that it opens is not the caller's."""

    challenge_id: UUID
    code: str


class AttachAtCounter(Request):
    """Whose number it is to be, and the code that the number got.

    `holder_checked`: the person stands at the counter, and face and document were compared. `in_place_of_others` takes
    away the numbers that they had.
    """

    holder: NamedPerson
    challenge_id: UUID
    code: str
    holder_checked: bool = False
    in_place_of_others: bool = True


class AttachedAtCounter(Model):
    """The number as the official sees it, masked."""

    phone: str
    attached_at: datetime


class PhoneView(Model):
    """A phone of the caller, masked."""

    id: UUID
    phone: str
    attached_at: datetime


class PhoneChangeView(Model):
    """A number on its way, masked. It can be stopped until `due_at`."""

    id: UUID
    phone: str
    replaces_id: UUID | None
    asked_at: datetime
    due_at: datetime


class PhoneList(Model):
    """The caller's phones, oldest first, and the one on its way; `next` is always null, since there are few."""

    items: list[PhoneView]
    waiting: PhoneChangeView | None
    next: str | None = None


class FreedNumber(Model):
    """A number that opens nobody's account any more, proved just now by who holds it."""

    phone: str
    accounts: int


class Disowned(Model):
    """From how many accounts the number was taken."""

    accounts: int
