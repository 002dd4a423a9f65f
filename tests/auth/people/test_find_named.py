"""Whom a counter finds by a document: name and number must both be the person's, however they were typed."""

from datetime import date
from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.vault import Vault
from auth.documents import make_synthetic_id_number
from auth.people.models import Identity
from auth.people.service import People
from auth.wiring import AuthServices

NUMBER = make_synthetic_id_number(birth=date(2008, 3, 3), sequence=41)
KNOWN = Identity(name="阿依·测试", document_type="id_card", document_number=NUMBER, birth_date=date(2008, 3, 3))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("阿依·测试", NUMBER),
        (" 阿依•测试 ", NUMBER.lower()),
        ("阿依．测试", f"{NUMBER[:6]} {NUMBER[6:14]}-{NUMBER[14:]}"),
    ],
)
async def test_found_however_it_was_typed(auth: AuthServices, connection: Connection, name: str, number: str) -> None:
    known = await auth.people.register_known(connection, KNOWN, actor="system")
    found = await auth.people.find_named(connection, name=name, document_type="id_card", document_number=number)
    assert found == known


@pytest.mark.parametrize(
    ("name", "document_type", "number"),
    [
        ("阿依", "id_card", NUMBER),
        ("", "id_card", NUMBER),
        ("阿依·测试1", "id_card", NUMBER),
        ("阿依·测试", "passport", NUMBER),
        ("阿依·测试", "id_card", make_synthetic_id_number(birth=date(2008, 3, 3), sequence=42)),
        ("阿依·测试", "id_card", ""),
        ("阿依·测试", "id_card", "\x00"),
    ],
)
async def test_nobody_is_found_by_half(
    auth: AuthServices, connection: Connection, name: str, document_type: Any, number: str
) -> None:
    await auth.people.register_known(connection, KNOWN, actor="system")
    found = await auth.people.find_named(
        connection,
        name=name,
        document_type=document_type,
        document_number=number,
    )
    assert found is None


async def test_who_is_not_named_is_not_found(auth: AuthServices, connection: Connection) -> None:
    await auth.people.find_or_register(connection, "19900000009")
    found = await auth.people.find_named(connection, name=KNOWN.name, document_type="id_card", document_number=NUMBER)
    assert found is None


async def test_eighteenth_birthday_begins_at_the_city_s_midnight(
    auth: AuthServices, connection: Connection, vault: Vault, clock: ManualClock
) -> None:
    """Noon UTC of 2 March is 20:00 in the city."""
    known = await auth.people.register_known(connection, KNOWN, actor="system")

    async def of_age(people: People) -> object:
        return (await people.disclose(connection, known, frozenset({"age_over_18"})))["age_over_18"]

    clock.advance(4 * 3600 - 1)
    assert await of_age(auth.people) is False
    clock.advance(1)
    assert await of_age(auth.people) is True
