"""Ten times the people, ten times the services: what a query and a call cost then. `python -m bench growth`.

A small city is played by the demo, and multiplied in the database. Buffers are counted by PostgreSQL and are exact;
times are taken in both cities in turn, and held against how far the same city differs from itself.
"""

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import asyncpg
import httpx
import msgspec

from app.demo.chapters import citizen, codes, department, messages, signon
from app.demo.city import plan_city
from app.demo.journey import RunningHouse, running_house
from app.demo.phone import Phone
from app.demo.stage import Stage
from app.demo.story import Story
from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.postgres_cluster import DATABASE
from app.kit.structs import Model
from app.settings import read_settings
from auth.consents import repository as consents
from auth.messages import repository as notices
from auth.people import repository as people
from auth.phones import repository as phones
from auth.provider.authorize import repository as requests
from auth.sessions import repository as sessions
from bench.functions import side_by_side
from bench.multiply import clone, multiply
from bench.result import Row
from codes.verification import repository as verification
from gateway.routing import Target, find_route
from gateway.snapshot import RouteSnapshot, compile_snapshot
from miniapps.manifest import Manifest, parse_manifest
from miniapps.releases.models import PublishedApp
from tests.gateway.publications import a_manifest, published

COPIES: Final = 400
TIMES: Final = 10
ASKED: Final = 40
REPEATED: Final = 5
ROUNDS: Final = 5
PAGES_BESIDE: Final = 3
"""A tree of ten times the rows may be a level deeper: a page more for each index, whatever the size."""
WITHIN: Final = 1.1
APPS: Final = 1000


class Probe(Model):
    """A statement of the hot paths, and where its arguments come from."""

    name: str
    sql: str
    arguments: str


LAST_ID: Final = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"
PROBES: Final = (
    Probe(name="a session", sql=sessions.FIND_SESSION, arguments="select id from auth.session"),
    Probe(
        name="a refresh",
        sql=sessions.ROTATE_SESSION,
        arguments="select id, generation, refresh_hash, jkt, client_id, refresh_hash, rotated_at from auth.session",
    ),
    Probe(
        name="a person's sessions",
        sql=sessions.LIST_SESSIONS,
        arguments="select holder_id, rotated_at from auth.session",
    ),
    Probe(name="a person", sql=people.FIND_PERSON, arguments="select id from auth.person"),
    Probe(name="a phone's holders", sql=phones.LIST_HOLDERS, arguments="select phone_index from auth.phone"),
    Probe(
        name="consents in force",
        sql=consents.FIND_IN_FORCE,
        arguments="select person_id, department_id, array[purpose], now() from auth.consent",
    ),
    Probe(
        name="a person's consents",
        sql=consents.LIST_CONSENTS,
        arguments="select person_id, null::uuid, 20 from auth.consent",
    ),
    Probe(
        name="a person's notices",
        sql=notices.LIST_MESSAGES,
        arguments="select person_id, null::uuid, 20, false from auth.message",
    ),
    Probe(name="unread notices", sql=notices.COUNT_UNREAD, arguments="select person_id from auth.message"),
    Probe(
        name="a way to a website",
        sql=requests.FIND_BY_ID,
        arguments="select id, coalesce(browser_hash, uri_hash), created_at from auth.authorization_request",
    ),
    Probe(
        name="a grant's standing",
        sql=verification.LIST_STANDINGS,
        arguments="""select array[number], array[0], array[number % 1000]::integer[],
                            array[substr(sha256(number::text::bytea), 1, 16)] from codes.grant_batch""",
    ),
    Probe(
        name="an answer given before",
        sql=verification.FIND_ANSWER,
        arguments="select guard_cti, iat from codes.verification where guard_cti is not null",
    ),
    Probe(
        name="who scanned me",
        sql=verification.LIST_SCANS,
        arguments=f"""select subject_id, subject_type, iat - interval '30 days', iat + interval '1 day', now(),
                             {LAST_ID}, 20
                        from codes.verification where subject_id is not null""",
    ),
)


def rows() -> list[Row]:
    """Services first, which need no database; then people."""
    return [_compiled(), _routed(), *_people()]


def _people() -> list[Row]:
    directory = Path(tempfile.mkdtemp(prefix="suishen-bench-"))
    directory.chmod(0o755)
    with EmbeddedPostgres(directory / "postgres") as postgres:
        settings = read_settings({"SUISHEN_DATA_DIRECTORY": str(directory), "DATABASE_URL": postgres.dsn})
        with running_house(settings, pictures=directory, workers=1, tell=lambda _line: None, city=plan_city()) as house:
            asyncio.run(_play(house))
        return asyncio.run(_compare(postgres.dsn))


async def _play(house: RunningHouse) -> None:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        stage = Stage(
            story=Story(lambda _line: None),
            settings=house.settings,
            city=house.city,
            staff=house.staff,
            http=http,
            pictures=house.settings.data_directory,
            citizen=Phone(http),
        )
        for chapter in (citizen, codes, messages, department, signon):
            await chapter.play(stage)


async def _compare(dsn: str) -> list[Row]:
    administrator = await asyncpg.connect(dsn, database="template1")
    small, few = await _city(administrator, dsn, "growth_small", COPIES)
    large, many = await _city(administrator, dsn, "growth_large", COPIES * TIMES)
    try:
        compared = [await _compare_one(small, large, probe) for probe in PROBES]
    finally:
        for connection in (small, large, administrator):
            await connection.close()
    sizes = f"{few:,} rows and {many:,}"
    deeper = [one for one in compared if one.pages[1] > max(one.pages[0] * WITHIN, one.pages[0] + PAGES_BESIDE)]
    slower = [one for one in compared if one.times > max(WITHIN, one.spread)]
    return [
        _held("growth, pages a query", compared, deeper, f"{sizes}; {_worst_pages(compared)}"),
        _held("growth, p99 a query", compared, slower, f"{sizes}; {_worst_times(compared)}"),
    ]


