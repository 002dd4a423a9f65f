"""Staff: 政务工作人员 and contracted operators, their accounts and roles."""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request

Role = Literal[
    "system_admin",
    "security_admin",
    "audit_admin",
    "reviewer",
    "developer",
    "inspector",
    "scanner_admin",
    "scenario_admin",
    "counter",
    "hotline",
    "lookup_officer",
    "entitlement_admin",
]

ROLES: Final[frozenset[str]] = frozenset(get_args(Role))
OPERATORS: Final[frozenset[str]] = frozenset({"system_admin", "security_admin", "audit_admin"})
"""系统 / 安全 / 审计管理员: nobody may hold two of these, so that nobody watches themself."""
SHORTEST_PASSWORD: Final = 12


class Official(Model):
    """What is stored of an account; roles stand beside it."""

    id: UUID
    username: str
    password_hash: str
    totp_sealed: bytes
    totp_last_step: int
    organization_id: UUID
    status: Literal["active", "disabled"]
    created_at: datetime
    roles: frozenset[str] = frozenset()


class RegisterOfficial(Request):
    """A new account. The time-based second factor is made here and told once."""

    username: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{2,31}$(?!\n)")]
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=SHORTEST_PASSWORD, max_length=256)]
    organization_id: UUID
    roles: Annotated[list[Role], Meta(min_length=1, max_length=8)]


class RegisteredOfficial(Model):
    """The account, and the secret of its second factor: shown this once."""

    id: UUID
    username: str
    roles: list[str]
    organization_id: UUID
    totp_secret: str
    totp_uri: str


class OfficialView(Model):
    """An account as administrators see it."""

    id: UUID
    username: str
    roles: list[str]
    organization_id: UUID
    status: Literal["active", "disabled"]


def roles_exclude_each_other(roles: frozenset[str]) -> bool:
    """Whether no single person may hold these roles together."""
    return len(roles & OPERATORS) > 1
