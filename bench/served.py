"""Rows over HTTP: one worker pinned to one core, fsync on; the load, PostgreSQL and the department run beside it."""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx
import msgspec

from app.demo.chapters.department import LIBRARY, bring_live
from app.demo.city import City, Program
from app.demo.journey import RunningHouse, running_house
from app.demo.phone import HeldGrant, Phone
from app.demo.registries import RESIDENTS, Resident
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from app.demo.story import Story
from app.kit.ids import new_id
from app.kit.processes import ChildProcesses, free_port
from app.settings import read_settings
from bench.functions import offline_probe
from bench.load import CONNECTIONS, Outcome, press, request_bytes
from bench.result import Row

SECONDS = 5.0
TURNS = 5
SCENARIO = 301
PEOPLE = RESIDENTS[8:]
BATCHES = 4
AGES = range(-20, 20)  # seconds: fresh at the beginning of a turn and at its end
SESSIONS = 16
MOST_ADDED_MS = 3.0
MOST_PROVEN_A_SECOND = 3_000
ROUTES = [  # as the library's, but without a rate of its own
    {"method": "GET", "path": path, "scopes": ["library.reader"], "min_ial": 2} for path in ("/loans", "/card")
]
JSON = {"content-type": "application/json"}


def rows() -> list[Row]:
    """Verify online, refresh, proxied calls."""
    settings = read_settings(
        {
            "SUISHEN_DATA_DIRECTORY": tempfile.mkdtemp(prefix="suishen-bench-"),
            "SUISHEN_CALLS_PER_PERSON": "100000",
            "SUISHEN_CALLS_PER_APP": "100000",
        }
    )
    Path(settings.data_directory).chmod(0o755)
    upstream = Program(name="library", module="bench.upstream", port=free_port())
    city = City(departments={"library": upstream})
    pictures = settings.data_directory / "pictures"
    with (
        running_house(settings, pictures=pictures, workers=1, tell=lambda _line: None, city=city) as house,
        ChildProcesses(logs=settings.data_directory / "logs") as children,
    ):
        bare_port = free_port()
        bare = children.start(
            "bare-proxy",
            "bench.bare_proxy",
            ["--port", str(bare_port), "--upstream", upstream.address],
            ready=f"tcp://127.0.0.1:{bare_port}",
        )
        for pid in (house.pid, bare):
            _pin_tree(pid, 0)
        return asyncio.run(_measure(house, bare_port))


async def _measure(house: RunningHouse, bare_port: int) -> list[Row]:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        stage = Stage(
            story=Story(lambda _line: None),
            settings=house.settings,
            city=house.city,
            staff=house.staff,
            http=http,
            pictures=house.settings.data_directory / "pictures",
            citizen=Phone(http),
        )
        return [
            await _verify_online(stage),
            await _refresh(stage),
            *await _proxied(stage, bare_port),
        ]


async def _verify_online(stage: Stage) -> Row:
    scanner = ScannerProgram(stage.http, "bench")
    official = await stage.staff.sign_in(stage.http, "demo-library-scanners")
    await scanner.enrol(official, stage.staff.organization_of("demo-library-scanners"), "bench", [SCENARIO])
    held = [pair for number, resident in enumerate(PEOPLE) for pair in await _grants_of(stage, number, resident)]
    authority = stage.http.base_url.netloc.decode()

    def prepare(code: str) -> bytes:
        body = msgspec.json.encode({"code": code, "scenario": SCENARIO, "request_id": f"bench-{new_id().hex}"})
        headers = scanner.signed_headers("POST", "/v1/verifications", body)
        return request_bytes("POST", "/v1/verifications", authority, headers, body)

    accepted = 0

    def look(body: bytes) -> None:
        nonlocal accepted
        accepted += b'"verdict":"ACCEPT"' in body

    # In turn with its limit: a neighbour's busy second must not count against one of the two alone. Codes and
    # signatures are fresh for a short time, so each turn makes its own.
    measure_offline = offline_probe()
    offline: list[float] = []
    outcomes: list[Outcome] = []
    for turn in range(TURNS):
        shown = [phone.present(grant, SCENARIO, age_seconds=age) for phone, grant in held[turn::TURNS] for age in AGES]
        prepared = [prepare(code) for code in shown]
        offline.append(measure_offline())
        outcomes.append(await press(stage.settings.port, iter(prepared), seconds=SECONDS / TURNS, look=look))
    answers = sum(sum(outcome.statuses.values()) for outcome in outcomes)
    assert accepted == answers, f"{accepted} accepted of {answers}"
    p50, p99 = median(one.p50_ms for one in outcomes), max(one.p99_ms for one in outcomes)
    return Row(
        row="verify online",
        unit="1/s",
        ours=median(outcome.rate for outcome in outcomes),
        limit=median(offline),
        limit_is="our own offline rate, in turn with it",
        promise=0.2,
        note=f"durable, over HTTP; p50 {p50:.1f} ms, p99 {p99:.1f} ms at worst",
    )


