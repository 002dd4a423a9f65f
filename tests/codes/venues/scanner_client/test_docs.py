"""The online half of docs/venues.md runs as it stands there: enrolment, then ten lines that verify."""

import re
from pathlib import Path
from typing import Any

import pytest

from codes.venues.admissions.models import LIMITS, SWITCH_LOCK
from codes.venues.operators.models import LOCKED_FOR, LONGEST_SHIFT, WRONG_PINS
from codes.venues.scanner_client.client import RequestRefused, ScannerClient
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import LIBRARY, ORIGIN
from tests.codes.venues.scanner_client.keyboard import COMPUTERS, GUNS

DOCUMENT = Path(__file__).parents[4] / "docs" / "venues.md"
ONLINE = DOCUMENT.read_text().partition("# For venues: a door that asks the city")[2]
VERIFY, ENROL = re.findall(r"```python\n(.*?)```", ONLINE, re.DOTALL)


@pytest.fixture
def program(doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the document defines, in a folder of its own, on the test's line and by the test's clock."""
    monkeypatch.chdir(tmp_path)
    program: dict[str, Any] = {"http": doors.http, "clock": doors.clock}
    exec(ENROL.replace("ORGANIZATION-ID", str(LIBRARY)).replace("http://127.0.0.1:8000", ORIGIN), program)
    exec(VERIFY.replace('Path("gate-7"))', 'Path("gate-7"), http=http, clock=clock)'), program)
    return program


async def enrol(doors: Doors, program: dict[str, Any]) -> None:
    enrolment = program["device"].enrolment(str(LIBRARY), doors.clock.now())
    body = {"organization_id": str(LIBRARY), "site": {"name": "总馆", "address": "演示路 1 号"}, "device_name": "七号"}
    answer = await doors.as_registrar("POST", "/v1/scanners", json=body | {"scenarios": [301]} | enrolment)
    program["keep"](answer.json()["id"])


def test_the_document_keeps_its_word_about_ten_lines() -> None:
    body = VERIFY.partition("async def run")[0]
    assert len([line for line in body.splitlines() if line.strip()]) <= 10


async def test_the_documents_program_enrols_and_verifies(doors: Doors, program: dict[str, Any]) -> None:
    await enrol(doors, program)
    phone = await doors.a_phone()
    typed = GUNS["enter"].types(phone.show(), COMPUTERS["full width, caps lock"])
    assert (await program["check"](typed, 301)).startswith("通过 → {'openid'")
    assert await program["check"](typed, 301) == "请刷新 × {}"
    assert await program["check"]("HELLO", 301) == "此码无效 × {}"
    assert set(program["enrolment"]) == {"public_key", "proof"}


async def test_a_device_that_nobody_enrolled_is_told_so(doors: Doors, program: dict[str, Any]) -> None:
    program["keep"]("0198c0de-0000-7000-8000-000000000001")
    with pytest.raises(RequestRefused, match="scanner-signature-invalid"):
        await program["check"]("HELLO", 301)


def test_what_the_document_says_of_limits_is_in_force() -> None:
    bad, named, wrong = LIMITS["bad_codes"], LIMITS["named_holders"], LIMITS["wrong_sign_ons"]
    assert (bad.scanner, bad.organization, bad.seconds) == (100, 5_000, 600)
    assert (named.scanner, named.organization, named.seconds) == (300, 10_000, 3600)
    assert (wrong.scanner, wrong.organization, wrong.seconds) == (20, 200, 900)
    assert (SWITCH_LOCK.seconds, LONGEST_SHIFT.seconds, WRONG_PINS, LOCKED_FOR.seconds) == (300, 43_200, 5, 900)


async def test_the_library_opens_what_the_device_saved(doors: Doors, program: dict[str, Any]) -> None:
    await enrol(doors, program)
    async with ScannerClient.open(Path("gate-7")) as gate:
        assert str(gate.device.id) == str(program["device"].id)
        assert await gate.bring_logbook() == []
