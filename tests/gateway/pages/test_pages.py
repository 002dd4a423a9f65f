"""A mini-app's pages: which origin is whose, what a page may be, what never crosses, and what stands there instead."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app.kit.floor import Floor
from gateway.breakers import BreakerSettings
from gateway.exposure import NOBODY
from gateway.limits.models import Limit
from gateway.pages.addresses import mark_of, page_label, read_label
from miniapps.manifest import app_id_of
from miniapps.releases.models import GrayApp
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import APPS_HOST, BEARER, ISSUER, Answered, Harness, Received, gateway
from tests.gateway.publications import LIBRARY, ROUTES, SUSPENSION, published
from tests.gateway.servers import plain_answer

LABEL = "cn-example-library"
HOST = f"{LABEL}.{APPS_HOST}"
HTML = "Content-Type: text/html; charset=utf-8\r\n"


@pytest.fixture
async def library(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> AsyncIterator[Harness]:
    callers.sign_in("good")
    async with gateway(
        floor,
        callers,
        consents,
        citizens,
        breaker=BreakerSettings(failures=1000),
        per_app=Limit(requests=1, per_seconds=60, burst=40),
    ) as harness:
        await publish(harness)
        harness.answer = lambda _request: plain_answer(b"<h1>Hours</h1>", headers=HTML)
        yield harness


async def try_out(harness: Harness, *, percent: int = 0, **row: Any) -> str:
    """A second release, on trial with pages of its own; the host on which they stand."""
    (live,) = harness.apps
    backend = live.manifest.backend
    assert backend is not None
    addresses = {"live": backend.base_url.live, "gray": backend.base_url.live.replace("/api", "/gray")}
    facts = {"version_code": 2, **row}
    app = published(backend={"base_url": addresses, "routes": ROUTES, "pages": {"path": "/new"}}, row=facts)
    await harness.publish(live, trials=[GrayApp(app=app, percent=percent)])
    return f"{page_label(LIBRARY, app.release_id)}.{APPS_HOST}"


async def publish(harness: Harness, *, pages: Any = None, **row: Any) -> None:
    base_url = harness.apps[0].manifest.backend.base_url.live  # type: ignore[union-attr]
    backend = {"base_url": {"live": base_url}, "routes": ROUTES, "pages": pages or {"path": "/site"}}
    await harness.publish(published(base_url, backend=backend, row=row))


async def look(harness: Harness, path: str = "/", *headers: tuple[bytes, bytes], **more: Any) -> Answered:
    return await harness.call(more.pop("method", "GET"), path, *headers, host=more.pop("host", HOST), **more)


def policy_of(answer: Answered) -> dict[str, list[str]]:
    directives = answer.headers[b"content-security-policy"].decode().split(";")
    return {name: values for name, *values in (directive.split() for directive in directives)}


async def test_a_page_is_read_below_the_prefix_and_keeps_its_kind(library: Harness) -> None:
    answer = await look(library, "/hours/today.html", query=b"a=%20b")
    (request,) = library.received
    assert (request.method, request.target) == ("GET", "/api/site/hours/today.html?a=%20b")
    assert (answer.status, answer.body) == (200, b"<h1>Hours</h1>")
    assert answer.headers[b"content-type"] == b"text/html; charset=utf-8"
    assert "signature" in request.headers
    assert request.headers["ssb-channel"] == "visitor"
    assert answer.headers[b"x-request-id"].decode() == request.headers["x-request-id"]
    assert answer.headers[b"server-timing"].startswith(b"gateway;dur=")


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{LABEL}.Apps.LocalHost:8000"])
async def test_names_have_no_case(library: Harness, host: str) -> None:
    assert (await look(library, host=host)).status == 200


async def test_nothing_of_a_person_reaches_a_page(library: Harness) -> None:
    await look(
        library,
        "/",
        BEARER,
        (b"cookie", b"session=secret"),
        (b"referer", b"https://city.example/me"),
        (b"origin", b"https://city.example"),
        (b"user-agent", b"Mozilla"),
        (b"ssb-assertion", b"forged"),
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"idempotency-key", b"1"),
        (b"accept-language", b"en"),
    )
    (request,) = library.received
    asked = {name for name in request.headers if not name.startswith(("ssb-", "signature"))}
    assert asked == {"host", "accept-language", "x-request-id", "traceparent", "content-digest"}
    assert "ssb-assertion" not in request.headers
    assert b"secret" not in request.raw
    assert b"forged" not in request.raw


async def test_nothing_that_reaches_beyond_the_page_comes_back(library: Harness) -> None:
    bad = (
        "Set-Cookie: a=b; Domain=apps.localhost\r\nClear-Site-Data: *\r\nService-Worker-Allowed: /\r\n"
        "Access-Control-Allow-Origin: *\r\nContent-Security-Policy: default-src *\r\nX-Frame-Options: ALLOWALL\r\n"
        "Strict-Transport-Security: max-age=1\r\nAlt-Svc: clear\r\nSSB-Assertion: x\r\nLocation: https://evil.example\r\n"
        "Refresh: 0; url=https://evil.example\r\nLink: <https://evil.example>; rel=preload\r\nServer-Timing: x\r\n"
        'Cross-Origin-Opener-Policy: unsafe-none\r\nPermissions-Policy: camera=*\r\nETag: "1"\r\n'
    )
    library.answer = lambda _request: plain_answer(b"<p>", headers=HTML + bad)
    answer = await look(library)
    names = [name for name, _ in answer.lines]
    assert len(names) == len(set(names))
    assert {name for name in names if b"cookie" in name or name.startswith((b"access-", b"ssb-", b"location"))} == set()
    assert not {b"refresh", b"link", b"alt-svc", b"service-worker-allowed", b"clear-site-data"} & set(names)
    assert answer.headers[b"etag"] == b'"1"'
    assert answer.headers[b"cross-origin-opener-policy"] == b"same-origin"
    assert b"camera=()" in answer.headers[b"permissions-policy"]


async def test_a_page_talks_to_itself_alone_and_only_the_city_frames_it(library: Harness) -> None:
    policy = policy_of(await look(library))
    assert policy["frame-ancestors"] == [ISSUER]
    assert policy["connect-src"] == ["'self'"]
    assert policy["script-src"] == ["'self'"]
    for name in ("default-src", "frame-src", "object-src", "worker-src", "base-uri"):
        assert policy[name] == ["'none'"]
    assert [name for name, values in policy.items() if ISSUER in values] == ["frame-ancestors"]


@pytest.mark.parametrize(
    "content_type", ["text/html", "TEXT/HTML; charset=gbk", "application/xhtml+xml", "image/svg+xml"]
)
async def test_a_document_is_asked_for_anew_each_time(library: Harness, content_type: str) -> None:
    headers = f"Content-Type: {content_type}\r\nCache-Control: max-age=31536000, immutable\r\nExpires: tomorrow\r\n"
    library.answer = lambda _request: plain_answer(b"x", headers=headers)
    answer = await look(library)
    assert [value for name, value in answer.lines if name == b"cache-control"] == [b"no-cache"]
    assert b"expires" not in answer.headers


async def test_a_picture_may_be_kept(library: Harness) -> None:
    library.answer = lambda _request: plain_answer(
        b"x", headers="Content-Type: image/png\r\nCache-Control: max-age=60\r\n"
    )
    assert (await look(library, "/logo.png")).headers[b"cache-control"] == b"max-age=60"


async def test_content_of_no_kind_is_no_page(library: Harness) -> None:
    library.answer = lambda _request: plain_answer(b"<script>alert(1)</script>")
    answer = await look(library)
    assert answer.headers[b"content-type"] == b"application/octet-stream"
    assert answer.headers[b"x-content-type-options"] == b"nosniff"


async def test_head_is_asked_and_answered_as_head(library: Harness) -> None:
    library.answer = lambda _request: plain_answer(b"", headers=HTML)
    answer = await look(library, method="HEAD")
    assert (answer.status, answer.body, library.received[0].method) == (200, b"", "HEAD")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_nothing_is_sent_to_a_page(library: Harness, method: str) -> None:
    answer = await look(library, method=method, body=b"x")
    assert (answer.status, answer.headers[b"allow"], library.received) == (405, b"GET, HEAD", [])


@pytest.mark.parametrize(
    "status", ["201 Created", "301 Moved", "302 Found", "307 Temporary", "401 No", "403 No", "500 Error", "503 Busy"]
)
async def test_what_is_no_page_becomes_one_of_ours(library: Harness, status: str) -> None:
    headers = HTML + "Location: https://evil.example/\r\nWWW-Authenticate: Basic\r\n"
    library.answer = lambda _request: plain_answer(b"<h1>evil</h1>", status=status, headers=headers)
    answer = await look(library)
    assert (answer.status, answer.headers[b"ssb-problem"]) == (502, b"department-misbehaved")
    assert b"evil" not in answer.body + b"".join(value for _, value in answer.lines)
    assert "拨打 12345".encode() in answer.body
    assert b"www-authenticate" not in answer.headers


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_a_departments_own_page_of_what_is_missing_is_shown(library: Harness, status: str) -> None:
    library.answer = lambda _request: plain_answer(b"gone", status=status, headers=HTML)
    answer = await look(library)
    assert (answer.status, answer.body) == (int(status[:3]), b"gone")


async def test_of_a_suspended_service_a_page_tells_why_and_what_to_do(library: Harness) -> None:
    await publish(library, **SUSPENSION)
    answer = await look(library, "/hours.html")
    assert (answer.status, answer.headers[b"ssb-problem"], library.received) == (503, b"service-suspended", [])
    assert "系统升级".encode() in answer.body
    assert "请到大厅".encode() in answer.body
    assert answer.headers[b"cache-control"] == b"no-store"
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert "script-src" not in policy
    assert policy["frame-ancestors"] == [ISSUER]


@pytest.mark.parametrize(
    "label",
    [
        "cn-example-other",
        "cn.example.library",
        "cn--example-library",
        "cn---example-library",
        "cn-example-library-",
        "xn--cn-example-library",
        "a.cn-example-library",
        "www",
    ],
)
async def test_a_name_of_nobodys_shows_nothing(library: Harness, label: str) -> None:
    answer = await look(library, host=f"{label}.{APPS_HOST}")
    assert (answer.status, answer.headers[b"ssb-problem"], library.received) == (404, b"service-unknown", [])


async def test_a_service_without_pages_says_how_it_is_reached(library: Harness) -> None:
    base_url = library.apps[0].manifest.backend.base_url.live  # type: ignore[union-attr]
    await library.publish(published(base_url))
    answer = await look(library)
    assert (answer.status, answer.headers[b"ssb-problem"], library.received) == (404, b"no-pages", [])


async def test_calls_are_not_made_on_the_origin_of_pages(library: Harness) -> None:
    """There the path is a page's like any other, and no token counts."""
    await look(library, f"/apps/{LIBRARY}/books", BEARER)
    assert [request.target for request in library.received] == [f"/api/site/apps/{LIBRARY}/books"]
    assert "ssb-assertion" not in library.received[0].headers


