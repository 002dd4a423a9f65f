"""The tree of departments: moved with all under it, never under itself, never too deep."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from auth.documents import make_synthetic_credit_code
from auth.organizations.tree import DEEPEST
from tests.auth.people.conftest import NewStaff, Staff, new_staff
from tests.auth.phones import slug_of

__all__ = ["new_staff"]


class Bureau:
    """An administrator and the departments that they make."""

    def __init__(self, admin: Staff) -> None:
        self.admin = admin
        self._made = 0

    async def make(self, parent_id: str | None = None) -> str:
        self._made += 1
        code = make_synthetic_credit_code(sequence=5000 + self._made)
        body = {"name": f"部门{self._made}", "credit_code": code, "parent_id": parent_id}
        return str((await self.admin.call("POST", "/v1/staff/departments", body)).json()["id"])

    async def move(self, department: str, parent_id: str | None) -> httpx.Response:
        path = f"/v1/staff/departments/{department}/parent"
        return await self.admin.call("PUT", path, {"parent_id": parent_id})

    async def tree(self, department: str) -> list[tuple[str, int]]:
        found: dict[str, Any] = (await self.admin.call("GET", f"/v1/staff/departments/{department}/tree")).json()
        return [(one["id"], one["depth"]) for one in found["items"]]


@pytest.fixture
async def bureau(new_staff: NewStaff) -> Bureau:
    return Bureau(await new_staff("system_admin"))


async def test_a_department_moves_with_everything_under_it(bureau: Bureau) -> None:
    city, district = await bureau.make(), await bureau.make()
    office = await bureau.make(district)
    moved = await bureau.move(district, city)
    assert [one["id"] for one in moved.json()["items"]] == [district, office]
    assert await bureau.tree(city) == [(city, 0), (district, 1), (office, 2)]
    await bureau.move(district, None)
    assert await bureau.tree(city) == [(city, 0)]


async def test_no_circle_closes(bureau: Bureau) -> None:
    top = await bureau.make()
    middle = await bureau.make(top)
    bottom = await bureau.make(middle)
    for parent in (top, middle, bottom):
        assert slug_of(await bureau.move(top, parent)) == "department-tree-refused"
    assert await bureau.tree(top) == [(top, 0), (middle, 1), (bottom, 2)]


async def test_it_grows_no_deeper_than_it_may(bureau: Bureau) -> None:
    deepest = top = await bureau.make()
    for _ in range(DEEPEST - 2):
        deepest = await bureau.make(deepest)
    with_child = await bureau.make()
    await bureau.make(with_child)
    assert slug_of(await bureau.move(with_child, deepest)) == "department-tree-refused"
    alone = await bureau.make()
    assert (await bureau.move(alone, deepest)).status_code == 200
    assert len(await bureau.tree(top)) == DEEPEST


async def test_what_is_no_department_has_no_tree(bureau: Bureau) -> None:
    top = await bureau.make()
    assert slug_of(await bureau.move(str(uuid4()), top)) == "organization-unknown"
    assert slug_of(await bureau.move(top, str(uuid4()))) == "department-tree-refused"
    missing = await bureau.admin.call("GET", f"/v1/staff/departments/{uuid4()}/tree")
    assert slug_of(missing) == "organization-unknown"


@pytest.mark.parametrize("role", ["counter", "security_admin", "audit_admin", "developer"])
async def test_administrators_alone_move_departments(bureau: Bureau, new_staff: NewStaff, role: str) -> None:
    top = await bureau.make()
    bureau.admin = await new_staff(role)
    assert slug_of(await bureau.move(top, None)) == "role-missing"
