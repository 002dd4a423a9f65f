"""What an end of an account, or a freeze, takes with it that was only waiting."""

from uuid import UUID

from app.demo.registries import CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.people.life.models import NamedPerson
from auth.wiring import AuthServices
from tests.auth.people.conftest import NewStaff
from tests.auth.people.test_life import freeze, unfreeze
from tests.auth.phones import Key, Phone

DAY = 86_400


async def test_a_freeze_stops_a_device_that_waits(
    phone: Phone, new_staff: NewStaff, connection: Connection, clock: ManualClock
) -> None:
    """Whoever took over the account enrolled it: when the account wakes it must not have come of age."""
    await phone.become_known()
    first = (await phone.enroll(Key())).json()["id"]
    waiting = (await phone.enroll(Key())).json()["id"]
    counter = await new_staff("counter")
    await freeze(counter, "holder_request")
    reason = "select revoked_reason from auth.device where id = $1"
    assert await connection.fetchval(reason, UUID(waiting)) == "account_frozen"
    assert await connection.fetchval(reason, UUID(first)) is None
    clock.advance(2 * DAY)
    await unfreeze(counter)
    assert await connection.fetchval(reason, UUID(first)) is None


async def test_a_death_calls_off_a_closing(
    phone: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    """A mistake is reversible at a counter: nothing may be erased meanwhile by the wish of before."""
    await phone.become_known()
    asked = await phone.client.post("/v1/me/closing", headers=phone.headers)
    assert asked.status_code == 202, asked.text
    await auth.people_rooms.life.hear_of_death(
        connection, NamedPerson(name=CITIZEN.name, document_number=CITIZEN.document_number)
    )
    assert await connection.fetchval("select state from auth.closing") == "cancelled"
    clock.advance(400 * DAY)
    await auth.privacy.closing.close_due()
    assert await connection.fetchval("select identity_sealed from auth.person") is not None
