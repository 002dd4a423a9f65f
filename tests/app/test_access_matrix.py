"""Every route before everybody: owner, other citizen, agent, enterprise, department, anonymous, and who signed out.

The table stands in `tests/app/access/matrix.toml`, a line a route. A route without a line fails here, with the line
that its guards suggest; so does a path parameter of which `tests/fixtures/inhabited.py` knows no thing that exists:
a stranger who is refused something that nobody has proves nothing.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from app.kit.clock import SystemClock
from app.kit.database import Database
from app.kit.strict_json import read_json
from app.main import House, build_house
from app.settings import Settings
from tests.app.access.crowd import ANONYMOUS, Column, Crowd, send
from tests.app.access.requests import Matrix
from tests.app.access.table import OFFICIAL, PERSON, SCANNER, Access, line_of, read_line, read_table
from tests.app.test_openapi import AT_THE_GUARD
from tests.app.test_routes import handlers
from tests.fixtures.inhabited import Inhabited

# The owner too is told that there is none, because no mini-app is published in `inhabited`; strangers at a launch that
# stands are tried in the provider's `test_launch`.
NOT_EVEN_THE_OWNER = {"POST /v1/launches/{launch_id}/answers", "POST /v1/launches/{launch_id}/guardian-requests"}
AT_THE_TOKEN = {"token-invalid", "dpop-proof-invalid"}
UNAUTHENTICATED, FORBIDDEN, NOT_FOUND = 401, 403, 404


@pytest.fixture
async def matrix(inhabited: Inhabited) -> Matrix:
    crowd = Crowd(inhabited)
    await crowd.arrive()
    return Matrix(inhabited, crowd, read_json((await inhabited.http.get("/openapi.json")).content, dict))


def test_every_route_has_its_line(house: House) -> None:
    served = {f"{method} {path}": handler for path, handler in handlers(house) for method in handler.http_methods}
    table = read_table()
    missing = sorted(line_of(route, handler) for route, handler in served.items() if route not in table)
    assert missing == [], "\nAdd to tests/app/access/matrix.toml, read before:\n" + "\n".join(missing)
    assert sorted(set(table) - set(served)) == [], "lines of routes that are no more"


@pytest.mark.parametrize("line", ["", "anyone", "person; public", "shared", "official(a", "person(ial=2)"])
def test_a_line_that_says_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="GET /v1/me"):
        read_line("GET /v1/me", line)


@pytest.mark.timeout(120)
async def test_nobody_reaches_what_is_not_theirs(matrix: Matrix, settings: Settings, database: Database) -> None:
    """Also not by a right that was theirs."""
    faults = await trespass(matrix, database)
    owners = {route: matrix.crowd.owner_of(access) for route, access in matrix.table.items()}
    await matrix.crowd.leave()
    async with other_worker(settings, database) as http:
        faults |= await return_after_signing_out(matrix, database, owners, http)
    assert faults == {}, "\n".join(f"{where}: {fault}" for where, fault in faults.items())


async def trespass(matrix: Matrix, database: Database) -> dict[str, str]:
    """Everybody at every route, at things that exist: what went wrong, by route and caller."""
    faults: dict[str, str] = {}
    for route, access in matrix.table.items():
        try:
            matrix.request_of(route)
        except LookupError as missing:
            faults[route] = str(missing)
            continue
        owners = await attempt(matrix, database, route, matrix.crowd.owner_of(access))
        if fault := fault_of_owner(access, owners):
            faults[f"{route} owner"] = f"{fault}: {told(owners)}"
        for column in matrix.crowd.strangers_to(access):
            answer = await attempt(matrix, database, route, column)
            fault = fault_of(access, column, answer) or leak(matrix, access, column, answer)
            if not fault and matrix.names_somebodys(route, column):
                fault = fault_of_trespass(answer, None if route in NOT_EVEN_THE_OWNER else owners)
            if fault:
                faults[f"{route} {column.name}"] = f"{fault}: {told(answer)}"
    return faults


async def return_after_signing_out(
    matrix: Matrix, database: Database, owners: dict[str, Column], http: httpx.AsyncClient
) -> dict[str, str]:
    """Each owner at their own routes, with tokens of an ended session; a scanner that was withdrawn likewise."""
    faults: dict[str, str] = {}
    for route, access in matrix.table.items():
        if access.is_open or route not in matrix.ready:
            continue
        answer = await attempt(matrix, database, route, owners[route], http)
        refused = is_withdrawn(answer) if access.owner == SCANNER else answer.status_code == UNAUTHENTICATED
        if not refused:
            faults[f"{route} signed out"] = told(answer)
    return faults


@contextlib.asynccontextmanager
async def other_worker(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a worker that begins now, and knows of all ends by what it reads."""
    house = build_house(settings, database=database, clock=SystemClock())
    async with database.acquire() as connection:
        await house.floor.keyring.load(connection)
    await house.packages.auth.open()
    transport = httpx.ASGITransport(app=cast("Any", house.asgi), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_origin) as http:
        yield http
    for close in house.packages.closers:
        await close()