@pytest.mark.parametrize(
    "path", ["/../books", "/%2e%2e/books", "//books", "/..;/books", "/a%2f..%2fbooks", "/.\\books"]
)
async def test_no_page_leads_out_of_the_prefix(library: Harness, path: str) -> None:
    answer = await look(library, path)
    assert (answer.status, library.received) == (400, [])


async def test_a_route_among_the_pages_is_not_compiled(library: Harness) -> None:
    """What anybody may look at must not be a way around what a route asks of its callers."""
    before = library.table.snapshot.apps[LIBRARY].release_id
    await publish(library, pages={"path": "/loans"})
    assert library.table.snapshot.apps[LIBRARY].release_id == before


async def test_pages_have_a_measure(library: Harness) -> None:
    statuses = [(await look(library)).status for _ in range(45)]
    assert statuses == [200] * 40 + [429] * 5
    assert (await look(library)).headers[b"retry-after"] == b"60"


async def test_a_department_that_is_away_is_told_of_in_words(library: Harness) -> None:
    async def silence(_request: Received) -> bytes:
        return b""

    library.answer = silence

    async def hang_up(_reader: Any, writer: Any) -> None:
        writer.close()

    library.converse = hang_up
    answer = await look(library)
    assert (answer.status, answer.headers[b"ssb-problem"]) == (502, b"department-hung-up")
    assert "请到图书馆".encode() in answer.body


