"""Staff: all three of username, password and code, never told which was wrong; roles that exclude each other do."""

import asyncio
import base64
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.errors import TemporarilyUnavailable
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.officials.errors import RolesExclude, UsernameTaken
from auth.officials.models import OPERATORS, ROLES, RegisteredOfficial, RegisterOfficial, roles_exclude_each_other
from auth.officials.passwords import Passwords
from auth.officials.totp import code_at, find_step, new_secret
from auth.organizations.errors import OrganizationUnknown
from auth.organizations.models import RegisterDepartment
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.phones import Phone, slug_of

PASSWORD = "correct-horse-battery"


class Staff:
    """A member of staff with an authenticator program."""

    def __init__(self, client: httpx.AsyncClient, clock: ManualClock, account: RegisteredOfficial) -> None:
        self.client = client
        self.clock = clock
        self.account = account
        self.secret = base64.b32decode(account.totp_secret)
        self.token = ""

    def code(self) -> str:
        return code_at(self.secret, self.clock.now())

    async def try_to_sign_in(self, **changes: Any) -> httpx.Response:
        body = {
            "username": self.account.username,
            "password": PASSWORD,
            "totp": self.code(),
        }
        return await self.client.post("/v1/login/password/tokens", json=body | changes)

    async def sign_in(self) -> "Staff":
        response = await self.try_to_sign_in()
        assert response.status_code == 200, response.text
        self.token = response.json()["access_token"]
        return self

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, path, json=body, headers=headers)


async def make_account(
    auth: AuthServices, connection: Connection, *roles: Any, username: str = "admin"
) -> RegisteredOfficial:
    code = make_synthetic_credit_code(sequence=900)
    department = await auth.organizations.find_by_credit_code(connection, code)
    if department is None:
        wanted = RegisterDepartment(name="图书馆", credit_code=code)
        await auth.organizations.register_department(connection, wanted, actor="system")
        department = await auth.organizations.find_by_credit_code(connection, code)
    assert department is not None
    request = RegisterOfficial(
        username=username, name="测试管理员", password=PASSWORD, organization_id=department.id, roles=list(roles)
    )
    return await auth.officials.register(connection, request, actor="system")


@pytest.fixture
async def admin(client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection) -> Staff:
    return Staff(client, clock, await make_account(auth, connection, "system_admin"))


async def test_sign_in_gives_an_officials_token(admin: Staff) -> None:
    me = (await (await admin.sign_in()).call("GET", "/v1/me")).json()
    assert (me["subject_type"], me["roles"], me["aal"]) == ("official", ["system_admin"], 2)
    assert me["organization_id"] == str(admin.account.organization_id)
    assert me["person"] is None


async def test_wrong_password_code_or_name_look_the_same(admin: Staff) -> None:
    answers = [
        await admin.try_to_sign_in(password="wrong-password-1"),
        await admin.try_to_sign_in(totp="000000"),
        await admin.try_to_sign_in(username="nobody"),
        await admin.try_to_sign_in(totp=""),
        await admin.try_to_sign_in(totp="１２３４５６"),
    ]
    assert {(answer.status_code, slug_of(answer)) for answer in answers} == {(401, "password-refused")}
    assert len({answer.text for answer in answers}) == 1


async def test_code_works_once(admin: Staff, clock: ManualClock) -> None:
    await admin.sign_in()
    assert slug_of(await admin.try_to_sign_in()) == "password-refused"
    clock.advance(30)
    await admin.sign_in()


async def test_older_code_is_refused_after_a_newer_one(admin: Staff, clock: ManualClock) -> None:
    old = code_at(admin.secret, clock.now())
    clock.advance(30)
    await admin.sign_in()
    assert slug_of(await admin.try_to_sign_in(totp=old)) == "password-refused"


async def test_five_wrong_tries_lock_for_a_while_known_or_not(admin: Staff, clock: ManualClock) -> None:
    for username in ("admin", "nobody"):
        for _ in range(5):
            await admin.try_to_sign_in(username=username, password="wrong-password-1")
        locked = await admin.try_to_sign_in(username=username)
        assert (locked.status_code, slug_of(locked)) == (429, "rate-limited")
    clock.advance(900)
    await admin.sign_in()


async def test_refusal_is_in_the_log_without_the_username(admin: Staff, connection: Connection) -> None:
    await admin.try_to_sign_in(username="zhangsan.secret", password="wrong-password-1")
    row = await connection.fetchrow("select * from kit.audit_entry where action = 'login.password_refused'")
    assert row is not None
    assert "zhangsan" not in str(dict(row))


