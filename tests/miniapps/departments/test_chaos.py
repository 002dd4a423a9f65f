"""The deliberately bad department does each bad thing that it promises; only its own desk chooses which."""

import asyncio
import gzip
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from auth.documents import id_card_number_is_valid
from miniapps.departments import chaos, library
from miniapps.departments.misbehaviour import MODES
from miniapps.sdk.testing import TestCity
from tests.miniapps.departments.department import Department

MUCH = 16 * 1024 * 1024  # twice what the gateway takes


@pytest.fixture
async def the_chaos(tmp_path: Path) -> AsyncIterator[Department]:
    async with Department(chaos.PROGRAM, tmp_path) as department:
        yield department


async def misbehave(department: Department, mode: str, part: str = "calls") -> None:
    assert (await department.desk("lab", "lab").post("/desk/mode", {"part": part, "mode": mode}))[0] == 200


async def raw(
    department: Department, *, seconds: float = 5, enough: Callable[[bytes], bool] = lambda _seen: False
) -> bytes:
    """Whatever comes within `seconds`, byte for byte, until it is `enough`."""
    headers = department.city.sign("GET", "/calls")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(department.city.authority.rpartition(":")[2]))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /calls HTTP/1.1\r\n{lines}\r\n".encode())
    seen = b""
    try:
        async with asyncio.timeout(seconds):
            while not enough(seen) and (part := await reader.read(65536)):
                seen += part
    except TimeoutError:
        pass
    finally:
        writer.close()
    return seen


async def test_behaves_until_it_is_told_otherwise(the_chaos: Department) -> None:
    assert await the_chaos.call("GET", "/calls") == (200, {"calls": 1})
    assert await the_chaos.send("GET", "/health", b"", {}) == (200, {"status": "ok"})


@pytest.mark.parametrize("wish", [{"part": "calls", "mode": "kind"}, {"part": "all", "mode": "hang"}, {}, []])
async def test_its_desk_knows_its_modes(the_chaos: Department, wish: Any) -> None:
    assert (await the_chaos.desk("lab", "lab").post("/desk/mode", wish))[0] == 400


async def test_strangers_and_the_city_choose_nothing(the_chaos: Department) -> None:
    wish = {"part": "calls", "mode": "hang"}
    assert (await the_chaos.call("POST", "/desk/mode", wish))[0] == 401
    assert (await the_chaos.send("POST", "/desk/mode", json.dumps(wish).encode(), {}))[0] == 401
    assert (await the_chaos.send("GET", "/calls", b"", {}))[0] == 401, "nor do they see it misbehave"


@pytest.mark.parametrize("mode", ["slow", "hang"])
async def test_says_nothing_for_a_while(the_chaos: Department, mode: str) -> None:
    await misbehave(the_chaos, mode)
    assert await raw(the_chaos, seconds=0.3) == b""


async def test_cards_hang_unless_told_otherwise(the_chaos: Department) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(the_chaos.call("POST", "/.ssb/cards", {"widgets": ["news"]}), timeout=0.3)


async def test_drips(the_chaos: Department) -> None:
    await misbehave(the_chaos, "drip")
    seen = await raw(the_chaos, seconds=0.5)
    assert seen.partition(b"\r\n\r\n")[2] == b" "


async def test_pours_without_end(the_chaos: Department) -> None:
    await misbehave(the_chaos, "huge")
    assert len(await raw(the_chaos, enough=lambda seen: len(seen) > MUCH)) > MUCH


async def test_answers_large_and_whole(the_chaos: Department) -> None:
    await misbehave(the_chaos, "large")
    status, rows = await the_chaos.call("GET", "/calls")
    assert (status, len(json.dumps(rows)) > 6 * 1024 * 1024) == (200, True)


async def test_resets(the_chaos: Department) -> None:
    await misbehave(the_chaos, "reset")
    with pytest.raises(ConnectionResetError):
        await raw(the_chaos)