async def test_pages_of_a_trial_stand_at_an_address_that_its_people_are_told(library: Harness) -> None:
    host = await try_out(library)
    assert (await look(library, "/a.html", host=host)).status == 200
    assert (await look(library, "/a.html", BEARER)).status == 200  # at the known address nobody sees the trial
    assert [request.target for request in library.received] == ["/gray/new/a.html", "/api/site/a.html"]
    assert library.voices[0] != NOBODY
    assert library.voices[1] == NOBODY


@pytest.mark.parametrize("mark", ["0" * 12, "0" * 11, "", "z" * 12])
async def test_who_guesses_the_address_of_a_trial_sees_nothing(library: Harness, mark: str) -> None:
    await try_out(library, percent=100)
    answer = await look(library, host=f"{LABEL}---{mark}.{APPS_HOST}")
    assert answer.status == 404
    assert answer.headers[b"ssb-problem"] in {b"trial-over", b"service-unknown"}
    assert library.received == []


async def test_pages_of_a_trial_are_gone_with_it(library: Harness) -> None:
    host = await try_out(library)
    await library.publish(*library.apps)
    answer = await look(library, host=host)
    assert (answer.status, answer.headers[b"ssb-problem"]) == (404, b"trial-over")
    assert "试用已结束" in answer.body.decode()
    host = await try_out(library)
    await publish(library, **SUSPENSION)
    assert (await look(library, host=host)).headers[b"ssb-problem"] == b"service-suspended"
    assert library.received == []


async def test_a_first_release_on_trial_has_pages_for_its_people_alone(library: Harness) -> None:
    host = await try_out(library)
    await library.publish(trials=library.trials)
    assert (await look(library, host=host)).status == 200
    assert (await look(library)).headers[b"ssb-problem"] == b"service-unknown"


app_ids = st.from_regex(r"[a-z](-?[a-z0-9]){0,12}(\.[a-z0-9](-?[a-z0-9]){0,12}){1,3}", fullmatch=True)


@given(app_ids, st.none() | st.uuids())
def test_a_label_leads_back_to_the_mini_app_and_its_trial(app_id: str, trial: UUID | None) -> None:
    label = page_label(app_id, trial)
    if label is None:
        assert len(app_id) > 63 - 3 - 12 - 2 * app_id.count("-")
    else:
        assert len(label) <= 63
        assert read_label(label) == (app_id, None if trial is None else mark_of(trial))
        assert trial is None or app_id_of(label) is None  # no mini-app can take the address of another's trial