async def test_administrator_makes_departments_and_accounts(admin: Staff, connection: Connection) -> None:
    await admin.sign_in()
    code = make_synthetic_credit_code(sequence=901)
    made = await admin.call("POST", "/v1/staff/departments", {"name": "消防救援局", "credit_code": code})
    assert made.status_code == 201
    assert made.json()["kind"] == "department"
    again = await admin.call("POST", "/v1/staff/departments", {"name": "x", "credit_code": code})
    assert slug_of(again) == "credit-code-taken"
    account = await admin.call("POST", "/v1/staff/officials", new_account(made.json()["id"]))
    assert account.status_code == 201
    assert account.json()["totp_uri"].startswith("otpauth://totp/")
    listed = (await admin.call("GET", "/v1/staff/officials")).json()["items"]
    assert [item["username"] for item in listed] == ["admin", "inspector1"]
    assert not any("totp" in item or "password" in item for item in listed)
    names = [item["name"] for item in (await admin.call("GET", "/v1/staff/departments")).json()["items"]]
    assert names == ["图书馆", "消防救援局"]
    entry = await connection.fetchval(
        "select actor from kit.audit_entry where subject = $1", f"official:{account.json()['id']}"
    )
    assert entry == f"official:{admin.account.id}"


def new_account(department: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "username": "inspector1",
        "name": "测试督察",
        "password": PASSWORD,
        "organization_id": department,
        "roles": ["inspector"],
    } | changes


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"roles": ["system_admin"]}, "operator-role-reserved"),
        ({"roles": ["inspector", "audit_admin"]}, "operator-role-reserved"),
        ({"roles": []}, "fields-invalid"),
        ({"roles": ["king"]}, "fields-invalid"),
        ({"password": "short"}, "fields-invalid"),
        ({"username": "A b"}, "fields-invalid"),
        ({"username": "abc\n"}, "fields-invalid"),
        ({"username": "admin"}, "username-taken"),
        ({"organization_id": str(UUID(int=1))}, "organization-unknown"),
        ({"status": "active"}, "fields-invalid"),
    ],
)
async def test_account_out_of_order_is_refused(admin: Staff, changes: dict[str, Any], slug: str) -> None:
    await admin.sign_in()
    body = new_account(str(admin.account.organization_id), **changes)
    assert slug_of(await admin.call("POST", "/v1/staff/officials", body)) == slug


@pytest.mark.parametrize("role", sorted(ROLES - {"system_admin"}))
async def test_other_roles_administer_nothing(
    client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection, role: str
) -> None:
    staff = await Staff(client, clock, await make_account(auth, connection, role)).sign_in()
    for method, path in (
        ("GET", "/v1/staff/departments"),
        ("POST", "/v1/staff/departments"),
        ("GET", "/v1/staff/officials"),
        ("POST", "/v1/staff/officials"),
        ("DELETE", f"/v1/staff/officials/{staff.account.id}"),
    ):
        response = await staff.call(method, path, {})
        assert (response.status_code, slug_of(response)) == (403, "role-missing")


async def test_citizens_and_strangers_administer_nothing(phone: Phone) -> None:
    assert (await phone.client.get("/v1/staff/officials")).status_code == 401
    await phone.sign_in()
    assert slug_of(await phone.get("/v1/staff/officials")) == "wrong-subject"


async def test_official_is_not_a_citizen(admin: Staff) -> None:
    await admin.sign_in()
    for path in ("/v1/me/devices", "/v1/me/consents", "/v1/organizations", "/v1/me/messages"):
        assert slug_of(await admin.call("GET", path)) == "wrong-subject"


async def test_closed_account_is_out_at_once(admin: Staff, auth: AuthServices, connection: Connection) -> None:
    account = await make_account(auth, connection, "inspector", username="inspector1")
    staff = await Staff(admin.client, admin.clock, account).sign_in()
    await admin.sign_in()
    closed = await admin.call("DELETE", f"/v1/staff/officials/{account.id}")
    assert closed.json() == {"sessions_ended": 1}
    await auth.revoked_sessions.refresh()
    assert (await staff.call("GET", "/v1/me")).status_code == 401
    admin.clock.advance(30)
    assert slug_of(await staff.try_to_sign_in()) == "password-refused"