@pytest.mark.parametrize(
    ("mode", "piece"),
    [
        ("truncated", b"Content-Length: 1000\r\n\r\n"),
        ("extra", b'{}HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"stolen"'),
        ("nonsense", b"SSH-2.0"),
        ("hints", b"103 Early Hints"),
        ("header-flood", b"X-Flood-3999: "),
        ("hostile-headers", b"Clear-Site-Data: "),
        ("redirect", b"Location: http://169.254.169.254/"),
        ("error", b"HTTP/1.1 503 "),
        ("bad-json", b"[[[["),
        ("foreign-links", b"<script src='https://foreign.example.com/"),
    ],
)
async def test_sends_what_nobody_should(the_chaos: Department, mode: str, piece: bytes) -> None:
    await misbehave(the_chaos, mode)
    assert piece in await raw(the_chaos, enough=lambda seen: piece in seen)


async def test_keeps_the_connection_on_which_it_said_too_much(the_chaos: Department) -> None:
    await misbehave(the_chaos, "extra")
    begin = asyncio.get_running_loop().time()
    await raw(the_chaos, seconds=0.3)
    assert asyncio.get_running_loop().time() - begin > 0.25, "it hung up, and nobody can be poisoned"


async def test_sends_a_bomb(the_chaos: Department) -> None:
    await misbehave(the_chaos, "bomb")
    seen = await raw(the_chaos, enough=_is_whole)
    packed = seen.partition(b"\r\n\r\n")[2]
    assert len(packed) < 100_000 < len(gzip.decompress(packed))


def _is_whole(seen: bytes) -> bool:
    head, end, body = seen.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


async def test_leaks_numbers_that_look_real_and_are_not(the_chaos: Department) -> None:
    await misbehave(the_chaos, "leaking")
    _, people = await the_chaos.call("GET", "/people")
    assert all(id_card_number_is_valid(one["id_number"]) for one in people["items"])
    assert all(one["id_number"].startswith("190101") for one in people["items"])


async def test_signs_receipts_with_a_key_of_nobody(the_chaos: Department) -> None:
    await misbehave(the_chaos, "wrong-key")
    _, document = await the_chaos.call("GET", "/calls")
    key = jwt.PyJWK({"kty": "EC", "crv": "P-256", "alg": "ES256", **the_chaos.office.receipts.public_key()})
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(document["receipt"], key, algorithms=["ES256"])


async def test_whatever_it_replays_another_department_refuses(the_chaos: Department, tmp_path: Path) -> None:
    async with Department(library.PROGRAM, tmp_path / "library", trusts=the_chaos.city) as victim:
        for url in (f"{victim.origin}/loans", victim.origin):
            the_chaos.office.store.execute("insert into victim values (?)", (url,))
        await misbehave(the_chaos, "replaying")
        assert (await the_chaos.call("GET", "/calls"))[0] == 200
    _, seen = await the_chaos.desk("lab", "lab").get("/desk/mode")
    assert seen["replays"] == {"401": 8}


async def test_a_program_takes_its_mode_by_flag(tmp_path: Path) -> None:
    port, city = unused_port(), TestCity(app_id="cn.example.chaos")
    city.authority = f"127.0.0.1:{port}"
    publisher = web.Application()

    async def jwks(_request: web.Request) -> web.Response:
        return web.json_response(city.jwks())

    publisher.router.add_get("/.well-known/ssb-jwks", jwks)
    async with TestServer(publisher, host="127.0.0.1") as issuer:
        city.issuer = f"http://127.0.0.1:{issuer.port}"
        process = await run(port, city.issuer, tmp_path, "--calls", "error")
        try:
            await until_up(port)
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/calls", headers=city.sign("GET", "/calls")) as answer,
            ):
                assert answer.status == 503
        finally:
            process.terminate()
            assert await asyncio.wait_for(process.wait(), timeout=10) == 0


async def test_does_not_start_in_production(tmp_path: Path) -> None:
    process = await run(unused_port(), "https://city.test", tmp_path, environment="production")
    _, said = await asyncio.wait_for(process.communicate(), timeout=20)
    assert process.returncode == 1
    assert b"production refuses it" in said


async def run(
    port: int, issuer: str, data: Path, *more: str, environment: str = "development"
) -> asyncio.subprocess.Process:
    arguments = ["--port", str(port), "--issuer", issuer, "--data", str(data), *more]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "miniapps.departments.chaos",
        *arguments,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"SUISHEN_ENVIRONMENT": environment},
        stderr=asyncio.subprocess.PIPE,
    )


async def until_up(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    pytest.fail("The department did not come up.")


def test_every_mode_has_a_name_of_its_own() -> None:
    assert len(MODES) == 21
