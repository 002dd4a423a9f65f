"""Accounts of staff at the machine: the first are made here, and those of operators are closed here."""

import secrets

from app.kit.database import Connection
from app.kit.structs import Model
from auth.officials.errors import OfficialUnknown
from auth.officials.models import RegisteredOfficial, RegisterOfficial, Role
from auth.organizations.models import RegisterDepartment
from auth.wiring import AuthServices

ACTOR = "system"


class Appointed(Model):
    """A new account with its secrets, which are shown this once."""

    account: RegisteredOfficial
    password: str


async def appoint(
    connection: Connection,
    auth: AuthServices,
    *,
    username: str,
    name: str,
    roles: list[Role],
    department: str,
    credit_code: str,
) -> Appointed:
    """A staff account at a department, which is registered when it is not there yet. Raises what the services raise."""
    known = await auth.organizations.find_by_credit_code(connection, credit_code)
    organization_id = known.id if known else None
    if organization_id is None:
        entry = RegisterDepartment(name=department, credit_code=credit_code)
        organization_id = (await auth.organizations.register_department(connection, entry, actor=ACTOR)).id
    password = secrets.token_urlsafe(18)
    request = RegisterOfficial(
        username=username, name=name, password=password, organization_id=organization_id, roles=roles
    )
    account = await auth.officials.register(connection, request, actor=ACTOR)
    return Appointed(account=account, password=password)


async def close_staff_account(connection: Connection, auth: AuthServices, *, username: str) -> int:
    """Ends a staff account of any role, and its sessions, how many. Raises `OfficialUnknown`."""
    official = await auth.officials.find_by_username(connection, username)
    if official is None:
        raise OfficialUnknown
    return await auth.officials.disable(connection, official.id, actor=ACTOR)
