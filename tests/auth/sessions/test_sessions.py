"""Where am I signed in, and sign out: one's own sessions only, and at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database, Notifications, notify
from app.kit.floor import Floor
from app.kit.ids import new_id
from auth.sessions.tokens import CHANNEL, DEAF_AFTER_SECONDS, RevokedSessions
from auth.wiring import AuthServices, background
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]


async def test_list_names_the_present_session(phone: Phone) -> None:
    await phone.sign_in()
    await phone.sign_in()
    items = (await phone.get("/v1/me/sessions")).json()["items"]
    assert [item["current"] for item in items] == [True, False]
    assert not any("token" in name or "hash" in name for item in items for name in item)


async def test_ended_session_opens_nothing_more(phone: Phone) -> None:
    first = dict(await phone.sign_in())
    await phone.sign_in()
    items = (await phone.get("/v1/me/sessions")).json()["items"]
    old = next(item["id"] for item in items if not item["current"])
    response = await phone.client.delete(f"/v1/me/sessions/{old}", headers=phone.headers)
    assert response.json() == {"ended": 1}
    assert (await phone.get("/v1/me")).status_code == 200
    assert (await phone.refresh(first["refresh_token"])).status_code == 400
    again = await phone.client.delete(f"/v1/me/sessions/{old}", headers=phone.headers)
    assert slug_of(again) == "session-unknown"


async def test_other_persons_session_cannot_be_seen_or_ended(phone: Phone, new_phone: NewPhone) -> None:
    await phone.sign_in()
    mine = (await phone.get("/v1/me/sessions")).json()["items"][0]["id"]
    thief = new_phone("19900000002")
    await thief.sign_in()
    assert mine not in (await thief.get("/v1/me/sessions")).text
    response = await thief.client.delete(f"/v1/me/sessions/{mine}", headers=thief.headers)
    assert (response.status_code, slug_of(response)) == (404, "session-unknown")
    assert (await phone.get("/v1/me")).status_code == 200


async def test_end_all_ends_this_one_too(phone: Phone) -> None:
    await phone.sign_in()
    await phone.sign_in()
    response = await phone.client.delete("/v1/me/sessions", headers=phone.headers)
    assert response.json() == {"ended": 2}
    assert (await phone.refresh()).status_code == 400


async def test_session_id_that_is_none_is_a_problem(phone: Phone) -> None:
    await phone.sign_in()
    response = await phone.client.delete("/v1/me/sessions/x", headers=phone.headers)
    assert response.status_code in {400, 404}
    assert response.headers["content-type"] == "application/problem+json"


class Listener(Notifications):
    """A listener whose pulse the test holds."""

    healthy = True

    def healthy_within(self, seconds: float) -> bool:
        return self.healthy and seconds < 1


async def test_deaf_worker_reads_anew_at_every_look(
    phone: Phone, database: Database, connection: Connection, clock: ManualClock
) -> None:
    listener = Listener(database.dsn)
    revoked = RevokedSessions(database, clock, keep=timedelta(minutes=10))
    revoked.listen(listener)
    await revoked.refresh()
    await phone.sign_in()
    session_id = UUID((await phone.get("/v1/me/sessions")).json()["items"][0]["id"])
    await phone.client.delete("/v1/me/sessions", headers=phone.headers)
    await revoked.refresh()
    assert session_id not in revoked  # a healthy listener would have told
    listener.healthy = False
    await revoked.refresh()
    assert session_id in revoked


def test_look_for_ends_is_frequent_enough_for_one_second(floor: Floor, auth: AuthServices) -> None:
    [look] = [job for job in background(floor, auth) if job.name == "auth.revoked_sessions"]
    assert look.every_seconds + DEAF_AFTER_SECONDS < 1


async def test_every_worker_hears_of_an_end(race_database: Database, race_dsn: str, clock: ManualClock) -> None:
    notifications = Notifications(race_dsn)
    revoked = RevokedSessions(race_database, clock, keep=timedelta(minutes=10))
    revoked.listen(notifications)
    await notifications.open()
    session_id = new_id()
    for _ in range(100):
        async with race_database.transaction() as connection:
            await notify(connection, CHANNEL, str(session_id))
        await asyncio.sleep(0.02)
        if session_id in revoked:
            break
    await notifications.close()
    assert session_id in revoked
