"""What officials are told: who sees an alert, who gets it on the staff channel, and what is held back from whom."""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.errors import Unauthenticated
from app.staffing import Appointed, appoint
from auth.alerts.errors import AlertUnknown
from auth.alerts.service import load_alert_texts
from auth.documents import make_synthetic_credit_code
from auth.officials.models import Role
from auth.officials.totp import code_at
from auth.principal import Principal
from codes.venues.admissions.limiter import Limiter
from codes.venues.admissions.models import LIMITS, Limit
from tests.auth.messages.conftest import Town, door, town, town_settings, vendors
from tests.auth.phones import slug_of
from tests.codes.personal_city import a_scanner

__all__ = ["door", "town", "town_settings", "vendors"]

LIBRARY, MUSEUM = 301, 302
SUBJECT = "scanner:0198c0de-0000-7000-8000-000000000001"


async def staff(town: Town, username: str, *roles: Role, at: int = LIBRARY) -> Appointed:
    async with town.floor.database.transaction() as connection:
        return await appoint(
            connection,
            town.auth,
            username=username,
            name="演示人员",
            roles=list(roles),
            department=f"演示部门{at}",
            credit_code=make_synthetic_credit_code(sequence=at),
        )


def seen_as(who: Appointed, clock: ManualClock) -> Principal:
    account = who.account
    return Principal(
        subject_type="official",
        subject_id=account.id,
        session_id=account.id,
        client_id="staff-console",
        authenticated_at=clock.now(),
        roles=frozenset(account.roles),
        organization_id=account.organization_id,
    )


async def alert(
    town: Town, at: Appointed | None = None, roles: Sequence[str] = (), city_roles: Sequence[str] = ()
) -> None:
    organization_id = None if at is None else at.account.organization_id
    async with town.floor.database.transaction() as connection:
        await town.auth.message_centre.alerts.raise_alert(
            connection,
            "scanner_stopped",
            subject=SUBJECT,
            now=town.clock.now(),
            organization_id=organization_id,
            roles=roles,
            city_roles=city_roles,
        )


async def seen(town: Town, who: Appointed) -> list[UUID]:
    async with town.floor.database.transaction() as connection:
        page = await town.auth.message_centre.alerts.list_alerts(
            connection, seen_as(who, town.clock), after=None, limit=10
        )
    return [item.id for item in page.items]


async def test_office_and_city_are_told_and_nobody_else(town: Town) -> None:
    here = await staff(town, "here", "scanner_admin")
    there = await staff(town, "there", "scanner_admin", at=MUSEUM)
    desk = await staff(town, "desk", "counter")
    city = await staff(town, "city", "security_admin", at=MUSEUM)
    gone = await staff(town, "gone", "scanner_admin")
    async with town.floor.database.transaction() as connection:
        await town.auth.officials.disable(connection, gone.account.id, actor="system")
    await alert(town, here, roles=["scanner_admin"], city_roles=["security_admin"])
    await town.deliver()
    (notice,) = town.staff.taken
    assert (notice["to"], notice["kind"], notice["subject"]) == (["city", "here"], "scanner_stopped", SUBJECT)
    assert "扫码设备" in notice["text"]["zh"]
    assert [len(await seen(town, who)) for who in (here, city, there, desk)] == [1, 1, 0, 0]


async def test_dead_channel_is_tried_again_and_the_list_has_it_meanwhile(town: Town) -> None:
    here = await staff(town, "here", "scanner_admin")
    town.staff.status = 503
    await alert(town, here, roles=["scanner_admin"])
    await town.deliver()
    assert (town.staff.taken, len(await seen(town, here))) == ([], 1)
    town.staff.status = 200
    town.clock.advance(5)
    await town.deliver()
    await town.deliver()
    assert len(town.staff.taken) == 1


async def test_alert_for_nobody_is_not_sent(town: Town) -> None:
    await alert(town, city_roles=["audit_admin"])
    await town.deliver()
    async with town.floor.database.transaction() as connection:
        assert await connection.fetchval("select state from auth.delivery") == "unneeded"
    assert town.staff.asked == 0


async def test_reading_is_ones_own_and_counted_for_colleagues(town: Town) -> None:
    here, colleague = [await staff(town, name, "scanner_admin") for name in ("here", "colleague")]
    there = await staff(town, "there", "scanner_admin", at=MUSEUM)
    await alert(town, here, roles=["scanner_admin"])
    (alert_id,) = await seen(town, here)
    alerts = town.auth.message_centre.alerts
    async with town.floor.database.transaction() as connection:
        for _ in range(2):
            mine = await alerts.read(connection, seen_as(here, town.clock), alert_id)
        assert (mine.read_at, mine.readers) == (town.clock.now(), 1)
        (theirs,) = (await alerts.list_alerts(connection, seen_as(colleague, town.clock), after=None, limit=10)).items
        assert (theirs.read_at, theirs.readers) == (None, 1)
        with pytest.raises(AlertUnknown):
            await alerts.read(connection, seen_as(there, town.clock), alert_id)


async def test_list_over_http_goes_on_where_the_last_page_ended(town: Town, door: httpx.AsyncClient) -> None:
    here = await staff(town, "here", "scanner_admin")
    for _ in range(3):
        await alert(town, here, roles=["scanner_admin"])
    totp = code_at(base64.b32decode(here.account.totp_secret), town.clock.now())
    body = {"username": "here", "password": here.password, "totp": totp}
    token = (await door.post("/v1/login/password/tokens", json=body)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    first: dict[str, Any] = (await door.get("/v1/staff/alerts?limit=2", headers=headers)).json()
    rest = (await door.get(f"/v1/staff/alerts?limit=2&after={first['next']}", headers=headers)).json()
    assert len({item["id"] for item in [*first["items"], *rest["items"]]}) == 3
    assert rest["next"] is None
    path = f"/v1/staff/alerts/{first['items'][0]['id']}/reading"
    assert (await door.post(path, headers=headers)).json()["readers"] == 1
    assert slug_of(await door.post(path)) == Unauthenticated.slug


async def test_stops_of_scanners_are_told_once_to_the_office_and_to_the_city(town: Town) -> None:
    limiter = Limiter(dict.fromkeys(LIMITS, Limit(scanner=2, organization=3, seconds=60)))
    limiter.alert_through(town.auth.message_centre.alerts)
    here, city = await staff(town, "here", "scanner_admin"), await staff(town, "city", "security_admin", at=MUSEUM)
    scanner = msgspec.structs.replace(a_scanner(), organization_id=here.account.organization_id)
    async with town.floor.database.transaction() as connection:
        for _ in range(4):
            await limiter.count(connection, scanner, "bad_codes", town.clock.now())
    await town.deliver()
    told = sorted((notice["kind"], notice["subject"], tuple(notice["to"])) for notice in town.staff.taken)
    assert told == [
        ("organization_stopped", f"organization:{scanner.organization_id}", ("city", "here")),
        ("scanner_stopped", f"scanner:{scanner.id}", ("city", "here")),
    ]
    assert len(await seen(town, city)) == 2


@pytest.mark.parametrize("kind", ["scanner_stopped", "organization_stopped", "sms_money_spent"])
def test_kinds_that_are_raised_have_a_text(kind: str) -> None:
    assert load_alert_texts()[kind].weight == "urgent"
