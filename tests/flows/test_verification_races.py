"""Four worker processes and one showing of a code: exactly one ACCEPT, also when workers are killed in the middle."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.demo.city import City
from app.demo.journey import RunningHouse, running_house
from app.demo.phone import HeldGrant, Phone
from app.demo.registries import RESIDENTS
from app.demo.scanner import ScannerProgram
from app.kit.embedded_postgres import EmbeddedPostgres
from app.settings import read_settings

WORKERS, SCANS = 4, 100
LIBRARY_ENTRY = 301
KILLED_AFTER_SECONDS = (0.01, 0.03, 0.08)
PATIENCE = 40


@pytest.fixture(scope="module")
def house() -> Iterator[RunningHouse]:
    directory = Path(tempfile.mkdtemp(prefix="suishen-flow-"))
    directory.chmod(0o755)
    settings = read_settings({"SUISHEN_DATA_DIRECTORY": str(directory)})
    try:
        with running_house(
            settings, pictures=directory, workers=WORKERS, tell=lambda _line: None, city=City(departments={})
        ) as house:
            yield house
    finally:
        EmbeddedPostgres(directory / "demo" / "postgres").forget()
        shutil.rmtree(directory)


@dataclass(frozen=True, kw_only=True)
class Door:
    """A library full of scanners, and a citizen before it."""

    house: RunningHouse
    phone: Phone
    grants: list[HeldGrant]
    scanners: list[ScannerProgram]

    async def scan(self, scanner: ScannerProgram, code: str, request_id: str) -> dict[str, Any] | None:
        """The answer, or None when the worker died over it. A line of its own each time, to whichever worker."""
        async with httpx.AsyncClient(base_url=self.house.settings.public_origin, timeout=20) as http:
            asking = ScannerProgram(http, scanner.name)
            asking.device = scanner.device
            try:
                return await asking.verify(code, LIBRARY_ENTRY, request_id=request_id)
            except httpx.TransportError:
                return None

    async def scan_until_told(self, scanner: ScannerProgram, code: str, request_id: str) -> dict[str, Any]:
        """As a scanner does: the same request again until somebody answers."""
        for _ in range(PATIENCE):
            answer = await self.scan(scanner, code, request_id)
            if answer is not None:
                return answer
            await asyncio.sleep(0.1)
        raise AssertionError("nobody answers any more")

    async def accepted(self) -> int:
        """How many showings stand accepted in the table."""
        connection = await asyncpg.connect(self.house.settings.database_url)
        try:
            count: int = await connection.fetchval("select count(*) from codes.verification where verdict = 'ACCEPT'")
        finally:
            await connection.close()
        return count


@pytest.fixture(scope="module")
def door(house: RunningHouse) -> Door:
    """Once for all tests: each shows grants of its own."""
    return asyncio.run(prepare(house))


async def prepare(house: RunningHouse) -> Door:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        phone = Phone(http)
        await phone.sign_in("19900004242")
        await phone.prove_name(RESIDENTS[12])
        await phone.enrol()
        official = await house.staff.sign_in(http, "demo-library-scanners")
        library = house.staff.organization_of("demo-library-scanners")
        scanners = [ScannerProgram(http, f"闸机{number}") for number in range(SCANS)]
        for scanner in scanners:
            await scanner.enrol(official, library, "演示图书馆东门", [LIBRARY_ENTRY])
        return Door(house=house, phone=phone, grants=await phone.fetch_grants(), scanners=scanners)


def told(answers: list[dict[str, Any]]) -> Counter[tuple[str, bool]]:
    return Counter((answer["reason"], answer["repeated"]) for answer in answers)


def workers_of(house: RunningHouse) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{house.pid}/task/{house.pid}/children").read_text().split()]


def kill_one(house: RunningHouse) -> None:
    os.kill(workers_of(house)[0], signal.SIGKILL)


async def wait_for_workers(house: RunningHouse) -> None:
    for _ in range(300):
        if len(workers_of(house)) == WORKERS:
            break
        await asyncio.sleep(0.1)
    assert len(workers_of(house)) == WORKERS


async def scan_all(door: Door, code: str) -> list[dict[str, Any]]:
    return await asyncio.gather(*(door.scan_until_told(one, code, "request-0001") for one in door.scanners))


async def retry_all(door: Door, code: str) -> list[dict[str, Any]]:
    one = door.scanners[0]
    return await asyncio.gather(*(door.scan_until_told(one, code, "request-0002") for _ in range(SCANS)))


@pytest.mark.timeout(240)
def test_a_hundred_scanners_on_one_presentation(door: Door) -> None:
    before, code = asyncio.run(door.accepted()), door.phone.present(door.grants[0], LIBRARY_ENTRY)
    answers = asyncio.run(scan_all(door, code))
    assert told(answers) == {("OK", False): 1, ("REPLAYED", False): SCANS - 1}
    assert [bool(answer["disclosed"]) for answer in answers].count(True) == 1
    assert asyncio.run(door.accepted()) == before + 1


@pytest.mark.timeout(240)
def test_a_hundred_retries_of_one_request(door: Door) -> None:
    before, code = asyncio.run(door.accepted()), door.phone.present(door.grants[1], LIBRARY_ENTRY)
    answers = asyncio.run(retry_all(door, code))
    assert told(answers) == {("OK", False): 1, ("OK", True): SCANS - 1}
    assert len({answer["verification_id"] for answer in answers}) == 1
    assert asyncio.run(door.accepted()) == before + 1


async def scan_all_and_kill(door: Door, code: str, seconds: float) -> tuple[list[dict[str, Any]], int]:
    """What each scanner was told in the end, and how many had to ask again."""
    asyncio.get_running_loop().call_later(seconds, kill_one, door.house)
    first = await asyncio.gather(*(door.scan(one, code, "request-0003") for one in door.scanners))
    answers = [
        answer or await door.scan_until_told(scanner, code, "request-0003")
        for scanner, answer in zip(door.scanners, first, strict=True)
    ]
    await wait_for_workers(door.house)
    return answers, first.count(None)


@pytest.mark.timeout(240)
def test_killed_workers_neither_accept_twice_nor_lose_an_acceptance(door: Door) -> None:
    """Whose answer was lost asks again: the one that was accepted is told so, everybody else that it was used."""
    asked_again = 0
    for grant, seconds in zip(door.grants[2:5], KILLED_AFTER_SECONDS, strict=True):
        before, code = asyncio.run(door.accepted()), door.phone.present(grant, LIBRARY_ENTRY)
        answers, broken = asyncio.run(scan_all_and_kill(door, code, seconds))
        asked_again += broken
        reasons = Counter(answer["reason"] for answer in answers)
        assert reasons == {"OK": 1, "REPLAYED": SCANS - 1}, f"killed after {seconds} s"
        assert asyncio.run(door.accepted()) == before + 1
    assert asked_again > 0, "no kill came in the middle"


async def retry_all_and_kill(door: Door, code: str, seconds: float) -> tuple[list[dict[str, Any]], int]:
    """Every answer that arrived, the last one asked for after the kill; and how many did not arrive."""
    one = door.scanners[1]
    asyncio.get_running_loop().call_later(seconds, kill_one, door.house)
    first = await asyncio.gather(*(door.scan(one, code, "request-0004") for _ in range(SCANS)))
    last = await door.scan_until_told(one, code, "request-0004")
    await wait_for_workers(door.house)
    return [*(answer for answer in first if answer is not None), last], first.count(None)


@pytest.mark.timeout(240)
def test_killed_workers_tell_one_answer_to_all_retries(door: Door) -> None:
    lost = 0
    for grant, seconds in zip(door.grants[5:8], KILLED_AFTER_SECONDS, strict=True):
        before, code = asyncio.run(door.accepted()), door.phone.present(grant, LIBRARY_ENTRY)
        answers, broken = asyncio.run(retry_all_and_kill(door, code, seconds))
        lost += broken
        assert {answer["reason"] for answer in answers} == {"OK"}
        assert len({answer["verification_id"] for answer in answers}) == 1
        assert sum(not answer["repeated"] for answer in answers) <= 1, "the first answer itself may be lost"
        assert asyncio.run(door.accepted()) == before + 1
    assert lost > 0, "no kill came in the middle"