async def attempt(
    matrix: Matrix, database: Database, route: str, column: Column, http: httpx.AsyncClient | None = None
) -> httpx.Response:
    """One request; afterwards the city is as it was before."""
    prepared = matrix.request_of(route)
    async with database.acquire() as connection:
        savepoint = connection.transaction()
        await savepoint.start()
    answer = await send(column, prepared, http or matrix.people.http)
    async with database.acquire():
        await savepoint.rollback()
    return answer


def is_withdrawn(answer: httpx.Response) -> bool:
    """A scanner that is no more is told so, or gets the verdict that lets nobody in."""
    return slug_of(answer) == "scanner-not-registered" or answer.json().get("verdict") == "REJECT"


def fault_of_owner(access: Access, answer: httpx.Response) -> str | None:
    """The owner passes the guard; what a rule says to this very request is not the question here."""
    if answer.status_code >= 500:
        return "a server error"
    stopped = slug_of(answer) in AT_THE_GUARD | AT_THE_TOKEN
    return "the owner is refused" if stopped and not access.is_open else None


def fault_of(access: Access, column: Column, answer: httpx.Response) -> str | None:
    """What is wrong with the status that a stranger saw."""
    if answer.status_code >= 500:
        return "a server error"
    if access.is_open or access.welcomes(column.kind, column.roles):
        return None
    nobody = column.kind in {ANONYMOUS, SCANNER} or access.owner == SCANNER
    wanted = UNAUTHENTICATED if nobody else FORBIDDEN
    return None if answer.status_code == wanted else f"not {wanted}"


def fault_of_trespass(answer: httpx.Response, owners: httpx.Response | None) -> str | None:
    """Something of another's is refused, and for another reason than whatever the owner may have been told."""
    if answer.status_code not in {FORBIDDEN, NOT_FOUND}:
        return "somebody else's"
    alike = owners is not None and slug_of(answer) == slug_of(owners)
    return "the owner is told the same: nothing is proved" if alike else None


def leak(matrix: Matrix, access: Access, column: Column, answer: httpx.Response) -> str | None:
    """What an answer tells a stranger of others. A shared thing is told to staff."""
    if column.colleague or not answer.is_success or (access.shared and column.kind == OFFICIAL):
        return None
    watched = matrix.secrets(PERSON) if column.name == "agent" else matrix.secrets()
    found = sorted(secret for secret in watched if secret in answer.text)
    return f"tells {found}" if found else None


def slug_of(answer: httpx.Response) -> str:
    """The name of a refusal; empty for an answer that is none."""
    if not answer.is_error or "json" not in answer.headers.get("content-type", ""):
        return ""
    return str(answer.json().get("type", "")).removeprefix("/problems/")


def told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:200]}"
