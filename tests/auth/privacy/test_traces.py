"""By what somebody who left could still be found: nothing, also where they had only said no."""

from collections.abc import Callable

from app.demo.registries import SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.wiring import AuthServices
from tests.auth.messages.test_contacts import FRIEND, TRUST, decide, invite, items
from tests.auth.phones import Phone

COOLING = 15 * 86_400


async def test_the_number_of_who_declined_goes_with_their_account(
    phone: Phone,
    new_phone: Callable[[str], Phone],
    auth: AuthServices,
    connection: Connection,
    clock: ManualClock,
) -> None:
    await phone.become_known()
    friend = new_phone(FRIEND)
    await friend.become_known(SECOND_CITIZEN)
    await invite(phone)
    (asked,) = await items(friend, TRUST)
    await decide(friend, asked["id"], "declined")
    index = auth.people.phone_index(FRIEND)
    count = "select count(*) from auth.trusted_contact where phone_index = $1"
    assert await connection.fetchval(count, index) == 1
    assert (await friend.client.post("/v1/me/closing", headers=friend.headers)).status_code == 202
    clock.advance(COOLING)
    sessions = "select count(*) from auth.session where phone_index = $1"
    assert await connection.fetchval(sessions, index) == 1
    await auth.privacy.closing.close_due()
    assert await connection.fetchval(count, index) == 0
    assert await connection.fetchval(sessions, index) == 0


async def test_what_waits_for_whoever_shares_the_number_stays(
    phone: Phone, new_phone: Callable[[str], Phone], auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    await phone.become_known()
    friend = new_phone(FRIEND)
    await friend.become_known(SECOND_CITIZEN)
    await invite(phone)
    assert (await friend.client.post("/v1/me/closing", headers=friend.headers)).status_code == 202
    clock.advance(COOLING)
    await auth.privacy.closing.close_due()
    assert await connection.fetchval("select count(*) from auth.trusted_contact where state = 'invited'") == 1
