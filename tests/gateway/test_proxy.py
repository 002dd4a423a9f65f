"""A citizen's call to a department, from raw scope to raw socket: what arrives there, and what comes back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from app.kit.keyring import Keyring, public_jwk
from auth.principal import Principal
from gateway.breakers import BreakerSettings
from gateway.limits.models import Limit
from gateway.routes import PURPOSES
from gateway.snapshot import RouteSnapshot
from miniapps.releases.models import PublishedApp
from miniapps.sdk.errors import Refused
from miniapps.sdk.keys import Jwks
from miniapps.sdk.verifier import Verifier
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents, consent_to
from tests.gateway.harness import BEARER, ISSUER, Harness, Received, gateway
from tests.gateway.publications import LIBRARY, SUSPENSION, published
from tests.gateway.servers import plain_answer


@pytest.fixture
async def city(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> AsyncIterator[Harness]:
    async with gateway(floor, callers, consents, citizens) as harness:
        yield harness


@pytest.fixture
def citizen(callers: KnownCallers) -> Principal:
    return callers.sign_in()


def department(keyring: Keyring, clock: ManualClock) -> Verifier:
    """The verifier that a department installs."""
    jwks = Jwks({"keys": [public_jwk(key) | {"ssb_purpose": use} for use in PURPOSES for key in keyring.all(use)]})
    return Verifier(app_id=LIBRARY, issuer=ISSUER, keys=jwks, now=lambda: clock.now().timestamp())


async def test_call_reaches_the_department_verified(
    city: Harness, citizen: Principal, floor: Floor, clock: ManualClock
) -> None:
    answered = await city.call(
        "POST", "/loans", BEARER, (b"content-type", b"application/json"), (b"idempotency-key", b"k1"), body=b'{"a":1}'
    )
    assert (answered.status, answered.body) == (200, b"/api/loans")
    (request,) = city.received
    verifier = department(floor.keyring, clock)
    reader = await verifier.verify(request.method, request.target, request.lines, request.body)
    assert reader.subject_type == "person"
    assert reader.openid not in {str(citizen.subject_id), citizen.subject}
    assert (reader.zone, reader.channel, reader.assurance) == ("190000", "citizen-app", "ial2.aal1")
    assert request.headers["ssb-deadline-ms"] == "5000"
    with pytest.raises(Refused, match="replayed"):
        await verifier.verify(request.method, request.target, request.lines, request.body)


async def test_call_is_noted_as_a_use(city: Harness, citizen: Principal) -> None:
    await city.call("GET", "/loans", BEARER)
    await city.call("GET", "/books")
    await city.call("GET", "/nothing/here", BEARER)
    assert city.used == [(citizen.subject_id, LIBRARY)]


async def test_call_of_a_visitor_carries_no_assertion(city: Harness, floor: Floor, clock: ManualClock) -> None:
    assert (await city.call("GET", "/books")).status == 200
    (request,) = city.received
    assert "ssb-assertion" not in request.headers
    verifier = department(floor.keyring, clock)
    assert await verifier.verify_caller(request.method, request.target, request.lines, request.body) is None


async def test_call_gives_only_what_was_allowed(
    city: Harness, citizen: Principal, consents: KnownConsents, floor: Floor, clock: ManualClock
) -> None:
    consents.given["contact"] = consent_to("phone_tail")
    assert (await city.call("GET", "/profile", BEARER)).status == 200
    request = city.received[0]
    reader = await department(floor.keyring, clock).verify(request.method, request.target, request.lines)
    assert dict(reader.fields) == {"display_name": "测试*", "phone_tail": "0001"}
    assert reader.scopes == {"reader", "contact"}
    assert consents.asked == [{"contact", "hobby"}]


SPOOFED = [
    (b"ssb-assertion", b"forged"),
    (b"ssb-app", b"cn.example.other"),
    (b"ssb-zone", b"999999"),
    (b"ssb-subject", b"forged"),
    (b"ssb.assertion", b"forged"),
    (b"ssb-elder", b"forged"),
    (b"x-user-id", b"forged"),
    (b"x-user-name", b"forged"),
    (b"x.user.id", b"forged"),
    (b"x-forwarded-for", b"forged"),
    (b"x-forwarded-host", b"forged"),
    (b"x-forwarded-user", b"forged"),
    (b"forwarded", b"for=forged"),
    (b"x-real-ip", b"forged"),
    (b"x-request-id", b"forged"),
    (b"traceparent", b"forged"),
    (b"tracestate", b"forged"),
    (b"baggage", b"forged"),
    (b"signature", b"forged"),
    (b"signature-input", b"forged"),
    (b"content-digest", b"forged"),
    (b"cookie", b"session=forged"),
    (b"proxy-authorization", b"forged"),
    (b"x-http-method-override", b"DELETE"),
    (b"x-original-url", b"/admin"),
    (b"x-rewrite-url", b"/admin"),
    (b"te", b"trailers"),
    (b"trailer", b"ssb-forged"),
    (b"upgrade", b"websocket"),
    (b"keep-alive", b"forged"),
    (b"expect", b"100-continue"),
    (b"via", b"forged"),
    (b"user-agent", b"forged"),
    (b"referer", b"forged"),
    (b"origin", b"forged"),
    (b"dpop", b"forged"),
    (b"x-anything", b"forged"),
]


@pytest.mark.parametrize("spoofed", SPOOFED, ids=[name.decode() for name, _ in SPOOFED])
@pytest.mark.parametrize("how", ["once", "twice", "named in connection"])
async def test_spoofed_header_never_reaches_the_department(
    city: Harness, callers: KnownCallers, spoofed: tuple[bytes, bytes], how: str, floor: Floor
) -> None:
    callers.sign_in()
    name, value = spoofed
    lines = [spoofed] * 2 if how == "twice" else [spoofed]
    if how == "named in connection":
        lines.append((b"connection", b"close, " + name))
    assert (await city.call("GET", "/loans", BEARER, *lines)).status == 200
    (request,) = city.received
    assert value.decode() not in request.raw.decode()
    assert [line.lower() for line, _ in request.lines].count(name.decode()) <= 1
    assert isinstance(floor.clock, ManualClock)
    await department(floor.keyring, floor.clock).verify(request.method, request.target, request.lines)


@pytest.mark.parametrize("name", [b"ssb_assertion", b"x_user_id", b"SSB-Assertion", b"Ssb-App", b"x-user\xff"])
async def test_spoofed_header_in_another_spelling_is_refused(city: Harness, citizen: Principal, name: bytes) -> None:
    assert (await city.call("GET", "/loans", BEARER, (name, b"forged"))).status == 400
    assert city.received == []


async def test_department_sees_neither_token_nor_our_ids(city: Harness, citizen: Principal) -> None:
    await city.call("GET", "/loans", BEARER)
    raw = city.received[0].raw
    assert b"authorization" not in raw.lower()
    assert b"good" not in raw
    assert str(citizen.subject_id).encode() not in raw


async def test_department_gets_no_header_beyond_the_list(city: Harness, citizen: Principal) -> None:
    await city.call("GET", "/loans", BEARER, (b"accept", b"*/*"), (b"if-none-match", b'"1"'))
    assert set(city.received[0].headers) == {
        "host",
        "accept",
        "if-none-match",
        "x-request-id",
        "traceparent",
        "ssb-app",
        "ssb-zone",
        "ssb-channel",
        "ssb-deadline-ms",
        "ssb-assertion",
        "content-digest",
        "signature-input",
        "signature",
    }


async def test_header_named_in_connection_stays_behind(city: Harness, citizen: Principal) -> None:
    await city.call("GET", "/loans", BEARER, (b"if-none-match", b"1"), (b"connection", b"If-None-Match"))
    assert "if-none-match" not in city.received[0].headers


async def test_two_calls_cannot_be_tied_together_by_trace(city: Harness, citizen: Principal) -> None:
    for _ in range(2):
        await city.call("GET", "/loans", BEARER)
    traces = [request.headers["traceparent"].split("-")[1] for request in city.received]
    assert traces[0] != traces[1]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/books/%E4%B8%AD%e6", b""),
        ("/books/a:b@c!$&'()*+,=~", b"a=%20&b=c+d&&=?/:@[]|{}^`\\"),
        ("/books/%20%25%2B", b"%61=%41"),
        ("/books/..a", b"x"),
    ],
)
async def test_target_arrives_byte_for_byte(city: Harness, path: str, query: bytes) -> None:
    await city.call("GET", path, query=query)
    expected = "/api" + path + ("?" + query.decode() if query else "")
    # A path that is no UTF-8 is refused at the edge; everything that arrives is exactly what was sent.
    assert [request.target for request in city.received] == ([] if path.endswith("%e6") else [expected])


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/apps/cn.example.nobody/x", 404, "service-unknown"),
        ("GET", "/apps/", 404, "service-unknown"),
        ("GET", f"/apps/{LIBRARY}", 404, "service-unknown"),
        ("GET", "/a/b/c/d", 404, "service-path-unknown"),
        ("GET", "/.ssb/cards", 404, "service-path-unknown"),
        ("POST", "/.ssb/cards", 404, "service-path-unknown"),
        ("GET", "/", 404, "service-path-unknown"),
        ("DELETE", "/books", 405, "method-refused"),
        ("OPTIONS", "/books", 405, "method-refused"),
        ("TRACE", "/books", 405, "method-refused"),
        ("GET", "/loans", 401, "unauthenticated"),
        ("GET", "/stream", 401, "unauthenticated"),
        ("GET", "/books/../loans", 400, "ambiguous-path"),
        ("GET", "/books/%2e%2e/loans", 400, "ambiguous-path"),
    ],
)
async def test_call_is_refused(city: Harness, method: str, path: str, status: int, slug: str) -> None:
    answered = await city.call(method, path)
    assert (answered.status, answered.slug) == (status, slug)
    assert city.received == []


@pytest.mark.parametrize(
    "authorization",
    [b"Bearer bad", b"Bearer ", b"Bearer", b"Basic Z29vZA==", b"good", b"bearer  good", b"Bearer good good", b"\xff"],
)
async def test_call_with_a_bad_token_is_refused(city: Harness, citizen: Principal, authorization: bytes) -> None:
    answered = await city.call("GET", "/loans", (b"authorization", authorization))
    assert (answered.status, answered.headers[b"ssb-error-origin"]) == (401, b"gateway")
    assert city.received == []


async def test_a_bad_token_is_refused_even_where_nobody_needs_one(city: Harness) -> None:
    assert (await city.call("GET", "/books", (b"authorization", b"Bearer bad"))).status == 401


@pytest.mark.parametrize("header", [(b"cookie", b"access_token=good"), (b"x-access-token", b"good")])
async def test_a_token_elsewhere_is_not_seen(city: Harness, citizen: Principal, header: tuple[bytes, bytes]) -> None:
    assert (await city.call("GET", "/loans", header)).status == 401
    assert (await city.call("GET", "/loans", query=b"access_token=good")).status == 401


@pytest.mark.parametrize(
    ("changes", "target", "slug"),
    [
        ({"ial": 1}, "GET /loans/overdue", "identity-level-too-low"),
        ({}, "PUT /loans/1/renewal", "step-up-required"),
        ({"subject_type": "official"}, "GET /loans", "wrong-subject"),
        ({}, "GET /profile", "basis-missing"),
    ],
)
async def test_call_is_forbidden(
    city: Harness, callers: KnownCallers, changes: dict[str, Any], target: str, slug: str
) -> None:
    callers.sign_in(**changes)
    method, _, path = target.partition(" ")
    answered = await city.call(method, path, BEARER)
    assert (answered.status, answered.slug) == (403, slug)
    assert city.received == []


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("127.0.0.1:8000", f"/apps/{LIBRARY}/books", 421),
        ("localhost:8000", f"/apps/{LIBRARY}/books", 421),
        ("apps.localhost", f"/apps/{LIBRARY}/books", 421),
        ("apps.localhost.:8000", f"/apps/{LIBRARY}/books", 421),
        ("apps.localhost:8001", f"/apps/{LIBRARY}/books", 421),
        ("evil.apps.localhost:8000", f"/apps/{LIBRARY}/books", 404),
        ("library.apps.localhost:8000", "/", 404),
        ("127.0.0.1:8000", "/v1/home", 200),
        ("127.0.0.1:8000", "/apps", 200),
        ("APPS.LOCALHOST:8000", f"/apps/{LIBRARY}/books", 200),
        ("APPS.localhost:8000", "/v1/home", 421),
    ],
)
async def test_each_host_answers_only_what_is_its_own(city: Harness, host: str, path: str, status: int) -> None:
    answered = await city.call("GET", path, host=host)
    assert answered.status == status
    assert (b"x-from" in answered.headers) == (status == 200 and "apps" not in host.lower())


async def test_suspended_service_says_why_and_what_else(city: Harness, citizen: Principal) -> None:
    await city.publish(published("http://127.0.0.1:1", row=SUSPENSION))
    answered = await city.call("GET", "/loans", BEARER)
    problem = msgspec.json.decode(answered.body)
    assert (answered.status, answered.slug) == (503, "service-suspended")
    assert (problem["reason"], problem["fallback"]) == ("系统升级", "请到大厅")


async def test_withdrawn_service_is_gone_at_once(city: Harness) -> None:
    assert (await city.call("GET", "/books")).status == 200
    await city.publish()
    assert (await city.call("GET", "/books")).slug == "service-unknown"


async def test_body_over_the_limit_is_refused(city: Harness, citizen: Principal) -> None:
    assert (await city.call("POST", "/small", BEARER, body=b"1234567890")).status == 200
    answered = await city.call("POST", "/small", BEARER, body=b"12345678901")
    assert (answered.status, answered.slug) == (413, "body-too-large")
    assert len(city.received) == 1


async def test_header_that_is_not_ascii_is_refused(city: Harness, citizen: Principal) -> None:
    answered = await city.call("POST", "/loans", BEARER, (b"idempotency-key", "键".encode()))
    assert (answered.status, answered.slug) == (400, "bad-header")


async def test_rate_of_a_route_is_held_for_each_person(city: Harness, callers: KnownCallers) -> None:
    callers.sign_in()
    callers.sign_in("other")
    statuses = [(await city.call("GET", "/rare", BEARER)).status for _ in range(2)]
    assert statuses == [200, 429]
    assert (await city.call("GET", "/rare", (b"authorization", b"Bearer other"))).status == 200
    limited = await city.call("GET", "/rare", BEARER)
    assert 1 <= int(limited.headers[b"retry-after"]) <= 60


async def test_one_person_shares_one_bucket_over_all_apps(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    callers.sign_in()
    two = Limit(requests=1, per_seconds=60, burst=2)
    async with gateway(floor, callers, consents, citizens, per_person=two) as city:
        url = city.apps[0].manifest.backend
        assert url is not None
        await city.publish(*city.apps, published(url.base_url.live, app_id="cn.example.other"))
        assert (await city.call("GET", "/loans", BEARER)).status == 200
        assert (await city.call("GET", "/apps/cn.example.other/loans", BEARER)).status == 200
        assert (await city.call("GET", "/loans", BEARER)).status == 429


async def test_answer_comes_back_without_what_departments_may_not_say(city: Harness, citizen: Principal) -> None:
    dropped = [
        "Set-Cookie: a=b",
        "Clear-Site-Data: *",
        "Service-Worker-Allowed: /",
        "Access-Control-Allow-Origin: *",
        "Strict-Transport-Security: max-age=1",
        "Alt-Svc: h3",
        "SSB-Error-Origin: gateway",
        "SSB-Anything: x",
        "X-Request-Id: forged",
        "Server-Timing: forged",
        "Server: nginx",
        "X-Powered-By: x",
        "Location: https://evil.example",
        "Refresh: 0; url=https://evil.example",
        "Link: <x>; rel=preload",
        "Content-Security-Policy: default-src *",
        "WWW-Authenticate: Basic",
        "Keep-Alive: timeout=1",
        "Cache-Control: public, max-age=99999",
    ]
    kept = ["Content-Type: text/html", 'ETag: "1"', "Vary: Accept"]
    city.answer = lambda _request: plain_answer(b"<b>hi</b>", headers="\r\n".join([*dropped, *kept]) + "\r\n")
    answered = await city.call("GET", "/loans", BEARER)
    assert answered.body == b"<b>hi</b>"
    assert {name for name, _ in answered.lines} == {
        b"content-type",
        b"etag",
        b"vary",
        b"cache-control",
        b"content-length",
        b"x-request-id",
        b"server-timing",
        b"x-content-type-options",
        b"content-security-policy",
        b"referrer-policy",
    }
    assert answered.headers[b"cache-control"] == b"no-store"
    assert b"forged" not in b"".join(value for _, value in answered.lines)
    assert answered.headers[b"server-timing"].startswith(b"gateway;dur=")


async def test_errors_say_whose_they_are(city: Harness) -> None:
    city.answer = lambda _request: plain_answer(b"oops", status="500 Internal Server Error")
    theirs = await city.call("GET", "/books")
    assert (theirs.status, theirs.body, theirs.headers[b"ssb-error-origin"]) == (500, b"oops", b"department")
    ours = await city.call("GET", "/nothing/here")
    assert (ours.status, ours.headers[b"ssb-error-origin"]) == (404, b"gateway")


async def test_redirects_are_passed_back_without_their_target(city: Harness) -> None:
    city.answer = lambda _request: plain_answer(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")
    answered = await city.call("GET", "/books")
    assert (answered.status, b"location" in answered.headers) == (302, False)
    assert len(city.received) == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_content_have_none(city: Harness, status: str) -> None:
    city.answer = lambda _request: f"HTTP/1.1 {status}\r\n\r\n".encode()
    answered = await city.call("GET", "/books")
    assert (answered.body, b"content-length" in answered.headers) == (b"", False)


async def test_head_has_no_body(city: Harness) -> None:
    city.answer = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    answered = await city.call("HEAD", "/books")
    assert (answered.status, answered.body) == (200, b"")


@pytest.mark.parametrize(
    ("answer", "status", "slug"),
    [
        (b"garbage\r\n\r\n", 502, "department-misbehaved"),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 502, "department-misbehaved"),
    ],
)
async def test_a_broken_answer_is_a_named_problem(city: Harness, answer: bytes, status: int, slug: str) -> None:
    city.answer = lambda _request: answer
    answered = await city.call("GET", "/books")
    assert (answered.status, answered.slug) == (status, slug)
    assert msgspec.json.decode(answered.body)["fallback"] == "请到图书馆；拨打 12345"


async def test_a_slow_department_is_cut_at_its_deadline(city: Harness, citizen: Principal) -> None:
    async def slow(_request: Received) -> bytes:
        await asyncio.sleep(5)
        return b""

    city.answer = slow
    answered = await city.call("GET", "/slow", BEARER)
    assert (answered.status, answered.slug) == (504, "department-timed-out")
    assert city.received[0].headers["ssb-deadline-ms"] == "100"


async def test_a_dead_department_is_rested_and_comes_back(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    breaker = BreakerSettings(failures=3, rest_seconds=0.2)
    async with gateway(floor, callers, consents, citizens, breaker=breaker) as city:
        city.answer = lambda _request: plain_answer(b"", status="503 Service Unavailable")
        statuses = [(await city.call("GET", "/books")) for _ in range(5)]
        assert [answered.headers[b"ssb-error-origin"] for answered in statuses] == [b"department"] * 3 + [
            b"gateway"
        ] * 2
        assert statuses[4].slug == "department-busy"
        assert statuses[4].headers[b"retry-after"] == b"1"
        assert len(city.received) == 3
        city.answer = lambda _request: plain_answer(b"ok")
        await asyncio.sleep(0.25)
        assert [(await city.call("GET", "/books")).status for _ in range(3)] == [200] * 3


async def test_a_department_takes_no_more_than_its_places(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens, places_per_department=2) as city:
        gate, full = asyncio.Event(), asyncio.Event()

        async def waiting(_request: Received) -> bytes:
            if len(city.received) == 2:
                full.set()
            await gate.wait()
            return plain_answer(b"ok")

        city.answer = waiting
        calls = [asyncio.create_task(city.call("GET", "/books")) for _ in range(2)]
        await full.wait()
        assert (await city.call("GET", "/books")).slug == "department-busy"
        gate.set()
        assert [(await call).status for call in calls] == [200, 200]
        assert (await city.call("GET", "/books")).status == 200


async def test_an_unexpected_fault_is_a_problem_without_its_text(
    city: Harness, citizen: Principal, consents: KnownConsents, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: Any) -> dict[str, Any]:
        raise RuntimeError("somebody's secret")

    monkeypatch.setattr(consents, "find_consents", broken)
    answered = await city.call("GET", "/profile", BEARER)
    assert (answered.status, answered.slug) == (500, "internal-error")
    assert b"secret" not in answered.body


async def test_an_absent_database_is_a_polite_503(
    city: Harness, citizen: Principal, consents: KnownConsents, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: Any) -> dict[str, Any]:
        raise OSError

    monkeypatch.setattr(consents, "find_consents", away)
    answered = await city.call("GET", "/profile", BEARER)
    assert (answered.status, answered.headers[b"retry-after"]) == (503, b"2")
    assert (await city.call("GET", "/loans", BEARER)).status == 200


async def test_a_worker_that_has_read_nothing_yet_says_so_and_recovers(
    city: Harness, citizen: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry: list[Any] = [OSError(), city.apps]

    async def list_published() -> list[PublishedApp]:
        answer = registry.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    monkeypatch.setattr(city.table, "_list_exposed", list_published)
    monkeypatch.setattr(city.table, "loaded", False)
    monkeypatch.setattr(city.table, "snapshot", RouteSnapshot())
    answered = await city.call("GET", "/loans", BEARER)
    assert (
        answered.status,
        answered.slug,
        answered.headers[b"retry-after"],
        answered.headers[b"ssb-error-origin"],
    ) == (
        503,
        "temporarily-unavailable",
        b"2",
        b"gateway",
    )
    assert (await city.call("GET", "/loans", BEARER)).status == 200


def decoded(row: bytes) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(row)
    return read


async def test_the_case_in_a_path_is_in_the_assertion(
    city: Harness, citizen: Principal, floor: Floor, clock: ManualClock
) -> None:
    await city.call("GET", "/cases/%E5%8A%9E-7/papers", BEARER)
    await city.call("GET", "/loans", BEARER)
    verifier = department(floor.keyring, clock)
    callers = [await verifier.verify(each.method, each.target, each.lines) for each in city.received]
    assert [caller.case_id for caller in callers] == ["办-7", None]
    endless = await city.call("GET", f"/cases/{'7' * 129}/papers", BEARER)
    assert (endless.status, endless.slug) == (404, "service-path-unknown")


async def test_each_call_leaves_one_row_without_anything_personal(
    city: Harness, citizen: Principal, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    city.answer = lambda _request: plain_answer(b"12345")
    answered = await city.call("GET", "/loans/7-secret", BEARER, query=b"name=secret")
    await city.call("GET", "/loans/7-secret")
    await asyncio.sleep(0)  # rows go out at the end of the loop's turn
    allowed, refused = capfdbinary.readouterr().out.splitlines()
    row = msgspec.json.decode(allowed)
    assert row.pop("department_ms") <= row.pop("total_ms")
    assert row == {
        "timestamp": "2026-03-02T12:00:00Z",
        "level": "info",
        "event": "gateway.call",
        "request_id": answered.headers[b"x-request-id"].decode(),
        "app_id": LIBRARY,
        "method": "GET",
        "route": "/loans/{loan_id}",
        "status": 200,
        "decision": "allowed",
        "origin": "department",
        "bytes": 5,
        "whole": True,
    }
    assert {"status": 401, "decision": "unauthenticated", "origin": "gateway"}.items() <= decoded(refused).items()
    assert b"secret" not in allowed + refused
    assert str(citizen.subject_id).encode() not in allowed


@pytest.mark.parametrize("length", [b"0", b"00"])
async def test_a_body_of_no_length_is_not_waited_for(city: Harness, citizen: Principal, length: bytes) -> None:
    async with asyncio.timeout(1):
        answered = await city.call("POST", "/loans", BEARER, (b"content-length", length), silent=True)
    assert answered.status == 200
