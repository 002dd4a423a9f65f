"""The snapshot: which path finds which route, and that nothing bad ever replaces something good."""

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import SuishenError, TemporarilyUnavailable
from gateway import errors
from gateway.routing import Match, RouteTable, find_route, parse_target
from gateway.snapshot import RouteSnapshot, compile_snapshot
from miniapps.releases.models import PublishedApp
from tests.gateway.publications import LIBRARY, ROUTES, SUSPENSION, a_manifest, a_snapshot, published

SNAPSHOT = a_snapshot()


def find(method: str, path: str, snapshot: RouteSnapshot = SNAPSHOT) -> Match | SuishenError:
    target = parse_target(f"/apps/{LIBRARY}{path}")
    assert target is not None
    return find_route(snapshot, method, target)


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/books", "/books"),
        ("HEAD", "/books", "/books"),
        ("GET", "/books/1", "/books/{book_id}"),
        ("GET", "/books/%E4%B8%AD", "/books/{book_id}"),
        ("GET", "/loans", "/loans"),
        ("POST", "/loans", "/loans"),
        ("GET", "/loans/overdue", "/loans/overdue"),
        ("GET", "/loans/7", "/loans/{loan_id}"),
        ("PUT", "/loans/7/renewal", "/loans/{loan_id}/renewal"),
        ("PUT", "/loans/overdue/renewal", "/loans/{loan_id}/renewal"),
        ("GET", "/anything", "/{page}"),
        ("GET", "/{page}", "/{page}"),
    ],
)
def test_find_route(method: str, path: str, template: str) -> None:
    match = find(method, path)
    assert isinstance(match, Match)
    assert (match.route.method, match.route.template, match.path) == (method, template, path)


@pytest.mark.parametrize(
    "path",
    ["/", "/books/", "/books/1/", "/books/1/2", "/loans/7/renewal/now", "/loans/7/other", "/Loans/7/8", "//", "/a/"],
)
def test_find_route_refuses_a_path_that_is_not_declared(path: str) -> None:
    assert isinstance(find("GET", path), errors.UnknownServicePath)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/books"), ("POST", "/books/1"), ("GET", "/small")])
def test_find_route_refuses_a_method_that_is_not_declared(method: str, path: str) -> None:
    found = find(method, path)
    assert isinstance(found, errors.MethodRefused)
    assert found.extensions["allow"] in {"GET, HEAD", "GET", "POST"}


def test_find_route_prefers_the_declared_method_behind_a_literal() -> None:
    """`GET /small` is declared only as POST; the parameter beside it must not answer in its place."""
    assert isinstance(find("GET", "/small"), errors.MethodRefused)


@pytest.mark.parametrize("path", ["/.ssb", "/.ssb/cards", "/.ssb/complaints", "/.ssb/complaints/states"])
def test_no_parameter_stands_for_what_is_the_citys_own(path: str) -> None:
    """A department takes an errand of the city from whoever comes there without a citizen, as a visitor does too."""
    templates = ["/{page}", "/{section}/{item}", "/{section}/{item}/{part}"]
    routes = [{"method": "POST", "path": template, "min_ial": 0} for template in templates]
    snapshot = a_snapshot(published(backend={"base_url": {"live": "http://127.0.0.1:9101"}, "routes": routes}))
    assert isinstance(find("POST", path.replace(".ssb", "ssb"), snapshot), Match)
    assert isinstance(find("POST", path, snapshot), errors.UnknownServicePath)


def test_find_route_refuses_an_unknown_app() -> None:
    assert isinstance(find("GET", "/books", RouteSnapshot()), errors.UnknownService)


def test_find_route_refuses_a_suspended_app_with_reason_and_fallback() -> None:
    found = find("GET", "/not-even-declared", a_snapshot(published(row=SUSPENSION)))
    assert isinstance(found, errors.ServiceSuspended)
    assert found.extensions["reason"].zh == "系统升级"
    assert found.extensions["fallback"].zh == "请到大厅"


@pytest.mark.parametrize("path", ["/apps", "/apps/", "/apps/x", "/app/x/y", "/", "apps/x/", "/appsx/y/"])
def test_parse_target_refuses(path: str) -> None:
    assert parse_target(path) is None


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="/"), min_size=1), max_size=6))
def test_find_route_never_fails(segments: list[str]) -> None:
    assert isinstance(find("GET", "/" + "/".join(segments)), Match | SuishenError)


def test_find_route_agrees_with_a_plain_search() -> None:
    """The tree finds exactly what a search through all templates, literals first, would find."""
    words = ["books", "loans", "overdue", "renewal", "7", "small"]
    paths = ["/" + "/".join(path) for path in _paths(words, 3)]
    for path in paths:
        expected = _search(path.split("/")[1:])
        found = find("GET", path)
        assert (found.route.template if isinstance(found, Match) else None) == expected, path


def _paths(words: list[str], longest: int) -> list[list[str]]:
    paths: list[list[str]] = [[word] for word in words]
    for _ in range(longest - 1):
        paths += [[*path, word] for path in paths for word in words]
    return paths


def _search(segments: list[str]) -> str | None:
    fitting: dict[tuple[bool, ...], dict[str, str]] = {}
    for route in ROUTES:
        template = route["path"].split("/")[1:]
        if len(template) == len(segments) and all(
            part.startswith("{") or part == segment for part, segment in zip(template, segments, strict=True)
        ):
            fitting.setdefault(tuple(part.startswith("{") for part in template), {})[route["method"]] = route["path"]
    return fitting[min(fitting)].get("GET") if fitting else None