async def _grants_of(stage: Stage, number: int, resident: Resident) -> list[tuple[Phone, HeldGrant]]:
    phone = Phone(stage.http)
    await phone.sign_in(f"199000001{number:02}")
    await phone.prove_name(resident)
    await phone.enrol()
    return [(phone, grant) for _ in range(BATCHES) for grant in await phone.fetch_grants()]


async def _refresh(stage: Stage) -> Row:
    sessions = [await _bearer(stage, f"199000002{number:02}") for number in range(SESSIONS)]
    authority = stage.http.base_url.netloc.decode()
    tokens = itertools.cycle(sessions)
    counts = await asyncio.gather(*(_refresh_for_ever(stage, next(tokens), authority) for _ in sessions))
    commits = await _commit_rate(stage.settings.database_url)
    return Row(
        row="token refresh",
        unit="1/s",
        ours=sum(counts) / SECONDS,
        limit=commits,
        limit_is="bare one-row commits, same database",
        promise=600,
        promise_is="value",
        note="a phone's, with rotation, durable; clients' rows stand beside oidc-provider",
    )


async def _refresh_for_ever(stage: Stage, tokens: dict[str, Any], authority: str) -> int:
    """One phone: each refresh uses the token that the last one gave."""
    count, deadline = 0, time.perf_counter() + SECONDS

    def requests() -> Iterator[bytes]:
        while time.perf_counter() < deadline:
            form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).encode()
            headers = {"content-type": "application/x-www-form-urlencoded"}
            yield request_bytes("POST", "/oauth/token", authority, headers, form)

    def look(body: bytes) -> None:
        nonlocal count
        tokens.update(msgspec.json.decode(body))
        count += 1

    outcome = await press(stage.settings.port, requests(), seconds=SECONDS, connections=1, look=look)
    assert outcome.all_ok, outcome.statuses
    return count


async def _proxied(stage: Stage, bare_port: int) -> list[Row]:
    reviewer = await stage.staff.sign_in(stage.http, "demo-reviewer")
    await bring_live(stage, "library", reviewer, routes=ROUTES)
    tokens = await _bearer(stage, "19900000300", RESIDENTS[0])
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    ours = request_bytes("GET", f"/apps/{LIBRARY}/loans", stage.settings.apps_host, headers)
    bare = request_bytes("GET", "/loans", f"127.0.0.1:{bare_port}", headers)
    await asyncio.sleep(2)  # published everywhere
    sides = ((stage.settings.port, ours), (bare_port, bare))
    for port, request in sides:
        assert (await press(port, itertools.repeat(request), seconds=0.5)).all_ok
    through, limit = await _in_turn(*sides, seconds=SECONDS / TURNS)
    alone, alone_bare = await _in_turn(*sides, seconds=1.0 / TURNS, connections=1)
    return [
        Row(
            row="proxied call",
            unit="1/s",
            ours=median(outcome.rate for outcome in through),
            limit=median(outcome.rate for outcome in limit),
            limit_is="bare aiohttp-in-ASGI proxy, in turn with it",
            promise=0.4,
            note="everything on: token, basis, limits, assertion, signature, access row",
        ),
        Row(
            row="proxied call, added p50",
            unit="ms",
            ours=median(outcome.p50_ms for outcome in alone) - median(outcome.p50_ms for outcome in alone_bare),
            limit=MOST_ADDED_MS,
            limit_is="what a lone caller may wait more than through the bare proxy",
            promise=MOST_ADDED_MS,
            promise_is="most",
        ),
        await _proxied_by_proof(stage, median(outcome.rate for outcome in limit)),
    ]