@pytest.mark.parametrize("role", sorted(OPERATORS))
async def test_operators_account_is_closed_at_the_machine_only(
    admin: Staff, auth: AuthServices, connection: Connection, role: str
) -> None:
    account = await make_account(auth, connection, role, username="operator2")
    await admin.sign_in()
    refused = await admin.call("DELETE", f"/v1/staff/officials/{account.id}")
    assert (refused.status_code, slug_of(refused)) == (403, "operator-role-reserved")
    await Staff(admin.client, admin.clock, account).sign_in()
    assert await auth.officials.disable(connection, account.id, actor="system") == 1


async def test_staff_session_is_short(admin: Staff, clock: ManualClock) -> None:
    tokens = (await admin.try_to_sign_in()).json()
    clock.advance(1800)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await admin.client.post("/oauth/token", data=form)).status_code == 400


async def test_two_operator_roles_are_refused_by_the_service(auth: AuthServices, connection: Connection) -> None:
    with pytest.raises(RolesExclude):
        await make_account(auth, connection, "system_admin", "audit_admin")


async def test_two_operator_roles_are_refused_by_the_database(admin: Staff, connection: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(
            "insert into auth.official_role (official_id, role) values ($1, 'audit_admin')", admin.account.id
        )


async def test_register_names_what_is_wrong(admin: Staff, auth: AuthServices, connection: Connection) -> None:
    with pytest.raises(UsernameTaken):
        await make_account(auth, connection, "inspector")
    request = RegisterOfficial(
        username="other", name="x", password=PASSWORD, organization_id=UUID(int=1), roles=["inspector"]
    )
    with pytest.raises(OrganizationUnknown):
        await auth.officials.register(connection, request, actor="system")


@given(st.sets(st.sampled_from(sorted(ROLES))))
def test_roles_exclude_exactly_when_two_are_operators(roles: set[str]) -> None:
    assert roles_exclude_each_other(frozenset(roles)) == (len(roles & OPERATORS) >= 2)


@given(st.integers(-3, 3), st.integers(1_700_000_000, 2_000_000_000))
def test_totp_neighbours_are_good_and_nothing_else(offset: int, moment: int) -> None:
    secret, now = new_secret(), datetime.fromtimestamp(moment, UTC)
    code = code_at(secret, now + timedelta(seconds=30 * offset))
    if abs(offset) <= 1:
        assert find_step(secret, code, now) == int(now.timestamp()) // 30 + offset


def test_totp_of_the_standard() -> None:
    # RFC 6238, appendix B, the last six of eight digits.
    assert code_at(b"12345678901234567890", datetime.fromtimestamp(1111111109, UTC)) == "081804"


async def test_too_many_passwords_at_once_are_shed_politely() -> None:
    passwords = Passwords(threads=1, queue=2)
    stored = await passwords.hash(PASSWORD)
    answers = await asyncio.gather(*(passwords.verify(stored, PASSWORD) for _ in range(12)), return_exceptions=True)
    shed = [answer for answer in answers if isinstance(answer, TemporarilyUnavailable)]
    assert answers.count(True) == 3
    assert len(shed) == 9
    assert shed[0].retry_after == 1
    assert await passwords.verify(stored, PASSWORD)
    assert not await passwords.verify(stored, "other")
    assert not await passwords.verify("not a hash", PASSWORD)
    await passwords.close()


async def test_shed_sign_in_costs_no_try(
    floor: Floor, auth_settings: AuthSettings, connection: Connection, clock: ManualClock
) -> None:
    from msgspec.structs import replace

    account = await make_account(build_auth(floor, auth_settings), connection, "inspector")
    services = build_auth(floor, replace(auth_settings, password_threads=1, password_queue=-1))
    async with open_client(floor, services) as client:
        response = await Staff(client, clock, account).try_to_sign_in()
    await services.close()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert await connection.fetchval("select attempts from auth.attempt where kind = 'password'") == 0


async def test_one_code_used_ten_times_at_once_opens_once(
    race_floor: Floor, race_database: Database, auth_settings: AuthSettings
) -> None:
    from msgspec.structs import replace

    services = build_auth(race_floor, replace(auth_settings, password_limit=100))
    async with race_database.transaction() as connection:
        account = await make_account(services, connection, "inspector")
    async with open_client(race_floor, services) as client:
        clock = race_floor.clock
        assert isinstance(clock, ManualClock)
        staff = Staff(client, clock, account)
        answers = await asyncio.gather(*(staff.try_to_sign_in() for _ in range(10)))
    await services.close()
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 9}
