"""How a citizen arranges the home page: pins, their order, what is hidden, and what nobody may arrange."""

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from gateway.errors import UnknownService
from gateway.home.errors import TooManyPins
from gateway.home.models import MOST_PINS
from tests.gateway.conftest import a_principal
from tests.gateway.home.city import City


async def test_pin_refuses_an_unknown_service(city: City, connection: Connection) -> None:
    with pytest.raises(UnknownService):
        await city.layouts.pin(connection, a_principal(), "cn.example.nobody")


async def test_pin_twice_is_once(city: City, connection: Connection, clock: ManualClock) -> None:
    app_id, principal = await city.open("library"), a_principal()
    first = await city.layouts.pin(connection, principal, app_id)
    clock.advance(60)
    assert await city.layouts.pin(connection, principal, app_id) == first


async def test_pin_refuses_too_many(city: City, connection: Connection) -> None:
    app_id, principal = await city.open("library"), a_principal()
    await connection.executemany(
        "insert into gateway.pin values ($1, $2, $3)",
        [(principal.subject_id, f"cn.example.x{number}", city._floor.clock.now()) for number in range(MOST_PINS)],
    )
    with pytest.raises(TooManyPins):
        await city.layouts.pin(connection, principal, app_id)


async def test_unpin_takes_away_and_may_be_repeated(city: City, connection: Connection) -> None:
    app_id, principal = await city.open("library"), a_principal()
    await city.layouts.pin(connection, principal, app_id)
    for _ in range(2):
        await city.layouts.unpin(connection, principal, app_id)
    await city.home.gather(principal, None)
    assert city.asked_personally() == []
