"""The published trust list: versions rise, a change of keys shows, and a restart changes nothing."""

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from tests.codes.personal_city import City


async def versions(connection: Connection) -> list[int]:
    return [row["version"] for row in await connection.fetch("select version from codes.trust_list order by version")]


async def rotate(floor: Floor, connection: Connection) -> None:
    """A rotation that this worker has heard of."""
    await floor.keyring.rotate(connection, "grant")
    await floor.keyring.load(connection)


async def test_the_first_list_is_published_when_somebody_asks(city: City, connection: Connection) -> None:
    first = await city.codes.trust_lists.current(connection)
    again = await city.codes.trust_lists.current(connection)
    assert first.verified.version == again.verified.version == 1
    assert first.body == again.body


async def test_another_worker_shows_the_same_bytes(city: City, floor: Floor, connection: Connection) -> None:
    first = await city.codes.trust_lists.current(connection)
    assert (await City(floor).codes.trust_lists.current(connection)).body == first.body


async def test_a_worker_that_heard_nothing_still_takes_the_latest(
    city: City, floor: Floor, connection: Connection, clock: ManualClock
) -> None:
    deaf = City(floor)
    await deaf.codes.trust_lists.publish_when_due()
    clock.advance(3600)
    await city.codes.trust_lists.publish_when_due()
    assert (await deaf.codes.trust_lists.current(connection)).verified.version == 1
    await deaf.codes.trust_lists.publish_when_due()
    assert (await deaf.codes.trust_lists.current(connection)).verified.version == 2


async def test_nothing_new_publishes_nothing(city: City, connection: Connection, clock: ManualClock) -> None:
    await city.codes.trust_lists.publish_when_due()
    clock.advance(3599)
    await city.codes.trust_lists.publish_when_due()
    assert await versions(connection) == [1]


async def test_an_hour_later_a_fresh_one_is_published(city: City, connection: Connection, clock: ManualClock) -> None:
    await city.codes.trust_lists.publish_when_due()
    clock.advance(3600)
    await city.codes.trust_lists.publish_when_due()
    assert await versions(connection) == [1, 2]
    current = (await city.codes.trust_lists.current(connection)).verified
    assert (current.version, current.issued_at) == (2, clock.now())


async def test_a_rotated_key_shows_in_the_next_version(city: City, floor: Floor, connection: Connection) -> None:
    await city.codes.trust_lists.publish_when_due()
    before = floor.keyring.active("grant")
    await rotate(floor, connection)
    after = floor.keyring.active("grant")
    await city.codes.trust_lists.publish_when_due()
    keys = (await city.codes.trust_lists.current(connection)).verified.keys
    assert keys[bytes.fromhex(after.kid)].state == "active"
    retired = keys[bytes.fromhex(before.kid)]
    assert retired.state == "retired"
    assert retired.not_after is not None
    assert await versions(connection) == [1, 2]


async def test_a_worker_with_old_keys_does_not_publish_them(city: City, floor: Floor, connection: Connection) -> None:
    await city.codes.trust_lists.publish_when_due()
    old = dict(floor.keyring._keys)
    await rotate(floor, connection)
    await city.codes.trust_lists.publish_when_due()
    floor.keyring._keys = old
    await city.codes.trust_lists.publish_when_due()
    assert await versions(connection) == [1, 2]


async def test_old_lists_are_forgotten_and_the_latest_stays(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    await city.codes.trust_lists.publish_when_due()
    clock.advance(8 * 86400)
    await city.codes.trust_lists.publish_when_due()
    await city.codes.trust_lists.publish_when_due()
    assert await versions(connection) == [2]


async def test_the_codes_still_verify_after_the_active_key_changed(
    city: City, floor: Floor, connection: Connection
) -> None:
    from codes.verification.models import VerifyCode
    from tests.codes.personal_city import a_scanner

    phone = await city.a_phone(connection)
    await rotate(floor, connection)
    await city.codes.trust_lists.publish_when_due()
    request = VerifyCode(code=phone.show(), scenario=301)
    assert (await city.codes.verifications.verify(connection, a_scanner(301), request)).reason == "OK"
