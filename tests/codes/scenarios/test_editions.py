"""A city's own file while the program runs: a better edition is taken by every worker, and nothing else ever is."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from codes.scenarios import repository
from codes.scenarios.catalogue import Scenarios, check_scenarios, load_scenarios, read_scenarios
from codes.scenarios.editions import LARGEST_FILE, ScenarioEditions
from codes.scenarios.errors import CatalogueInvalid
from codes.scenarios.models import Scenario, must_be_shown
from tests.codes.door_city import Doors

SHIPPED = load_scenarios()


def text_of(edition: int, *scenarios: Scenario, **changes: Any) -> bytes:
    """A city's file with the library, and `changes` to it."""
    library = msgspec.structs.replace(SHIPPED.get(301), **changes)
    tables = [f"edition = {edition}"]
    for scenario in (library, *scenarios):
        fields = msgspec.to_builtins(scenario).items()
        tables.append("\n".join(["[[scenarios]]", *(f"{name} = {toml_of(value)}" for name, value in fields)]))
    return "\n".join([*tables, ""]).encode()


def toml_of(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {toml_of(part)}" for name, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def renamed(number: int, slug: str) -> Scenario:
    return msgspec.structs.replace(SHIPPED.get(301), number=number, slug=slug)


class Worker:
    """One worker's view of the catalogue."""

    def __init__(self, database: Database, clock: ManualClock, file: Path | None) -> None:
        self.scenarios = load_scenarios()
        self.editions = ScenarioEditions(self.scenarios, file, database, clock)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenarios.toml"
    path.write_bytes(text_of(1))
    return path


def write(file: Path, body: bytes) -> None:
    """As an editor does: a new file under the same name."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(body)
    fresh.rename(file)


def remove(file: Path) -> None:
    file.unlink()


async def test_without_a_file_the_shipped_catalogue_stays(database: Database, clock: ManualClock) -> None:
    worker = Worker(database, clock, None)
    await worker.editions.open()
    await worker.editions.refresh()
    assert worker.scenarios.version == SHIPPED.version


async def test_open_takes_the_citys_own_file(database: Database, clock: ManualClock, file: Path) -> None:
    worker = Worker(database, clock, file)
    await worker.editions.open()
    assert [scenario.number for scenario in worker.scenarios] == [301]


async def test_a_new_edition_reaches_every_worker_and_one_adopts_it(
    database: Database, clock: ManualClock, file: Path
) -> None:
    workers = [Worker(database, clock, file) for _ in range(3)]
    for worker in workers:
        await worker.editions.open()
    write(file, text_of(2, retention_days=77))
    for worker in workers:
        await worker.editions.refresh()
    assert [(worker.scenarios.edition, worker.scenarios.get(301).retention_days) for worker in workers] == [(2, 77)] * 3
    async with database.acquire() as connection:
        told = await connection.fetch("select subject from kit.audit_entry where action = 'scenarios.adopted'")
    assert sorted(row["subject"] for row in told) == ["scenarios:1", "scenarios:2"]


async def test_workers_of_another_node_take_the_edition_that_their_file_lacks(
    database: Database, clock: ManualClock, file: Path, tmp_path: Path
) -> None:
    behind = tmp_path / "node-b.toml"
    behind.write_bytes(text_of(1))
    write(file, text_of(4, retention_days=44))
    ahead, late = Worker(database, clock, file), Worker(database, clock, behind)
    await ahead.editions.open()
    await late.editions.open()
    assert late.scenarios.edition == 4, "an old file at a restart brings nothing back"


BAD = {
    "no TOML": b"[[scenarios",
    "not UTF-8": b"\xff\xfe",
    "nothing": b"",
    "an unknown field": text_of(9) + b"colour = true\n",
    "a rule broken": text_of(9, freshness_seconds=0),
    "the same edition": text_of(3, retention_days=8),
    "a lower edition": text_of(2, retention_days=8),
    "edition 0": text_of(0),
    "a negative edition": text_of(-1),
    "an edition beyond all": text_of(2**31),
    "a shipped number renamed": text_of(9, slug="library-exit"),
    "an own number renamed": text_of(9, renamed(399, "another-thing")),
    "too much": text_of(9) + b"#" * LARGEST_FILE,
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_replaces_nothing_not_even_by_a_restart(
    database: Database, clock: ManualClock, file: Path, name: str
) -> None:
    write(file, text_of(3, renamed(399, "reading-room")))
    running = Worker(database, clock, file)
    await running.editions.open()
    before = running.scenarios.version
    write(file, BAD[name])
    await running.editions.refresh()
    restarted = Worker(database, clock, file)
    await restarted.editions.open()
    assert running.scenarios.version == restarted.scenarios.version == before
    write(file, text_of(10, renamed(399, "reading-room"), retention_days=12))
    await running.editions.refresh()
    assert running.scenarios.get(301).retention_days == 12, "and the mended file is taken"


async def test_a_file_that_went_away_changes_nothing(database: Database, clock: ManualClock, file: Path) -> None:
    worker = Worker(database, clock, file)
    await worker.editions.open()
    remove(file)
    await worker.editions.refresh()
    assert worker.scenarios.edition == 1
    assert len(worker.scenarios) == 1


async def test_a_number_once_used_means_the_same_for_ever(database: Database, clock: ManualClock, file: Path) -> None:
    worker = Worker(database, clock, file)
    await worker.editions.open()
    write(file, text_of(2, renamed(399, "reading-room")))
    await worker.editions.refresh()
    write(file, text_of(3))  # the number is retired …
    await worker.editions.refresh()
    assert worker.scenarios.find(399) is None
    write(file, text_of(4, renamed(399, "music-room")))  # … and may not come back as something else
    await worker.editions.refresh()
    assert worker.scenarios.edition == 3


@pytest.mark.parametrize("name", ["no TOML", "a rule broken", "a shipped number renamed", "edition 0"])
async def test_start_with_a_bad_file_and_nothing_before_it_is_refused(
    database: Database, clock: ManualClock, file: Path, name: str
) -> None:
    write(file, BAD[name])
    worker = Worker(database, clock, file)
    with pytest.raises(CatalogueInvalid):
        await worker.editions.open()
    assert worker.scenarios.version == SHIPPED.version


@pytest.mark.parametrize("gone", ["missing", "a folder"])
async def test_start_without_the_named_file_says_which(
    database: Database, clock: ManualClock, tmp_path: Path, gone: str
) -> None:
    with pytest.raises(CatalogueInvalid, match="cannot be read"):
        await Worker(database, clock, tmp_path / "missing" if gone == "missing" else tmp_path).editions.open()


async def test_workers_that_offer_at_once_adopt_one_edition(
    race_database: Database, clock: ManualClock, file: Path
) -> None:
    workers = [Worker(race_database, clock, file) for _ in range(6)]
    await asyncio.gather(*(worker.editions.open() for worker in workers))
    write(file, text_of(2, retention_days=5))
    await asyncio.gather(*(worker.editions.refresh() for worker in workers))
    assert {worker.scenarios.version for worker in workers} == {read_scenarios(text_of(2, retention_days=5)).version}
    async with race_database.acquire() as connection:
        assert await repository.find_latest_number(connection) == 2
        assert await connection.fetchval("select count(*) from codes.scenario_edition") == 2


def test_a_citys_own_number_is_free_to_choose() -> None:
    assert check_scenarios(text_of(1, renamed(399, "reading-room"))).find(399) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"names": {"zh": "入馆", "en": "Entry"}},
        {"purpose": {"zh": "别的", "en": "Another"}},
        {"legal_basis": {"zh": "别的", "en": "Another"}},
        {"discloses": ["openid"]},
        {"retention_days": 31},
        {"asks_each_time": True, "general_ok": False},
        {"basis_kind": "statutory"},
        {"fallback": {"zh": "别的", "en": "Another"}},
    ],
)
def test_whatever_the_holder_is_told_has_a_version(changes: dict[str, Any]) -> None:
    library = SHIPPED.get(301)
    changed = msgspec.convert(msgspec.to_builtins(library) | changes, Scenario)
    assert changed.disclosure_version != library.disclosure_version
    assert must_be_shown(changed, library.disclosure_version)


@pytest.mark.parametrize(
    "changes",
    [{"freshness_seconds": 20}, {"stale_list": "closed"}, {"discloses": ["entitlements", "openid"]}],
)
def test_what_the_holder_is_not_told_has_none(changes: dict[str, Any]) -> None:
    library = SHIPPED.get(301)
    changed = msgspec.convert(msgspec.to_builtins(library) | changes, Scenario)
    assert changed.disclosure_version == library.disclosure_version


def test_a_phone_shows_the_first_time_on_change_and_where_it_is_sensitive_every_time() -> None:
    library, pharmacy = SHIPPED.get(301), SHIPPED.get(202)
    assert must_be_shown(library, None)
    assert not must_be_shown(library, library.disclosure_version)
    assert must_be_shown(library, "0" * 16)
    assert must_be_shown(pharmacy, pharmacy.disclosure_version)


@pytest.mark.parametrize("changes", [{"basis_kind": "consent"}, {"asks_each_time": True}])
def test_a_code_without_context_serves_nothing_that_rests_on_a_choice(changes: dict[str, Any]) -> None:
    with pytest.raises(CatalogueInvalid, match="chose nothing"):
        Scenarios([msgspec.structs.replace(SHIPPED.get(301), **changes)])


def test_paper_serves_nothing_that_rests_on_consent() -> None:
    visitor = SHIPPED.get(602)
    with pytest.raises(CatalogueInvalid, match="paper chooses nothing"):
        Scenarios([msgspec.structs.replace(visitor, kinds=("P", "L"))])
    Scenarios([msgspec.structs.replace(visitor, kinds=("P", "L"), basis_kind="contract")])


async def test_what_doors_go_by_follows_the_edition(doors: Doors) -> None:
    trust_lists = doors.city.codes.trust_lists
    before = (await trust_lists.current(doors.connection)).verified
    stricter = msgspec.structs.replace(SHIPPED.get(301), freshness_seconds=20, stale_list="closed")
    doors.city.codes.scenarios.adopt(Scenarios([stricter], edition=2))
    await trust_lists.publish_when_due()
    after = (await trust_lists.current(doors.connection)).verified
    assert after.version == before.version + 1
    assert set(after.scenarios) == {301}
    assert (after.scenarios[301].freshness_seconds, after.scenarios[301].fails_open) == (20, False)
    device, phone = await doors.enrol(301), await doors.a_phone()
    assert await doors.reason(device, phone.show(age=21)) == "STALE_CODE"
    answer = await doors.signed(device, "POST", "/v1/verifications", {"code": phone.show(), "scenario": 602})
    assert answer.json()["type"] == "/problems/scenario-unknown"
