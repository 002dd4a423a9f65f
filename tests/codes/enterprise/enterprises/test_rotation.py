"""A sticker hangs for up to two years; a change of the city's keys meanwhile must not take it down."""

from datetime import datetime, timedelta

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.keyring import ANNOUNCED_FOR
from codes.enterprise.enterprises.models import IssueCode
from codes.offline import status_list_key, verify_offline
from codes.status.models import verify_status_list
from codes.stickers.reading import ANYBODY
from codes.verdict import Reason
from tests.codes.enterprise_city import RESTAURANT, EnterpriseRooms, agent_of

LONGEST_DAYS = 730


async def rotate(floor: Floor, connection: Connection) -> None:
    """A rotation that this worker has heard of."""
    await floor.keyring.rotate(connection, "enterprise_code")
    await floor.keyring.load(connection)


async def read(rooms: EnterpriseRooms, floor: Floor, connection: Connection, carrier: str) -> tuple[Reason, Reason]:
    """Online, and offline by the lists that the city publishes at this moment."""
    await floor.keyring.load(connection)
    await rooms.services.trust_lists.publish_when_due()
    online = (await rooms.services.stickers.read(connection, carrier)).sticker
    assert online.code is not None
    code_format, now = rooms.services.settings.code_format, floor.clock.now()
    trust_list = (await rooms.services.trust_lists.current(connection)).verified
    status_list = verify_status_list(
        (await rooms.services.statuses.publish(connection, online.code.shard)).body,
        lambda message: status_list_key(trust_list, message, now),
        shard=online.code.shard,
        host=code_format.host,
        environment=code_format.environment,
    )
    offline = verify_offline(
        carrier,
        trust_list=trust_list,
        status_lists={status_list.shard: status_list},
        policy=ANYBODY,
        code_format=code_format,
        now=now,
    )
    return online.reason, offline.reason


def go_to(clock: ManualClock, moment: datetime) -> None:
    clock.advance((moment - clock.now()).total_seconds())


@pytest.mark.parametrize("rotated_after", [timedelta(0), timedelta(days=365), timedelta(days=LONGEST_DAYS - 1)])
async def test_a_sticker_of_the_longest_life_outlives_its_retired_key(
    rooms: EnterpriseRooms, floor: Floor, connection: Connection, clock: ManualClock, rotated_after: timedelta
) -> None:
    clock.advance(ANNOUNCED_FOR.total_seconds() + 86400)
    issue = IssueCode(label="前厅", valid_days=LONGEST_DAYS)
    code = await rooms.services.enterprise_codes.issue(connection, agent_of(RESTAURANT), RESTAURANT, issue)
    kid = floor.keyring.active("enterprise_code").kid
    clock.advance(rotated_after.total_seconds())
    await rotate(floor, connection)
    assert floor.keyring.active("enterprise_code").kid != kid
    assert await read(rooms, floor, connection, code.carrier) == (Reason.OK, Reason.OK)
    go_to(clock, code.expires_at - timedelta(seconds=1))
    assert await read(rooms, floor, connection, code.carrier) == (Reason.OK, Reason.OK)
    go_to(clock, code.expires_at)
    assert await read(rooms, floor, connection, code.carrier) == (Reason.GRANT_EXPIRED, Reason.GRANT_EXPIRED)
