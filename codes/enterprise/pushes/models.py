"""一码推送: what a department tells enterprises, in a template's words, to an audience fixed when it is written.

A large audience waits for a second official. Every enterprise has a receipt: when it was delivered, when it was read.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from codes.enterprise.pushes.templates import FieldName, Line

State: TypeAlias = Literal["waiting", "sending", "sent", "withdrawn"]
CreditCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{18}(?![\s\S])")]
Zone = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}([0-9]{2}){0,2}(?![\s\S])")]
"""A province, city or district of GB/T 2260, by its first 2, 4 or 6 digits."""
District = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}(?![\s\S])")]
Industry = Annotated[str, msgspec.Meta(pattern=r"^[A-T][0-9]{2}(?![\s\S])")]
"""A division of GB/T 4754: H62 is food service."""

WRITTEN_IN: Final = timedelta(days=1)
"""The span in which a department's pushes are counted."""


class Audience(Request):
    """Whom a push addresses: named by credit codes, or described by area and trade (both, where both are given)."""

    credit_codes: Annotated[list[CreditCode], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)
    zones: Annotated[list[Zone], msgspec.Meta(max_length=20)] = msgspec.field(default_factory=list)
    industries: Annotated[list[Industry], msgspec.Meta(max_length=50)] = msgspec.field(default_factory=list)

    @property
    def is_one_way(self) -> bool:
        """Whether it is named or described, exactly one of the two."""
        return bool(self.credit_codes) != bool(self.zones or self.industries)


class WritePush(Request):
    """A template, its fields, and whom it is for."""

    template: Annotated[str, msgspec.Meta(max_length=40)]
    values: Annotated[dict[FieldName, Line], msgspec.Meta(max_length=10)]
    audience: Audience


class PushLimits(Model):
    """What one department may do. `large`: from how many enterprises on a second official must agree."""

    a_day: int = 20
    large: int = 20
    most: int = 50_000


class Push(Model):
    """A row."""

    id: UUID
    department_id: UUID
    author_id: UUID
    template: str
    title: Text
    body: Text
    audience: Audience
    audience_count: int
    state: State
    created_at: datetime
    approver_id: UUID | None = None
    approved_at: datetime | None = None
    sent_at: datetime | None = None
    withdrawn_at: datetime | None = None


class Receipts(Model):
    """How many of an audience have it, and how many said that they read it."""

    delivered: int = 0
    read: int = 0


class PushView(Model):
    """A push as its department reads it; lists leave the counts out."""

    id: UUID
    template: str
    title: Text
    body: Text
    audience: Audience
    audience_count: int
    state: State
    receipts: Receipts | None
    created_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    withdrawn_at: datetime | None


class PushList(Model):
    """A page of pushes, newest first."""

    items: list[PushView]
    next: UUID | None


class Receipt(Model):
    """One enterprise's receipt. Who of its people read it is not the department's to know."""

    organization_id: UUID
    organization_name: str
    delivered_at: datetime | None
    read_at: datetime | None


class ReceiptList(Model):
    """A page of receipts, in a fixed order."""

    items: list[Receipt]
    next: UUID | None


class StoredReceipt(Model):
    """A row without the organization's name."""

    organization_id: UUID
    delivered_at: datetime | None
    read_at: datetime | None


class StoredNotice(Model):
    """A push that reached an enterprise, as it lies in its list."""

    id: UUID
    department_id: UUID
    template: str
    title: Text
    body: Text
    delivered_at: datetime
    read_at: datetime | None
    withdrawn_at: datetime | None


class NoticeView(Model):
    """A push as the enterprise reads it; one that was withdrawn says so."""

    id: UUID
    department: str
    template: str
    title: Text
    body: Text
    delivered_at: datetime
    read_at: datetime | None
    withdrawn: bool


class NoticeList(Model):
    """A page of what departments told the enterprise, newest first."""

    items: list[NoticeView]
    next: UUID | None


class DescribeSubject(Request):
    """Where the enterprise does business, and its trade, so that notices reach those whom they concern."""

    zone: District
    industry: Industry | None = None


class Subject(Model):
    """An enterprise as part of audiences. `declared_at`: since when it says so itself; else as registered."""

    organization_id: UUID
    zone: str
    industry: str | None = None
    declared_at: datetime | None = None


class TemplateView(Model):
    """A template and the fields that a department fills in."""

    slug: str
    names: Text
    title: Text
    body: Text
    fields: list[str]


class TemplateList(Model):
    """Every template."""

    items: list[TemplateView]


def zone_of_credit_code(credit_code: str) -> str:
    """Where an enterprise is registered (GB 32100, digits 3 to 8)."""
    return credit_code[2:8]
