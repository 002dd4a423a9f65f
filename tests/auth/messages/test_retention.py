"""What nobody needs any more is deleted: old notices and alerts, sessions that ended long ago; younger ones stay."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.messages.wiring import ALERTS_KEPT, NOTICES_KEPT
from auth.sessions.repository import ENDED_KEPT
from auth.wiring import AuthServices, background
from tests.auth.phones import Phone


@pytest.fixture
def forget(floor: Floor, auth: AuthServices) -> object:
    return next(job.run for job in background(floor, auth) if job.name == "auth.forget")


async def test_old_notices_and_alerts_go(
    forget: object, auth: AuthServices, phone: Phone, connection: Connection, clock: ManualClock
) -> None:
    await phone.sign_in()
    person_id = UUID(phone.tokens["person"]["id"])
    await auth.messages.write(connection, person_id, "device_enrolled", clock.now())
    await auth.message_centre.alerts.raise_alert(connection, "sms_money_spent", subject="sms:x", now=clock.now())
    counts = "select (select count(*) from auth.message), (select count(*) from auth.alert)"
    clock.advance(min(ALERTS_KEPT, NOTICES_KEPT).total_seconds() - 1)
    await forget()  # type: ignore[operator]
    assert tuple(await connection.fetchrow(counts)) == (1, 1)  # type: ignore[arg-type]
    clock.advance(max(ALERTS_KEPT, NOTICES_KEPT).total_seconds())
    await forget()  # type: ignore[operator]
    assert tuple(await connection.fetchrow(counts)) == (0, 0)  # type: ignore[arg-type]
    assert await connection.fetchval("select count(*) from auth.delivery") == 0


async def test_sessions_that_ended_go_before_they_would_have_expired(
    forget: object, phone: Phone, connection: Connection, clock: ManualClock
) -> None:
    await phone.sign_in()
    await phone.client.delete("/v1/me/sessions", headers=phone.headers)
    await phone.sign_in()
    count = "select count(*) from auth.session"
    clock.advance((ENDED_KEPT - timedelta(seconds=1)).total_seconds())
    await forget()  # type: ignore[operator]
    assert await connection.fetchval(count) == 2
    clock.advance(2)
    await forget()  # type: ignore[operator]
    assert await connection.fetchval(count) == 1
