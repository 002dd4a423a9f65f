"""Organizations: enterprises that a registry confirmed, and departments that the city registered."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.registries.ports import ResponsibleRole
from auth.sessions.models import TokenPair

OrganizationKind = Literal["enterprise", "department"]
OrganizationStatus = Literal["active", "suspended", "closed"]
OrganizationForm = Literal["legal_person", "unincorporated", "sole_trader"]
"""法人, 非法人组织, 个体工商户."""

FORM_BY_ROLE: Final[dict[ResponsibleRole, OrganizationForm]] = {
    "法定代表人": "legal_person",
    "执行事务合伙人": "unincorporated",
    "负责人": "unincorporated",
    "经营者": "sole_trader",
}
"""What an organization is, by the role of the person who answers for it (《民法典》 54, 61, 102, 105 条)."""


class Organization(Model):
    """A 法人, 非法人组织 or 个体工商户, or a department of the city. Its name and code are public facts."""

    id: UUID
    kind: OrganizationKind
    name: str
    credit_code: str
    status: OrganizationStatus
    form: OrganizationForm
    created_at: datetime
    parent_id: UUID | None = None
    confirmed_at: datetime | None = None


class ClaimOrganization(Request):
    """I answer for this enterprise: not believed before the enterprise registry confirmed it."""

    credit_code: Annotated[str, Meta(max_length=64)]


class RegisterDepartment(Request):
    """A department as a system administrator enters it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    credit_code: Annotated[str, Meta(max_length=64)]
    parent_id: UUID | None = None


class OrganizationView(Model):
    """An organization and the part that the caller has in it."""

    id: UUID
    kind: OrganizationKind
    name: str
    credit_code: str
    status: OrganizationStatus
    form: OrganizationForm
    mandate_id: UUID | None = None
    mandate_kind: str | None = None
    role: str | None = None


class OrganizationSession(TokenPair):
    """Tokens of a fresh context: the organization is the subject, the person acts for it."""

    organization: OrganizationView
