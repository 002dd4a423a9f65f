"""The home page of citizens who keep twenty departments at hand, one of which never answers: `python -m bench home`.

One worker on one core. The hung department is asked again and again: the first pages wait for it, and so does one page
every few seconds, when the breaker lets a trial through.
"""

import asyncio
import itertools
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import asyncpg
import httpx
import msgspec

from app.demo.city import City
from app.demo.journey import RunningHouse, running_house
from app.demo.phone import Phone
from app.demo.stage import Stage
from app.demo.story import Story
from app.kit.ids import new_id
from app.kit.processes import ChildProcesses, free_port
from app.settings import read_settings
from bench.load import read_answer, request_bytes
from bench.result import Row
from bench.served import _bearer, _pin_tree
from miniapps.manifest import canonical_bytes, manifest_hash, parse_manifest

DEPARTMENTS = 20
CITIZENS = 8
SECONDS = 10.0
PAUSE_SECONDS = 0.25
WITHIN_SECONDS = 0.8
PROMISED_SHARE = 95.0
OK = 200
TEXT = {"zh": "事项", "en": "Matters"}


def rows() -> list[Row]:
    """Pages within their time, of all that were asked for; an error is a page that was not."""
    ports = [free_port() for _ in range(DEPARTMENTS)]
    settings = read_settings(
        {
            "SUISHEN_DATA_DIRECTORY": tempfile.mkdtemp(prefix="suishen-bench-"),
            "SUISHEN_ALLOWED_UPSTREAMS": ",".join(f"127.0.0.1:{port}" for port in ports),
        }
    )
    Path(settings.data_directory).chmod(0o755)
    with (
        running_house(
            settings,
            pictures=settings.data_directory / "pictures",
            workers=1,
            tell=lambda _line: None,
            city=City(departments={}),
        ) as house,
        ChildProcesses(logs=settings.data_directory / "logs") as children,
    ):
        children.start(
            "cards",
            "bench.cards",
            ["--ports", ",".join(map(str, ports)), "--hung", str(ports[7])],
            ready=f"tcp://127.0.0.1:{ports[0]}",
        )
        _pin_tree(house.pid, 0)
        return [asyncio.run(_measure(house, ports))]


async def _measure(house: RunningHouse, ports: list[int]) -> Row:
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
        await publish(house.settings.database_url, ports)
        tokens = [(await _bearer(stage, f"199000005{number:02}"))["access_token"] for number in range(CITIZENS)]
        await asyncio.sleep(2)  # published
        for token in tokens:
            await _keep_at_hand(http, token)
        times: list[float] = []
        statuses: Counter[int] = Counter()
        callers = (_look(stage, token, number, times, statuses) for number, token in enumerate(tokens))
        await asyncio.gather(*callers)
    cuts = [1000 * cut for cut in quantiles(times, n=100)]
    spread = f"p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, p99 {cuts[98]:.0f} ms"
    good = sum(spent <= WITHIN_SECONDS for spent in times) if set(statuses) == {OK} else 0
    return Row(
        row="home, 1 of 20 hung",
        unit="%",
        ours=100 * good / len(times),
        limit=100,
        limit_is="all pages within 800 ms, none an error",
        promise=PROMISED_SHARE,
        promise_is="value",
        note=f"{len(times)} pages, {dict(statuses)}; {spread}",
    )


async def _keep_at_hand(http: httpx.AsyncClient, token: str) -> None:
    """Pins all, and sees each department's cards but the hung one's on the page."""
    headers = {"authorization": f"Bearer {token}"}
    wanted = {"pinned": [name_of(number) for number in range(DEPARTMENTS)], "hidden": []}
    (await http.put("/v1/home/layout", json=wanted, headers=headers)).raise_for_status()
    page = (await http.get("/v1/home", headers=headers)).raise_for_status().json()
    assert len({card["app_id"] for card in page["cards"]}) == DEPARTMENTS - 1, page["degraded"]
    assert [missing["app_id"] for missing in page["degraded"]] == [name_of(7)]


async def _look(stage: Stage, token: str, number: int, times: list[float], statuses: Counter[int]) -> None:
    """One citizen opens the page again and again."""
    headers = {"authorization": f"Bearer {token}"}
    request = request_bytes("GET", "/v1/home", stage.http.base_url.netloc.decode(), headers)
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.settings.port)
    await asyncio.sleep(PAUSE_SECONDS * number / CITIZENS)
    for _ in itertools.takewhile(lambda until: time.perf_counter() < until, itertools.repeat(_deadline())):
        begin = time.perf_counter()
        writer.write(request)
        status, _body = await read_answer(reader)
        times.append(time.perf_counter() - begin)
        statuses[status] += 1
        await asyncio.sleep(PAUSE_SECONDS)
    writer.close()


def _deadline() -> float:
    return time.perf_counter() + SECONDS


def name_of(number: int) -> str:
    """A department's mini-app."""
    return f"cn.example.bench{number:02}"


async def publish(dsn: str, ports: list[int]) -> None:
    """As if reviewed and released, each of a department of its own: what is measured here is the page."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        for number, port in enumerate(ports):
            await _insert(connection, name_of(number), f"http://127.0.0.1:{port}")
        await connection.execute("update miniapps.edition set number = number + 1")
        await connection.execute("select pg_notify('miniapps_release', '')")
    await connection.close()


async def _insert(connection: "asyncpg.Connection[asyncpg.Record]", app_id: str, address: str) -> None:
    manifest = msgspec.json.encode(_document(app_id, address))
    parse_manifest(manifest)
    version_id, somebody = new_id(), new_id()
    await connection.execute(
        "insert into miniapps.app (app_id, organization_id, organization_name, organization_credit_code, state,"
        " registered_by, registered_at) values ($1, $2, '演示部门', '0', 'active', $3, now())",
        app_id,
        new_id(),
        somebody,
    )
    await connection.execute(
        "insert into miniapps.version (id, app_id, code, name, state, manifest, manifest_hash, findings, author_id,"
        " created_at) values ($1, $2, 1, '1', 'approved', $3, $4, '[]', $5, now())",
        version_id,
        app_id,
        canonical_bytes(manifest),
        bytes.fromhex(manifest_hash(manifest)),
        somebody,
    )
    await connection.execute(
        "insert into miniapps.release (id, app_id, version_id, version_code, state, percent, created_by, created_at,"
        " stage_at) values ($1, $2, $3, 1, 'published', 100, $4, now(), now())",
        new_id(),
        app_id,
        version_id,
        somebody,
    )


def _document(app_id: str, address: str) -> dict[str, object]:
    return {
        "schema": "ssb-manifest/1",
        "app_id": app_id,
        "version": {"code": 1, "name": "1"},
        "name": TEXT,
        "short_name": "事项",
        "description": TEXT,
        "owner": {"org_code": "0" * 18, "org_name": "演示部门", "level": "city", "region": "190000"},
        "contacts": [{"role": "tech", "name": "技术值班", "phone": "19900000001"}],
        "zones": ["190000"],
        "audience": ["person"],
        "backend": {"base_url": {"live": address}},
        "widgets": [{"id": "mine", "kind": "list", "personal": True}],
        "fallback": {"text": TEXT, "alt_channels": [TEXT]},
        "support": {"hotline": "12345"},
    }
