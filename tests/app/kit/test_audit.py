"""The audit log: written with the deed, and no change to a sealed row stays unseen."""

import random

import pytest

from app.kit import audit
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database


async def test_record_in_a_transaction_that_rolls_back_leaves_nothing(
    race_database: Database, clock: ManualClock
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with race_database.transaction() as connection:
            await write(connection, clock, 1)
            raise ZeroDivisionError
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from kit.audit_entry") == 0


async def test_seal_waits_for_a_transaction_that_is_still_open(race_database: Database, clock: ManualClock) -> None:
    async with race_database.transaction() as slow:
        await write(slow, clock, 1)
        async with race_database.transaction() as quick:
            await write(quick, clock, 2)
        assert await seal(race_database) == 0
    assert await seal(race_database) == 2
    async with race_database.acquire() as connection:
        assert await audit.verify_chain(connection, []) == 2


async def test_two_sealers_do_not_seal_twice(race_database: Database, clock: ManualClock) -> None:
    await fill(race_database, clock, 3)
    async with race_database.transaction() as first, race_database.transaction() as second:
        assert await audit.seal_finished(first) == 3
        assert await audit.seal_finished(second) == 0


EDITS = [
    "update kit.audit_entry set actor = 'person:other' where id = $1",
    "update kit.audit_entry set action = 'other' where id = $1",
    "update kit.audit_entry set subject = 'other' where id = $1",
    "update kit.audit_entry set at = at + interval '1 microsecond' where id = $1",
    "update kit.audit_entry set detail = '{\"n\": -1}'::jsonb where id = $1",
    "delete from kit.audit_entry where id = $1",
    "delete from kit.audit_seal where entry_id = $1",
    "with gone as (delete from kit.audit_seal where entry_id = $1) delete from kit.audit_entry where id = $1",
    "update kit.audit_seal set position = position + 1000 where entry_id = $1",
    "update kit.audit_seal set digest = sha256(digest) where entry_id = $1",
]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("place", [0, 7, -1], ids=["first", "middle", "last"])
async def test_verify_finds_every_edit_of_a_sealed_row(
    edit: str, place: int, race_database: Database, clock: ManualClock
) -> None:
    await fill(race_database, clock, 12)
    await seal(race_database)
    async with race_database.acquire() as connection:
        checkpoint = await audit.take_checkpoint(connection, clock.now())
        assert checkpoint is not None
        assert await audit.verify_chain(connection, [checkpoint]) == 12
        entries = [row["entry_id"] for row in await connection.fetch("select * from kit.audit_seal order by position")]
        await connection.execute(edit, entries[place])
        with pytest.raises(audit.AuditBroken):
            await audit.verify_chain(connection, [checkpoint])


async def test_verify_finds_reordering_even_when_the_chain_was_recomputed(
    race_database: Database, clock: ManualClock
) -> None:
    await fill(race_database, clock, 6)
    await seal(race_database)
    async with race_database.acquire() as connection:
        checkpoint = await audit.take_checkpoint(connection, clock.now())
        assert checkpoint is not None
        await connection.execute("delete from kit.audit_seal")
        await connection.execute("update kit.audit_entry set detail = '{\"n\": 99}'::jsonb where detail->>'n' = '2'")
    await seal(race_database)
    async with race_database.acquire() as connection:
        assert await audit.verify_chain(connection, []) == 6
        with pytest.raises(audit.AuditBroken, match="checkpoint"):
            await audit.verify_chain(connection, [checkpoint])


async def test_verify_finds_truncation_before_the_last_checkpoint(race_database: Database, clock: ManualClock) -> None:
    await fill(race_database, clock, 6)
    await seal(race_database)
    async with race_database.acquire() as connection:
        checkpoint = await audit.take_checkpoint(connection, clock.now())
        assert checkpoint is not None
        await connection.execute(
            "with cut as (delete from kit.audit_seal where position > 4 returning entry_id)"
            " delete from kit.audit_entry where id in (select entry_id from cut)"
        )
        with pytest.raises(audit.AuditBroken, match="ends at 4"):
            await audit.verify_chain(connection, [checkpoint])


async def test_verify_finds_two_checkpoints_that_disagree(race_database: Database, clock: ManualClock) -> None:
    await fill(race_database, clock, 3)
    await seal(race_database)
    async with race_database.acquire() as connection:
        true = await audit.take_checkpoint(connection, clock.now())
        assert true is not None
        false = audit.Checkpoint(position=3, digest="00" * 32, at=clock.now())
        for pair in ([true, false], [false, true]):
            with pytest.raises(audit.AuditBroken, match="disagree"):
                await audit.verify_chain(connection, pair)


async def test_log_of_a_restored_database_goes_on_once_it_was_adopted(
    race_database: Database, clock: ManualClock
) -> None:
    await fill(race_database, clock, 3)
    await seal(race_database)
    async with race_database.acquire() as connection:
        await connection.execute("update kit.audit_entry set written_by = '9000000000'")
    await fill(race_database, clock, 2)
    with pytest.raises(audit.AuditBroken, match="adopt"):
        await seal(race_database)
    async with race_database.transaction() as connection:
        await audit.adopt(connection)
    assert await seal(race_database) == 2
    async with race_database.acquire() as connection:
        assert await audit.verify_chain(connection, []) == 5


async def test_seal_refuses_to_go_on_when_the_last_entry_is_gone(race_database: Database, clock: ManualClock) -> None:
    await fill(race_database, clock, 3)
    await seal(race_database)
    async with race_database.acquire() as connection:
        await connection.execute("delete from kit.audit_entry where detail->>'n' = '2'")
    with pytest.raises(audit.AuditBroken, match="gone"):
        await seal(race_database)


async def test_chain_goes_on_over_many_rounds(race_database: Database, clock: ManualClock) -> None:
    total = 0
    for _ in range(5):
        count = random.randint(0, 4)
        await fill(race_database, clock, count)
        assert await seal(race_database) == count
        total += count
    async with race_database.acquire() as connection:
        assert await audit.verify_chain(connection, []) == total


async def write(connection: Connection, clock: ManualClock, number: int) -> None:
    await audit.record(
        connection, clock_now=clock.now(), actor="person:x", action="test", subject="thing:y", detail={"n": number}
    )


async def fill(database: Database, clock: ManualClock, count: int) -> None:
    for number in range(count):
        async with database.transaction() as connection:
            await write(connection, clock, number)


async def seal(database: Database) -> int:
    async with database.transaction() as connection:
        return await audit.seal_finished(connection)
