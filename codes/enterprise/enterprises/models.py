"""Enterprise codes: a sticker of a licensed organization, readable by any phone's camera, valid for months."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.enterprise.enterprises import page
from codes.enterprise_ports import KnownOrganization
from codes.lines import ONE_LINE
from codes.status.models import StatusPointer
from codes.stickers.models import Description, Fact
from codes.verdict import Reason

State: TypeAlias = Literal["active", "revoked"]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=ONE_LINE)]


class IssueCode(Request):
    """What the organization chooses: where the sticker will hang, and how long it is good."""

    label: Label
    valid_days: Annotated[int, msgspec.Meta(ge=30, le=730)] = 365

    @property
    def life(self) -> timedelta:
        """From issue to end."""
        return timedelta(days=self.valid_days)


class EnterpriseCode(Model):
    """A row. `carrier` is the whole text of the picture; it is public."""

    id: UUID
    organization_id: UUID
    label: str
    cti: bytes
    shard: int
    index: int
    carrier: str
    state: State
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def pointer(self) -> StatusPointer:
        """Where its status stands."""
        return StatusPointer(shard=self.shard, index=self.index)


class CodeView(Model):
    """A code as its organization reads it; `carrier` goes into the picture, byte for byte."""

    id: UUID
    organization_id: UUID
    label: str
    carrier: str
    state: State
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    kind: str = "E"


class CodeList(Model):
    """A page of codes, newest first."""

    items: list[CodeView]
    next: UUID | None


class Sticker(Model):
    """What a code on a wall turned out to be. Anything but OK: it is not ours, or it counts no longer."""

    reason: Reason
    code: EnterpriseCode | None = None
    name: str = ""
    credit_code: str = ""
    in_business: bool = True


class StickerView(Model):
    """A valid code as anybody may read it: registered facts, nothing else."""

    valid: bool
    kind: str
    name: str
    credit_code: str
    in_business: bool
    label: str
    issued_at: datetime
    expires_at: datetime


def view_of(code: EnterpriseCode) -> CodeView:
    """The row without its pointers."""
    return msgspec.convert(code, CodeView, from_attributes=True)


def sticker_of(reason: Reason, code: EnterpriseCode, organization: KnownOrganization) -> Sticker:
    """The code with the facts of whom it stands for."""
    return Sticker(
        reason=reason,
        code=code,
        name=organization.name,
        credit_code=organization.credit_code,
        in_business=organization.status == "active",
    )


def description_of(code: EnterpriseCode, organization: KnownOrganization) -> Description:
    """What anybody may read of a valid code."""
    in_business = organization.status == "active"
    return Description(
        name=organization.name,
        facts=(
            Fact(label=page.NAME, value=organization.name),
            Fact(label=page.CREDIT_CODE, value=organization.credit_code),
            Fact(label=page.HANGS, value=code.label),
            Fact(label=page.ISSUED, value=code.issued_at),
            Fact(label=page.UNTIL, value=code.expires_at),
        ),
        warnings=() if in_business else (page.NOT_IN_BUSINESS,),
        advice=page.COMPARE,
        view=StickerView(
            valid=True,
            kind="E",
            name=organization.name,
            credit_code=organization.credit_code,
            in_business=in_business,
            label=code.label,
            issued_at=code.issued_at,
            expires_at=code.expires_at,
        ),
    )
