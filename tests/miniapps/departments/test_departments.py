"""The reference departments as servers: they answer the gateway, refuse everybody else, and keep citizens apart."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import jwt
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from gateway.home.models import DepartmentCards
from miniapps.departments import appointments, chaos, hotline, library
from miniapps.departments.program import Program
from miniapps.manifest import lint_manifest, parse_manifest
from miniapps.sdk.testing import TestCity
from tests.miniapps.departments.department import Department

PROGRAMS = [library.PROGRAM, hotline.PROGRAM, appointments.PROGRAM, chaos.PROGRAM]


@pytest.fixture
async def the_library(tmp_path: Path) -> AsyncIterator[Department]:
    async with Department(library.PROGRAM, tmp_path) as department:
        yield department


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_manifest_beside_each_program_is_sound(program: Program, tmp_path: Path) -> None:
    office = program.open_office(tmp_path)
    document = program.manifest("http://127.0.0.1:9101", org_name="演示单位", receipts=office.receipts)
    manifest = parse_manifest(json.dumps(document).encode())

    assert {finding.code for finding in lint_manifest(manifest)} == {"address-needs-policy"}
    assert manifest.backend is not None
    assert manifest.backend.base_url.live == "http://127.0.0.1:9101"
    assert manifest.owner.org_name == "演示单位"
    office.store.close()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
async def test_every_declared_route_exists_and_refuses_whoever_is_not_the_gateway(
    program: Program, tmp_path: Path
) -> None:
    manifest = parse_manifest(json.dumps(program.manifest("http://127.0.0.1:9101")).encode())
    async with Department(program, tmp_path) as department:
        for route in manifest.routes:
            target = re.sub(r"\{[a-z_]+\}", "0000000000000000", route.path)
            forged = {"ssb-assertion": department.city.assertion(), "ssb-app": program.app_id, "x-user-id": "1"}
            assert (await department.send(route.method, target, b"", forged))[0] == 401
            assert (await department.call(route.method, target, citizen=None))[0] == 401
            assert (await department.call(route.method, target))[0] in {200, 400, 404}
        assert (await department.send("POST", "/.ssb/cards", b"{}", {}))[0] == 401
        assert await department.send("GET", "/health", b"", {}) == (200, {"status": "ok"})


async def test_library_lends_to_each_reader_apart(the_library: Department) -> None:
    _, mine = await the_library.call("GET", "/loans", citizen="o-1")
    _, theirs = await the_library.call("GET", "/loans", citizen="o-2")

    assert len(mine["items"]) == 2
    assert not {loan["loan_id"] for loan in mine["items"]} & {loan["loan_id"] for loan in theirs["items"]}
    status, _ = await the_library.call("POST", f"/loans/{theirs['items'][0]['loan_id']}/renewals", citizen="o-1")
    assert status == 404


async def test_library_renews_twice_and_signs_a_receipt(the_library: Department) -> None:
    _, loans = await the_library.call("GET", "/loans")
    loan = loans["items"][0]
    target = f"/loans/{loan['loan_id']}/renewals"

    answers = [await the_library.call("POST", target) for _ in range(3)]

    assert [status for status, _ in answers] == [200, 200, 409]
    assert answers[1][1]["due_on"] > answers[0][1]["due_on"] > loan["due_on"]
    key = jwt.PyJWK({"kty": "EC", "crv": "P-256", "alg": "ES256", **the_library.office.receipts.public_key()})
    claims = jwt.decode(answers[0][1]["receipt"], key, algorithms=["ES256"])
    assert (claims["iss"], claims["sub"], claims["loan_id"]) == ("cn.example.library", "o-1", loan["loan_id"])


@pytest.mark.parametrize("loan_id", ["0", "999999", "abc", "-1", "1%20or%201=1", "%ff"])
async def test_library_refuses_loans_that_are_not(the_library: Department, loan_id: str) -> None:
    assert (await the_library.call("POST", f"/loans/{loan_id}/renewals"))[0] == 404


async def test_library_tells_the_name_only_as_it_was_granted(the_library: Department) -> None:
    assert (await the_library.call("GET", "/card"))[1] == {"number": "100001", "reader": "测*甲"}


async def test_library_card_is_personal(the_library: Department) -> None:
    _, mine = await the_library.call("POST", "/.ssb/cards", {"widgets": ["loans"]})
    assert mine["cards"][0]["title"]["zh"] == "在借 2 册"
    assert mine["cards"][0]["action"] == "ssb://miniapp/cn.example.library/loans"
    assert len(msgspec.convert(mine, DepartmentCards).cards[0].lines) == 2

    for body, citizen in (({"widgets": ["loans"]}, None), ({"widgets": []}, "o-1"), ([], "o-1"), (b"{", "o-1")):
        assert await the_library.call("POST", "/.ssb/cards", body, citizen=citizen) == (200, {"cards": []})


async def test_key_and_store_are_the_departments_own_and_stay(tmp_path: Path) -> None:
    first = library.PROGRAM.open_office(tmp_path / "library")
    second = library.PROGRAM.open_office(tmp_path / "library")
    other = hotline.PROGRAM.open_office(tmp_path / "hotline")

    assert first.receipts.public_key() == second.receipts.public_key() != other.receipts.public_key()
    assert (tmp_path / "library" / "library.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "library").stat().st_mode & 0o777 == 0o700
    for office in (first, second, other):
        office.store.close()


async def test_a_program_of_its_own_reads_the_citys_keys_and_stops_when_told(tmp_path: Path) -> None:
    port = unused_port()
    city = TestCity(app_id="cn.example.library", authority=f"127.0.0.1:{port}")
    publisher = web.Application()

    async def jwks(_request: web.Request) -> web.Response:
        return web.json_response(city.jwks())

    publisher.router.add_get("/.well-known/ssb-jwks", jwks)
    async with TestServer(publisher, host="127.0.0.1") as issuer:
        city.issuer = f"http://127.0.0.1:{issuer.port}"
        arguments = ["--port", str(port), "--issuer", city.issuer, "--data", str(tmp_path / "data")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "miniapps.departments.library", *arguments, cwd=Path(__file__).parents[3]
        )
        try:
            await _until_healthy(port)
            headers = city.sign("GET", "/loans")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/loans", headers=headers) as answer:
                    assert (answer.status, len((await answer.json())["items"])) == (200, 2)
                async with session.get(f"http://127.0.0.1:{port}/loans", headers=headers) as answer:
                    assert (answer.status, (await answer.json())["title"]) == (401, "replayed")
        finally:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), timeout=10) == 0


async def _until_healthy(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            try:
                async with session.get(f"http://127.0.0.1:{port}/health") as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
    pytest.fail("The department did not come up.")