def _bad(**row: Any) -> PublishedApp:
    return published(row=row)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (_bad(app_id="cn.example.other"), "app-id-differs"),
        (_bad(manifest=a_manifest(backend=None)), "no-backend"),
        (_bad(manifest=a_manifest("http://127.1:80")), "address"),
        (_bad(manifest=a_manifest("https://user@a.example")), "address"),
        (_bad(manifest=a_manifest(data={})), "scope-unknown"),
        (
            _bad(
                manifest=a_manifest(
                    backend={
                        "base_url": {"live": "https://a.example"},
                        "routes": [{"method": "GET", "path": "/{a}"}, {"method": "GET", "path": "/{b}"}],
                    }
                )
            ),
            "route-repeated",
        ),
    ],
)
def test_compile_reports_what_does_not_compile(bad: PublishedApp, reason: str) -> None:
    other = published(app_id="cn.example.good")
    compilation = compile_snapshot([bad, other], RouteSnapshot())
    assert set(compilation.snapshot.apps) == {"cn.example.good"}
    assert [rejection.reason for rejection in compilation.rejections] == [reason]


def test_compile_keeps_the_last_good_form() -> None:
    first = a_snapshot()
    bad = _bad(manifest=a_manifest("http://127.1:80"))
    compilation = compile_snapshot([bad], first)
    assert compilation.snapshot.apps[LIBRARY] is first.apps[LIBRARY]
    assert len(compilation.rejections) == 1


def test_compile_suspends_even_what_does_not_compile() -> None:
    bad = _bad(manifest=a_manifest("http://127.1:80"), **SUSPENSION)
    compilation = compile_snapshot([bad], a_snapshot())
    assert compilation.snapshot.apps[LIBRARY].suspension is not None


def test_compile_leaves_directory_entries_out() -> None:
    entry = published(backend=None, kind="directory", link="https://a.example")
    compilation = compile_snapshot([entry], RouteSnapshot())
    assert (compilation.snapshot.apps, compilation.rejections) == ({}, ())


def test_compile_forgets_what_is_no_longer_published() -> None:
    assert compile_snapshot([], a_snapshot()).snapshot.apps == {}


def test_compile_takes_a_new_release_and_keeps_an_unchanged_one() -> None:
    app = published()
    first = a_snapshot(app)
    assert compile_snapshot([app], first).snapshot.apps[LIBRARY] is first.apps[LIBRARY]
    newer = published("http://127.0.0.1:9999")
    assert compile_snapshot([newer], first).snapshot.apps[LIBRARY].base_url == "http://127.0.0.1:9999"


@pytest.mark.parametrize(
    ("url", "authority", "base_path"),
    [
        ("https://a.example", "a.example", ""),
        ("https://a.example:443/api", "a.example", "/api"),
        ("http://127.0.0.1:80", "127.0.0.1", ""),
        ("https://a.example:80/api/v1", "a.example:80", "/api/v1"),
    ],
)
def test_compile_knows_the_host_that_will_stand_on_the_wire(url: str, authority: str, base_path: str) -> None:
    app = a_snapshot(published(url)).apps[LIBRARY]
    assert (app.authority, app.base_path) == (authority, base_path)


async def test_table_keeps_the_last_good_snapshot_when_the_registry_is_away() -> None:
    answers: list[list[PublishedApp] | Exception] = [[published()], OSError(), []]

    async def list_published() -> list[PublishedApp]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    table = RouteTable(list_published)
    await table.refresh_when_due()
    assert LIBRARY in table.snapshot.apps
    table.mark_stale()
    await table.refresh_when_due()
    assert LIBRARY in table.snapshot.apps
    await table.refresh_when_due()
    assert table.snapshot.apps == {}


async def test_table_reads_by_itself_within_a_second_when_nobody_tells() -> None:
    reads = 0

    async def list_published() -> list[PublishedApp]:
        nonlocal reads
        reads += 1
        return []

    table = RouteTable(list_published)
    for _ in range(11):
        await table.refresh_when_due()
    assert reads == 3


async def test_all_who_wait_for_the_first_reading_share_it() -> None:
    reads, gate = 0, asyncio.Event()

    async def list_published() -> list[PublishedApp]:
        nonlocal reads
        reads += 1
        await gate.wait()
        return [published()]

    table = RouteTable(list_published)
    waiting = [asyncio.create_task(table.ready()) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    gate.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert ended[1:] == [None] * 19
    assert (reads, list(table.snapshot.apps)) == (1, [LIBRARY])


@pytest.mark.parametrize("away", [OSError(), TimeoutError(), asyncpg.InterfaceError("closed"), asyncpg.PostgresError()])
async def test_a_table_that_was_never_read_says_so_and_recovers(away: Exception) -> None:
    answers: list[Exception | list[PublishedApp]] = [away, away, []]

    async def list_published() -> list[PublishedApp]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    table = RouteTable(list_published)
    await table.refresh_when_due()
    assert not table.loaded
    with pytest.raises(TemporarilyUnavailable) as refused:
        await table.ready()
    assert refused.value.retry_after == 2
    await table.ready()
    assert table.loaded
