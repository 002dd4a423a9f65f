"""The demo city's members of staff: who they are, their random secrets in one private file, and their way in."""

import base64
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from app.boot import write_private
from app.demo.caller import Caller
from app.kit.floor import Floor
from app.kit.keyring import PURPOSES
from app.main import build_house
from app.settings import Settings
from app.staffing import appoint
from auth.documents import make_synthetic_credit_code
from auth.officials.models import Role
from auth.officials.totp import STEP_SECONDS, code_at
from auth.wiring import AuthServices

STAFF_FILE = "demo-city.json"


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A position in the demo city."""

    username: str
    roles: list[Role]
    department: str
    credit_code: str


def _post(username: str, roles: list[Role], department: str, sequence: int) -> Post:
    code = make_synthetic_credit_code(sequence=sequence)
    return Post(username=username, roles=roles, department=department, credit_code=code)


ADMIN = _post("demo-admin", ["system_admin"], "演示市数据局", 101)
POSTS = (
    ADMIN,
    _post("demo-reviewer", ["reviewer"], "演示市数据局", 101),
    _post("demo-library", ["developer"], "演示市图书馆", 102),
    _post("demo-library-scanners", ["scanner_admin"], "演示市图书馆", 102),
    _post("demo-library-doors", ["scanner_admin"], "演示市图书馆", 102),
    _post("demo-hotline", ["developer"], "演示市12345热线", 103),
    _post("demo-appointments", ["developer"], "演示大厅预约中心", 104),
    _post("demo-chaos", ["developer"], "演示失序部门", 118),
    _post("demo-traffic-police", ["scanner_admin"], "演示市交警支队", 117),
    _post("demo-library-readers", ["entitlement_admin"], "演示市图书馆", 102),
    _post("demo-counter", ["counter"], "演示市政务服务中心", 106),
    _post("demo-counter-lead", ["counter"], "演示市政务服务中心", 106),
    _post("demo-counter-devices", ["scanner_admin"], "演示市政务服务中心", 106),
    _post("demo-audit", ["audit_admin"], "演示市数据局", 101),
    _post("demo-security", ["security_admin"], "演示市数据局", 101),
    _post("demo-hotline-desk", ["hotline"], "演示市12345热线", 103),
    _post("demo-fire-records", ["lookup_officer"], "演示市消防救援支队", 105),
    _post("demo-inspector", ["inspector"], "演示市消防救援支队", 105),
)


class Secret(msgspec.Struct, kw_only=True):
    """What a member of staff knows, and the last time step whose code they used."""

    organization_id: str
    password: str
    totp_secret: str
    last_step: int = 0


class StaffRoom:
    """All of the demo city's staff, over one file."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / STAFF_FILE
        self.secrets: dict[str, Secret] = {}
        self._at_desk: dict[str, Caller] = {}
        if self._path.exists():
            self.secrets = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Secret])

    async def appoint_missing(self, floor: Floor, auth: AuthServices) -> None:
        """Makes the accounts that are not there yet, all in one transaction; at the machine, before the server runs."""
        async with floor.database.transaction() as connection:
            for post in POSTS:
                if post.username not in self.secrets:
                    appointed = await appoint(
                        connection,
                        auth,
                        username=post.username,
                        name="演示人员",
                        roles=post.roles,
                        department=post.department,
                        credit_code=post.credit_code,
                    )
                    self.secrets[post.username] = Secret(
                        organization_id=str(appointed.account.organization_id),
                        password=appointed.password,
                        totp_secret=appointed.account.totp_secret,
                    )
        self._save()

    async def sign_in(self, http: httpx.AsyncClient, username: str) -> Caller:
        """A signed-in member of staff: password, and a code of the authenticator that was not used before.

        Who is at their desk already stays signed in: an authenticator has two codes in half a minute, and no more.
        """
        if username in self._at_desk:
            return self._at_desk[username]
        secret = self.secrets[username]
        present = int(time.time()) // STEP_SECONDS
        step = max(present, secret.last_step + 1)
        secret.last_step = step
        self._save()
        caller = Caller(http)
        body = {"username": username, "password": secret.password, "totp": _code(secret, step)}
        caller.tokens = await caller.call("POST", "/v1/login/password/tokens", proven=True, json=body)
        self._at_desk[username] = caller
        return caller

    def organization_of(self, username: str) -> str:
        """The id of somebody's department."""
        return self.secrets[username].organization_id

    def _save(self) -> None:
        write_private(self._path, msgspec.json.encode(self.secrets).decode())


async def appoint_staff(settings: Settings) -> StaffRoom:
    """The demo city's staff, with accounts made at the machine where they are missing."""
    house, staff = build_house(settings), StaffRoom(settings.data_directory)
    await house.floor.database.open()
    try:
        async with house.floor.database.transaction() as connection:
            await house.floor.keyring.ensure(connection, PURPOSES)
        await staff.appoint_missing(house.floor, house.packages.auth)
    finally:
        await house.floor.database.close()
    return staff


def _code(secret: Secret, step: int) -> str:
    return code_at(base64.b32decode(secret.totp_secret), datetime.fromtimestamp(step * STEP_SECONDS, UTC))
