"""Subject keys: one opens one human being's values and nobody else's; a destroyed one opens nothing, for ever."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.vault import Vault, VaultError
from auth.subject_keys.service import SubjectForgotten, SubjectVault

SOMEBODY, ANOTHER = UUID(int=1), UUID(int=2)
PURPOSE = "person-identity"


@pytest.fixture
def subject_vault(vault: Vault, clock: ManualClock) -> SubjectVault:
    return SubjectVault(vault, clock)


async def test_sealed_value_opens_for_its_subject(connection: Connection, subject_vault: SubjectVault) -> None:
    sealed = await subject_vault.seal(connection, SOMEBODY, PURPOSE, b"name", context=b"row")
    assert await subject_vault.open(connection, SOMEBODY, PURPOSE, sealed, context=b"row") == b"name"


@pytest.mark.parametrize(
    ("subject", "purpose", "context"),
    [(ANOTHER, PURPOSE, b"row"), (SOMEBODY, "phone", b"row"), (SOMEBODY, PURPOSE, b"other row")],
)
async def test_sealed_value_opens_nowhere_else(
    connection: Connection, subject_vault: SubjectVault, subject: UUID, purpose: str, context: bytes
) -> None:
    sealed = await subject_vault.seal(connection, SOMEBODY, PURPOSE, b"name", context=b"row")
    await subject_vault.seal(connection, ANOTHER, PURPOSE, b"other")
    with pytest.raises(VaultError):
        await subject_vault.open(connection, subject, purpose, sealed, context=context)


async def test_destroyed_key_opens_and_seals_nothing(connection: Connection, subject_vault: SubjectVault) -> None:
    sealed = await subject_vault.seal(connection, SOMEBODY, PURPOSE, b"name")
    assert await subject_vault.forget(connection, SOMEBODY)
    assert not await subject_vault.forget(connection, SOMEBODY)
    with pytest.raises(SubjectForgotten):
        await subject_vault.open(connection, SOMEBODY, PURPOSE, sealed)
    with pytest.raises(SubjectForgotten):
        await subject_vault.seal(connection, SOMEBODY, PURPOSE, b"again")
    row = await connection.fetchrow("select key_sealed, destroyed_at from auth.subject_key")
    assert row is not None
    assert row["key_sealed"] is None
    assert row["destroyed_at"]


async def test_who_never_had_a_key_gets_none_after_being_forgotten(
    connection: Connection, subject_vault: SubjectVault
) -> None:
    assert await subject_vault.forget(connection, SOMEBODY)
    with pytest.raises(SubjectForgotten):
        await subject_vault.seal(connection, SOMEBODY, PURPOSE, b"name")


async def test_other_subjects_live_on(connection: Connection, subject_vault: SubjectVault) -> None:
    sealed = await subject_vault.seal(connection, ANOTHER, PURPOSE, b"other")
    await subject_vault.seal(connection, SOMEBODY, PURPOSE, b"name")
    await subject_vault.forget(connection, SOMEBODY)
    assert await subject_vault.open(connection, ANOTHER, PURPOSE, sealed) == b"other"


async def test_value_under_the_master_key_opens_until_it_is_taken_over(
    connection: Connection, subject_vault: SubjectVault, vault: Vault
) -> None:
    before = vault.seal(PURPOSE, b"name", context=b"row")
    assert await subject_vault.open(connection, SOMEBODY, PURPOSE, before, context=b"row") == b"name"
    after = await subject_vault.reseal(connection, SOMEBODY, PURPOSE, before, context=b"row")
    assert after[0] == 2
    with pytest.raises(VaultError):
        vault.open(PURPOSE, after[1:], context=b"row")
    await subject_vault.forget(connection, SOMEBODY)
    for sealed in (before, after):
        with pytest.raises(SubjectForgotten):
            await subject_vault.open(connection, SOMEBODY, PURPOSE, sealed, context=b"row")


@given(damage=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_changed_value_opens_nothing(damage: int, bit: int) -> None:
    subject_vault = SubjectVault(Vault(bytes(32)), ManualClock.__new__(ManualClock))
    key_sealed = Vault(bytes(32)).seal("subject-key", bytes(range(32)), context=SOMEBODY.bytes)
    sealed = bytearray(b"\x02" + Vault(bytes(range(32))).seal(PURPOSE, b"name"))
    assert subject_vault.open_with(key_sealed, SOMEBODY, PURPOSE, bytes(sealed)) == b"name"
    sealed[damage % len(sealed)] ^= 1 << bit
    with pytest.raises(VaultError):
        subject_vault.open_with(key_sealed, SOMEBODY, PURPOSE, bytes(sealed))
    with pytest.raises(VaultError):
        subject_vault.open_with(key_sealed, ANOTHER, PURPOSE, b"\x02" + bytes(sealed[1:]))


async def test_ten_first_seals_at_once_make_one_key(race_database: Database, vault: Vault, clock: ManualClock) -> None:
    async def seal(text: bytes) -> bytes:
        async with race_database.transaction() as connection:
            return await SubjectVault(vault, clock).seal(connection, SOMEBODY, PURPOSE, text)

    sealed = await asyncio.gather(*(seal(b"%d" % number) for number in range(10)))
    async with race_database.acquire() as connection:
        opened = [await SubjectVault(vault, clock).open(connection, SOMEBODY, PURPOSE, one) for one in sealed]
        assert opened == [b"%d" % number for number in range(10)]
        assert await connection.fetchval("select count(*) from auth.subject_key") == 1