class Compared(Model):
    """A statement in both cities: pages in each, how many times longer its p99 is, and how far one city's varies."""

    name: str
    pages: tuple[int, int]
    times: float
    spread: float


async def _compare_one(small: asyncpg.Connection, large: asyncpg.Connection, probe: Probe) -> Compared:
    asked = [await _arguments(city, probe) for city in (small, large)]
    pages = [await _pages(city, probe, each) for city, each in zip((small, large), asked, strict=True)]
    p99s: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for times, city, each in zip(p99s, (small, large), asked, strict=True):
            times.append(await _p99(city, probe, each))
    return Compared(
        name=probe.name,
        pages=(pages[0], pages[1]),
        times=median(p99s[1]) / median(p99s[0]),
        spread=max(p99s[0]) / min(p99s[0]),
    )


async def _city(administrator: asyncpg.Connection, dsn: str, name: str, copies: int) -> tuple[asyncpg.Connection, int]:
    await clone(administrator, DATABASE, name)
    city = await asyncpg.connect(dsn, database=name)
    return city, await multiply(city, copies)


async def _arguments(city: asyncpg.Connection, probe: Probe) -> list[tuple[Any, ...]]:
    found = await city.fetch(f"select * from ({probe.arguments}) as found order by random() limit {ASKED}")
    assert found, f"Nobody in the small city has {probe.name}."
    return [tuple(row.values()) for row in found]


async def _pages(city: asyncpg.Connection, probe: Probe, asked: list[tuple[Any, ...]]) -> int:
    """The median of the pages that the statement looks at, in memory or not."""
    counts: list[int] = []
    for arguments in asked:
        async with _undone(city):
            said = await city.fetchval(f"explain (analyze, buffers, format json) {probe.sql}", *arguments)
        plan = msgspec.json.decode(said)[0]["Plan"]
        counts.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return int(median(counts))


async def _p99(city: asyncpg.Connection, probe: Probe, asked: list[tuple[Any, ...]]) -> float:
    statement = await city.prepare(probe.sql)
    times: list[float] = []
    for arguments in asked * REPEATED:
        async with _undone(city):
            begin = time.perf_counter()
            await statement.fetch(*arguments)
            times.append(time.perf_counter() - begin)
    return quantiles(times, n=100)[98]


@contextlib.asynccontextmanager
async def _undone(city: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that leaves nothing behind."""
    transaction = city.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


def _held(row: str, compared: list[Compared], worse: list[Compared], note: str) -> Row:
    return Row(
        row=row,
        unit="of",
        ours=len(compared) - len(worse),
        limit=len(compared),
        limit_is=f"statements of the hot paths, {TIMES}x the rows",
        promise=1.0,
        note=note,
    )


def _worst_pages(compared: list[Compared]) -> str:
    most = max(compared, key=lambda one: one.pages[1] - one.pages[0])
    return f"most more for {most.name}: {most.pages[0]} -> {most.pages[1]}"


def _worst_times(compared: list[Compared]) -> str:
    most = max(compared, key=lambda one: one.times / max(WITHIN, one.spread))
    return f"slowest: {most.name}, {most.times:.2f} times, where one city differs from itself {most.spread:.2f} times"


def _compiled() -> Row:
    """From the bytes of the registry to routes, as after a start; the limit is reading the same bytes."""
    stored = [msgspec.json.encode(a_manifest(app_id=f"cn.example.app{number}")) for number in range(APPS)]

    def read() -> list[PublishedApp]:
        return [_published(parse_manifest(each)) for each in stored]

    compiled, parsed = (_spent(act) for act in (lambda: compile_snapshot(read(), RouteSnapshot()), read))
    return Row(
        row="1 000 apps compiled",
        unit="apps/s",
        ours=APPS / compiled,
        limit=APPS / parsed,
        limit_is="reading their manifests alone",
        promise=APPS,
        promise_is="value",
        note=f"{compiled * 1000:.0f} ms of a core for all of them, from the registry's bytes",
    )


def _published(manifest: Manifest) -> PublishedApp:
    return msgspec.structs.replace(published(), app_id=manifest.app_id, manifest=manifest)


def _spent(act: Callable[[], object]) -> float:
    """Seconds of the processor, for a core that others use is no slower at this."""
    times: list[float] = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        act()
        times.append(time.process_time() - begin)
    return median(times)


def _routed() -> Row:
    """The same hundred services asked for, among themselves and among ten times as many."""
    few, many = (_snapshot(APPS // TIMES), _snapshot(APPS))
    targets = [Target(app_id=f"cn.example.app{number}", path="/loans/42") for number in range(APPS // TIMES)]

    def route_in(snapshot: RouteSnapshot) -> Callable[[], object]:
        asked = itertools.cycle(targets)
        return lambda: find_route(snapshot, "GET", next(asked))

    among_many, among_few = side_by_side(route_in(many), route_in(few))
    return Row(
        row="routing, 10x the apps",
        unit="1/s",
        ours=among_many,
        limit=among_few,
        limit_is=f"among {APPS // TIMES} apps instead of {APPS}, in turn",
        promise=0.9,
    )


def _snapshot(size: int) -> RouteSnapshot:
    manifests = [a_manifest(app_id=f"cn.example.app{number}") for number in range(size)]
    return compile_snapshot([_published(manifest) for manifest in manifests], RouteSnapshot()).snapshot