async def _in_turn(
    *sides: tuple[int, bytes], seconds: float, connections: int = CONNECTIONS
) -> tuple[list[Outcome], ...]:
    """Both sides' outcomes, turn by turn, so that a neighbour's busy second counts against both."""
    outcomes: tuple[list[Outcome], ...] = tuple([] for _ in sides)
    for _ in range(TURNS):
        for seen, (port, request) in zip(outcomes, sides, strict=True):
            outcome = await press(port, itertools.repeat(request), seconds=seconds, connections=connections)
            assert outcome.all_ok, outcome.statuses
            seen.append(outcome)
    return outcomes


async def _proxied_by_proof(stage: Stage, limit: float) -> Row:
    """Every call with a proof of its own (RFC 9449), made before the clock starts."""
    phone = Phone(stage.http)
    await phone.sign_in("19900000301")
    await phone.prove_name(RESIDENTS[1])
    await phone.refresh()
    token, path = phone.tokens["access_token"], f"/apps/{LIBRARY}/loans"
    url = f"http://{stage.settings.apps_host}{path}"
    prepared = [
        request_bytes(
            "GET",
            path,
            stage.settings.apps_host,
            {"authorization": f"DPoP {token}", "dpop": phone.proof("GET", url, token)},
        )
        for _ in range(int(SECONDS * MOST_PROVEN_A_SECOND))
    ]
    outcome = await press(stage.settings.port, iter(prepared), seconds=SECONDS)
    assert outcome.all_ok, outcome.statuses
    return Row(
        row="proxied call, DPoP",
        unit="1/s",
        ours=outcome.rate,
        limit=limit,
        limit_is="the same, which checks nothing",
        promise=0.0,
        note=f"a proof checked for each call; p50 {outcome.p50_ms:.1f} ms. No promise: it says what a proof costs",
    )


async def _bearer(stage: Stage, number: str, resident: Resident | None = None) -> dict[str, Any]:
    """Tokens of a session without a proof key, so that the load need not sign."""
    phone = Phone(stage.http)
    phone.number = number
    challenge = await phone.request_code()
    body = {"challenge_id": challenge, "code": await phone.read_code()}
    tokens: dict[str, Any] = (await stage.http.post("/v1/login/otp/tokens", json=body)).raise_for_status().json()
    if resident is None:
        return tokens
    question = {
        "name": resident.name,
        "document_type": resident.document_type,
        "document_number": resident.document_number,
    }
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    (await stage.http.post("/v1/me/real-name", json=question, headers=headers)).raise_for_status()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refreshed: dict[str, Any] = (await stage.http.post("/oauth/token", data=form)).raise_for_status().json()
    return refreshed


async def _commit_rate(dsn: str) -> float:
    """Durable commits a second of one short row each, from as many connections as there are phones."""
    pool = await asyncpg.create_pool(dsn, min_size=SESSIONS, max_size=SESSIONS)
    await pool.execute("create table if not exists public.bench_commit (id bigserial, at timestamptz default now())")
    deadline = time.perf_counter() + SECONDS

    async def commit() -> int:
        count = 0
        while time.perf_counter() < deadline:
            await pool.execute("insert into public.bench_commit default values")
            count += 1
        return count

    total = sum(await asyncio.gather(*(commit() for _ in range(SESSIONS))))
    await pool.close()
    return total / SECONDS


def _pin_tree(pid: int, core: int) -> None:
    """The process, its threads and its children, on one core."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) == 1:
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})
        for child in (task / "children").read_text().split():
            _pin_tree(int(child), core)
