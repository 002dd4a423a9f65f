"""A register over HTTP: what is believed of an answer, against real servers that answer badly, slowly or not at all."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web

from app.demo.sources import KNOWN, REGISTERS, build_application
from app.kit.outbound import outbound_client
from auth.documents import make_synthetic_credit_code
from codes.enterprise.checks.http_source import LONGEST_ANSWER, HttpSource
from codes.enterprise.checks.ports import Question, SourceUnavailable
from codes.enterprise.registers.catalogue import load_registers
from tests.codes.enterprise.checks.sources import serving, serving_application

CREDIT_CODE = make_synthetic_credit_code(sequence=1)
QUESTION = Question(check_id=uuid4(), credit_code=CREDIT_CODE, scenario=804)
GOOD: dict[str, Any] = {"credit_code": CREDIT_CODE, "as_of": "2026-03-02T10:00:00+08:00", "facts": []}
FACT = {"label": {"zh": "检查", "en": "Check"}, "value": {"zh": "合格", "en": "Passed"}}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with outbound_client(timeout_seconds=0.3, connections=2) as client:
        yield client


async def ask(client: httpx.AsyncClient, body: Any, *, status: int = 200, headers: Any = None) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=content, status=status, headers=headers)

    async with serving(answer) as address:
        return await HttpSource(address, client).ask(QUESTION)


async def test_answer_is_read_with_its_time_in_utc(client: httpx.AsyncClient) -> None:
    answer = await ask(client, GOOD | {"facts": [FACT], "served_by": "a register"})
    assert answer.as_of.isoformat() == "2026-03-02T02:00:00+00:00"
    assert answer.facts[0].value.zh == "合格"


async def test_question_names_the_enterprise_the_scenario_and_the_check(client: httpx.AsyncClient) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response(GOOD)

    async with serving(answer) as address:
        await HttpSource(address + "/fire/", client).ask(QUESTION)
    assert seen[0].path_qs == f"/fire/v1/enterprises/{CREDIT_CODE}?scenario=804"
    assert seen[0].headers["X-Request-Id"] == str(QUESTION.check_id)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"<html>",
        b'{"credit_code": "x"}' * 2,
        {},
        GOOD | {"credit_code": make_synthetic_credit_code(sequence=2)},
        GOOD | {"credit_code": None},
        GOOD | {"as_of": "yesterday"},
        GOOD | {"as_of": "2026-03-02T10:00:00"},
        GOOD | {"as_of": 0},
        GOOD | {"facts": [FACT] * 101},
        GOOD | {"facts": [FACT | {"level": "scarlet"}]},
        GOOD | {"facts": [FACT | {"value": "合格"}]},
        GOOD | {"facts": [FACT | {"value": {"zh": "x" * 201, "en": ""}}]},
        b" " * LONGEST_ANSWER + json.dumps(GOOD).encode(),
        b"[" * 10_000,
    ],
)
async def test_answer_out_of_shape_is_no_answer(client: httpx.AsyncClient, body: Any) -> None:
    with pytest.raises(SourceUnavailable) as unavailable:
        await ask(client, body)
    assert unavailable.value.cause == "not_understood"


@pytest.mark.parametrize("status", [201, 204, 301, 302, 404, 429, 500, 503])
async def test_any_status_but_200_is_no_answer(client: httpx.AsyncClient, status: int) -> None:
    headers = {"Location": "http://127.0.0.1:1/"} if status in {301, 302} else None
    with pytest.raises(SourceUnavailable) as unavailable:
        await ask(client, GOOD, status=status, headers=headers)
    assert unavailable.value.cause == "refused"


async def test_compressed_bomb_is_no_answer(client: httpx.AsyncClient) -> None:
    import gzip

    with pytest.raises(SourceUnavailable, match="too long"):
        await ask(client, gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})


async def test_dead_port_is_no_answer(client: httpx.AsyncClient) -> None:
    with pytest.raises(SourceUnavailable) as unavailable:
        await HttpSource("http://127.0.0.1:1/work_safety", client).ask(QUESTION)
    assert unavailable.value.cause == "unreachable"


async def test_server_that_hangs_is_no_answer(client: httpx.AsyncClient) -> None:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.json_response(GOOD)

    async with serving(answer) as address:
        with pytest.raises(SourceUnavailable) as unavailable:
            await HttpSource(address, client).ask(QUESTION)
    assert unavailable.value.cause == "deadline"


async def test_bytes_after_an_answer_never_reach_the_next_question(client: httpx.AsyncClient) -> None:
    """A hostile server pipelines a second answer into the connection (trap: kept connections of httpx)."""
    evil = json.dumps(GOOD | {"facts": [FACT]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        good = json.dumps(GOOD).encode()
        for body in (good, evil):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        await reader.read()  # until the client hangs up
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        source = HttpSource(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", client)
        for _ in range(3):
            assert (await source.ask(QUESTION)).facts == []


@pytest.mark.parametrize("register", list(REGISTERS))
async def test_the_demo_city_answers_for_its_enterprises(client: httpx.AsyncClient, register: str) -> None:
    async with serving_application(build_application()) as address:
        source = HttpSource(f"{address}/{register}", client)
        for credit_code in KNOWN:
            question = Question(check_id=uuid4(), credit_code=credit_code, scenario=804)
            facts = (await source.ask(question)).facts
            named = {fact.evidence for fact in facts} - {None}
            described = load_registers([]).find(register)
            assert described is not None
            assert named == {evidence.slug for evidence in described.evidence}, "every document is stood in for"
        stranger = Question(check_id=uuid4(), credit_code=make_synthetic_credit_code(sequence=9), scenario=804)
        assert (await source.ask(stranger)).facts == []


@pytest.mark.parametrize("path", ["/health_records/v1/enterprises/" + CREDIT_CODE, "/fire/v1/enterprises/1", "/"])
async def test_the_demo_city_refuses_what_it_does_not_have(client: httpx.AsyncClient, path: str) -> None:
    async with serving_application(build_application()) as address:
        assert (await client.get(address + path)).status_code == 404
        assert (await client.get(address + "/health")).status_code == 200
