"""The sealer: checkpoints are signed, spaced, and hold the log to what it was."""

from pathlib import Path

import pytest

from app.kit import audit
from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.keyring import Keyring
from app.kit.sealer import Sealer
from app.kit.vault import Vault


@pytest.fixture
async def sealer(race_database: Database, vault: Vault, clock: ManualClock, tmp_path: Path) -> Sealer:
    keyring = Keyring(race_database, vault, clock)
    await keyring.refresh()
    return Sealer(race_database, keyring, clock, tmp_path / "audit" / "checkpoints.jws")


async def write(database: Database, clock: ManualClock, count: int) -> None:
    for number in range(count):
        async with database.transaction() as connection:
            await audit.record(
                connection, clock_now=clock.now(), actor="system", action="test", subject="x", detail={"n": number}
            )


async def test_verify_holds_the_log_against_every_checkpoint(
    sealer: Sealer, race_database: Database, clock: ManualClock
) -> None:
    for _ in range(3):
        await write(race_database, clock, 2)
        await sealer.seal()
        await sealer.export_checkpoint()
        clock.advance(61)
    assert await sealer.verify() == (6, 3)


async def test_checkpoints_are_a_minute_apart(
    sealer: Sealer, race_database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await write(race_database, clock, 1)
    await sealer.seal()
    for _ in range(5):
        await sealer.export_checkpoint()
        clock.advance(10)
    assert len(list(audit.read_checkpoints(tmp_path / "audit" / "checkpoints.jws"))) == 1


async def test_checkpoint_is_taken_only_when_the_log_has_grown(
    sealer: Sealer, race_database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await write(race_database, clock, 1)
    await sealer.seal()
    for _ in range(3):
        await sealer.export_checkpoint()
        clock.advance(61)
    assert len(list(audit.read_checkpoints(tmp_path / "audit" / "checkpoints.jws"))) == 1


async def test_rewritten_tail_is_never_signed_over(sealer: Sealer, race_database: Database, clock: ManualClock) -> None:
    await write(race_database, clock, 5)
    await sealer.seal()
    await sealer.export_checkpoint()
    async with race_database.acquire() as connection:
        await connection.execute("delete from kit.audit_seal where position > 2")
        await connection.execute("update kit.audit_entry set actor = 'person:other' where detail->>'n' = '4'")
    await sealer.seal()
    clock.advance(61)
    with pytest.raises(audit.AuditBroken, match="Position 5"):
        await sealer.export_checkpoint()
    with pytest.raises(audit.AuditBroken, match="Position 5"):
        await sealer.verify()


async def test_line_that_a_crash_cut_off_is_written_over(
    sealer: Sealer, race_database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "audit" / "checkpoints.jws"
    await write(race_database, clock, 1)
    await sealer.seal()
    await sealer.export_checkpoint()
    whole = path.read_text()
    path.write_text(whole + whole[:40])
    clock.advance(61)
    await write(race_database, clock, 1)
    await sealer.seal()
    await sealer.export_checkpoint()
    assert path.read_text().startswith(whole)
    assert await sealer.verify() == (2, 2)


async def test_nothing_sealed_gives_no_checkpoint(sealer: Sealer, tmp_path: Path) -> None:
    await sealer.export_checkpoint()
    assert not (tmp_path / "audit" / "checkpoints.jws").exists()


async def test_forged_checkpoint_is_refused(
    sealer: Sealer, race_database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await write(race_database, clock, 2)
    await sealer.seal()
    await sealer.export_checkpoint()
    path = tmp_path / "audit" / "checkpoints.jws"
    head, body, signature = path.read_text().strip().split(".")
    path.write_text(f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}\n")
    with pytest.raises(audit.AuditBroken, match="not signed by us"):
        await sealer.verify()


async def test_old_checkpoints_stay_valid_after_a_rotation_of_the_audit_key(
    sealer: Sealer, race_database: Database, clock: ManualClock, vault: Vault, tmp_path: Path
) -> None:
    await write(race_database, clock, 1)
    await sealer.seal()
    await sealer.export_checkpoint()
    keyring = Keyring(race_database, vault, clock)
    async with race_database.transaction() as connection:
        await keyring.load(connection)
        await keyring.rotate(connection, "audit")
    clock.advance(365 * 86400)
    await keyring.refresh()
    later = Sealer(race_database, keyring, clock, tmp_path / "audit" / "checkpoints.jws")
    await later.seal()
    assert await later.verify() == (2, 1)  # the rotation itself is in the log


async def test_log_cut_behind_the_checkpoint_is_found(
    sealer: Sealer, race_database: Database, clock: ManualClock
) -> None:
    await write(race_database, clock, 4)
    await sealer.seal()
    await sealer.export_checkpoint()
    async with race_database.acquire() as connection:
        await connection.execute(
            "with cut as (delete from kit.audit_seal where position > 2 returning entry_id)"
            " delete from kit.audit_entry where id in (select entry_id from cut)"
        )
    with pytest.raises(audit.AuditBroken, match="ends at 2"):
        await sealer.verify()
