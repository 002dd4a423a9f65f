"""A disclosure: that a department was told certain fields of a citizen, when, and on which basis. Never the values."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model


class Disclosure(Model):
    """One row of the citizen's 数据调用记录."""

    id: UUID
    subject_id: UUID
    agent_id: UUID | None
    app_id: str
    organization_id: UUID
    scopes: list[str]
    fields: list[str]
    bases: list[str]
    disclosed_at: datetime


class DisclosureView(Model):
    """What the citizen reads of it. `bases` stands in the order of `scopes`."""

    id: UUID
    app_id: str
    organization_id: UUID
    scopes: list[str]
    fields: list[str]
    bases: list[str]
    disclosed_at: datetime


class DisclosureList(Model):
    """Newest first; `next` is the id to go on after."""

    items: list[DisclosureView]
    next: str | None
