"""The edge guard on raw scopes: what is refused and how, and that what passes is untouched."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import SuishenError
from gateway import edge, errors
from gateway.edge import EdgeGuard

HOST = (b"host", b"apps.localhost:8000")


def inspect(
    method: str = "GET", path: bytes = b"/", query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None
) -> SuishenError | None:
    return edge.inspect(method, path, query, [HOST] if headers is None else headers)


async def call(guard: EdgeGuard, scope: dict[str, Any], *parts: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


def a_scope(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "raw_path": b"/",
        "path": "/",
        "query_string": b"",
        "headers": [HOST],
    }
    return facts | changes


async def unreachable(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("the guard let it in")


async def reads_its_body(_scope: Any, receive: Any, send: Any) -> None:
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"broken"})
            return
        size += len(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"*",
        b"a",
        b"http://evil.example/",
        b"//",
        b"//evil.example/a",
        b"/a//b",
        b"/a//",
        b"/.",
        b"/..",
        b"/a/.",
        b"/a/./b",
        b"/a/..",
        b"/a/../b",
        b"/a/..;/b",
        b"/a;b",
        b"/a;jsessionid=1/b",
        b"/%2e",
        b"/a/%2e%2e/b",
        b"/a/%2E./b",
        b"/a/.%2e/b",
        b"/a%2fb",
        b"/a%2Fb",
        b"/a%5cb",
        b"/a%5Cb",
        b"/a\\b",
        b"/a%00",
        b"/a%0d%0aSet-Cookie:%20x",
        b"/a%0A",
        b"/a%1f",
        b"/a%7f",
        b"/a%",
        b"/a%2",
        b"/a%zz",
        b"/a%u0041",
        b"/a%252e%252e/b",
        b"/a%252f",
        b"/a%c0%ae%c0%ae/b",
        b"/%61dmin",
        b"/a%41",
        b"/a%7A",
        b"/a%30",
        b"/a%2D",
        b"/a%5f",
        b"/a%7e",
        b"/a%ff",
        b"/a%ed%a0%80",
        b"/\xe4\xb8\xad",
        b"/a b",
        b"/a\tb",
        b"/a\x00b",
        b"/a\r\nb",
        b"/a\x7f",
        b"/a?b",
        b"/a#b",
        b'/a"b',
        b"/a<b>",
        b"/a^b",
        b"/a`b",
        b"/a{b}",
        b"/a|b",
        b"/a[b]",
    ],
)
def test_inspect_refuses_ambiguous_path(path: bytes) -> None:
    assert isinstance(inspect(path=path), errors.AmbiguousPath)


@pytest.mark.parametrize(
    "query",
    [
        b"a=\x00",
        b"a=%00",
        b"a=\r\n",
        b"a b",
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"\xe4\xb8\xad",
        b"a=%ff",
        b'"',
        b"#",
        b"<",
        b">",
    ],
)
def test_inspect_refuses_ambiguous_query(query: bytes) -> None:
    assert isinstance(inspect(query=query), errors.AmbiguousQuery)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "Get", "FOO", "", "PROPFIND", "GET ", "TRACK"])
def test_inspect_refuses_method(method: str) -> None:
    assert isinstance(inspect(method), errors.MethodRefused)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"")],
        [HOST, HOST],
        [HOST, (b"host", b"other")],
        [(b"host", b"user@apps.localhost")],
        [(b"host", b"a b")],
        [(b"host", b"a,b")],
        [(b"host", b"a/b")],
        [(b"host", b"a:port")],
        [(b"host", b"a:123456")],
        [(b"host", b"a..b")],
        [(b"host", b".a")],
        [(b"host", b"a_b")],
        [(b"host", "城.例".encode())],
        [(b"host", b"a%2eb")],
        [(b"host", b"a\x00")],
    ],
)
def test_inspect_refuses_host(headers: list[tuple[bytes, bytes]]) -> None:
    assert isinstance(inspect(headers=headers), errors.MalformedRequest)


@pytest.mark.parametrize(
    "header",
    [
        (b"x_user_id", b"1"),
        (b"ssb_assertion", b"1"),
        (b"", b"1"),
        (b"x user", b"1"),
        (b"x:user", b"1"),
        (b"x\x00", b"1"),
        (b"x\xff", b"1"),
        (b"X-Upper", b"1"),
        (b"x-a", b"1\x00"),
        (b"x-a", b"1\r\nSSB-Subject: evil"),
        (b"x-a", b"1\n2"),
        (b"x-a", b"\x7f"),
        (b"content-length", b"-1"),
        (b"content-length", b"+1"),
        (b"content-length", b"1, 1"),
        (b"content-length", b"0x1"),
        (b"content-length", b""),
        (b"content-length", b"1" * 13),
    ],
)
def test_inspect_refuses_header(header: tuple[bytes, bytes]) -> None:
    assert isinstance(inspect(headers=[HOST, header]), errors.BadHeader)


@pytest.mark.parametrize("name", sorted(edge.SINGLE - {b"host"}))
def test_inspect_refuses_single_valued_header_twice(name: bytes) -> None:
    assert isinstance(inspect(headers=[HOST, (name, b"1"), (name, b"1")]), errors.BadHeader)


def test_inspect_refuses_length_beside_chunks() -> None:
    headers = [HOST, (b"content-length", b"1"), (b"transfer-encoding", b"chunked")]
    assert isinstance(inspect(headers=headers), errors.BadHeader)


@pytest.mark.parametrize("count", [64, 200])
def test_inspect_refuses_too_many_headers(count: int) -> None:
    headers = [HOST, *((b"x-%d" % number, b"1") for number in range(count))]
    assert isinstance(inspect(headers=headers), errors.HeadersTooLarge)


def test_inspect_refuses_too_large_headers() -> None:
    assert isinstance(inspect(headers=[HOST, (b"x", b"a" * 32 * 1024)]), errors.HeadersTooLarge)


def test_inspect_refuses_too_long_address() -> None:
    assert isinstance(inspect(path=b"/" + b"a" * 8192), errors.AddressTooLong)
    assert isinstance(inspect(query=b"a" * 8192), errors.AddressTooLong)


def test_inspect_refuses_announced_large_body() -> None:
    headers = [HOST, (b"content-length", str(edge.LARGEST_BODY + 1).encode())]
    assert isinstance(inspect("POST", headers=headers), errors.BodyTooLarge)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"/", b""),
        (b"/.well-known/ssb-jwks", b""),
        (b"/apps/cn.city.library/v1/books", b"page=2&tag[]=a"),
        (b"/a...b/..c/d../...", b""),
        (b"/%E4%B8%AD%e6%96%87", b"q=%E4%B8%AD"),
        (b"/a%20b%25", b"a=%25&b=%61"),
        (b"/%40%5B%60%7B%3A%2B%5D", b""),
        (b"/a:b@c!$&'()*+,=~", b"a=b?c/d:e@f|{}^`\\;'"),
        (b"/a/", b"&&==?"),
    ],
)
def test_inspect_lets_plain_addresses_in(path: bytes, query: bytes) -> None:
    assert inspect(path=path, query=query) is None


@pytest.mark.parametrize("host", [b"a", b"a.b-c.example:443", b"127.0.0.1:8000", b"[::1]:8000"])
def test_inspect_lets_hosts_in(host: bytes) -> None:
    assert inspect(headers=[(b"host", host)]) is None


@given(st.binary(max_size=60))
def test_what_passes_reads_alike_before_and_after_decoding(path: bytes) -> None:
    """Any path that the guard lets in keeps its segments when a later server decodes it once, or twice."""
    if inspect(path=b"/" + path) is None:
        raw = b"/" + path
        for _ in range(2):
            decoded = edge._ENCODED.sub(lambda found: bytes([int(found[1], 16)]), raw)
            assert decoded.count(b"/") == raw.count(b"/")
            assert not {b".", b".."} & set(decoded.split(b"/")[1:])
            assert not any(octet < 0x20 or octet == 0x7F for octet in decoded)
            raw = decoded


@given(
    st.text(max_size=10), st.binary(max_size=40), st.binary(max_size=40), st.lists(st.tuples(st.binary(), st.binary()))
)
def test_inspect_never_fails(method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    refusal = inspect(method, path, query, headers)
    assert refusal is None or refusal.status in {400, 405, 413, 414, 431}


@pytest.mark.parametrize(
    ("scope", "status", "slug"),
    [
        ({"raw_path": b"/a/../b"}, 400, "ambiguous-path"),
        ({"query_string": b"%00"}, 400, "ambiguous-query"),
        ({"headers": []}, 400, "bad-host"),
        ({"headers": [HOST, (b"x_a", b"1")]}, 400, "bad-header"),
        ({"method": "TRACE"}, 405, "method-refused"),
        ({"headers": [HOST, (b"content-length", b"999999999")]}, 413, "body-too-large"),
        ({"headers": [HOST] * 65}, 431, "headers-too-large"),
    ],
)
async def test_guard_answers_with_a_problem(scope: dict[str, Any], status: int, slug: str) -> None:
    answered, headers, body = await call(EdgeGuard(unreachable), a_scope(**scope))
    problem = msgspec.json.decode(body)
    assert (answered, problem["type"], problem["status"]) == (status, f"/problems/{slug}", status)
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"ssb-error-origin"] == b"gateway"
    assert (b"allow" in headers) == (status == 405)


async def test_guard_answers_in_the_readers_language() -> None:
    scope = a_scope(method="TRACE", headers=[HOST, (b"accept-language", b"en")])
    _, _, body = await call(EdgeGuard(unreachable), scope)
    assert msgspec.json.decode(body)["title"] == "Method not allowed"


async def test_guard_hands_on_the_untouched_scope() -> None:
    seen: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await reads_its_body(scope, receive, send)

    scope = a_scope(raw_path=b"/%E4%B8%AD", query_string=b"a=%2e")
    assert (await call(EdgeGuard(inner), scope))[0] == 200
    assert seen[0] is scope


async def test_guard_passes_lifespan() -> None:
    seen: list[str] = []

    async def inner(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    async def nothing(*_args: Any) -> Any:
        raise AssertionError

    await EdgeGuard(inner)({"type": "lifespan"}, nothing, nothing)
    assert seen == ["lifespan"]


async def test_guard_looks_at_a_websocket_as_at_a_get() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError

    scope = {key: value for key, value in a_scope(raw_path=b"/a//b").items() if key != "method"}
    await EdgeGuard(unreachable)(scope | {"type": "websocket"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 400


async def test_guard_cuts_an_unannounced_large_body() -> None:
    scope = a_scope(method="POST", headers=[HOST, (b"transfer-encoding", b"chunked")])
    guard = EdgeGuard(reads_its_body, largest_body=10)
    status, headers, body = await call(guard, scope, b"12345", b"123456", b"never read")
    assert (status, headers[b"content-type"]) == (413, b"application/problem+json")
    assert b"broken" not in body


@pytest.mark.parametrize(("path", "status"), [(b"/apps/a/films", 200), (b"/v1/films", 413)])
async def test_guard_lets_larger_bodies_through_to_departments_alone(path: bytes, status: int) -> None:
    guard = EdgeGuard(reads_its_body, largest_body=10, largest_upload=20)
    for framing in ((b"transfer-encoding", b"chunked"), (b"content-length", b"15")):
        scope = a_scope(method="POST", raw_path=path, headers=[HOST, framing])
        assert (await call(guard, scope, b"12345", b"1234567890"))[0] == status
    scope = a_scope(method="POST", raw_path=path, headers=[HOST, (b"transfer-encoding", b"chunked")])
    assert (await call(guard, scope, b"1234567890", b"12345678901"))[0] == 413


async def test_guard_lets_an_unannounced_small_body_in() -> None:
    scope = a_scope(method="POST", headers=[HOST, (b"transfer-encoding", b"chunked")])
    status, _, body = await call(EdgeGuard(reads_its_body, largest_body=10), scope, b"12345", b"12345")
    assert (status, body) == (200, b"10")


@pytest.mark.parametrize("answers", [True, False])
async def test_guard_tells_a_body_that_broke_off_from_a_fault(answers: bool) -> None:
    """Granian says of chunks that are none that the caller left, who is still there to read what was wrong."""
    sent: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"12", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        if answers:
            await reads_its_body(scope, receive, send)
        else:
            assert [(await receive())["type"] for _ in range(2)] == ["http.request", "http.disconnect"]

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = a_scope(method="POST", headers=[HOST, (b"transfer-encoding", b"chunked")])
    await EdgeGuard(inner)(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 400
    assert (b"connection", b"close") in sent[0]["headers"]
    assert msgspec.json.decode(sent[1]["body"])["type"] == "/problems/broken-body"


async def slowly(parts: list[bytes], monkeypatch: pytest.MonkeyPatch, path: bytes = b"/v1/verifications") -> int | None:
    """The status of the answer to a body whose parts come, and then nothing more; None when none comes."""
    monkeypatch.setattr(edge, "SILENCE_SECONDS", 0.02)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if parts:
            await asyncio.sleep(0.012)
            return {"type": "http.request", "body": parts.pop(0), "more_body": True}
        await asyncio.Future()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = a_scope(method="POST", raw_path=path, headers=[HOST, (b"content-length", b"100")])
    try:
        async with asyncio.timeout(0.5):
            await EdgeGuard(reads_its_body)(scope, receive, send)
    except TimeoutError:
        return None
    return int(sent[0]["status"])


async def test_guard_waits_no_longer_for_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await slowly([b"1", b"2"], monkeypatch) == 408


async def test_guard_bounds_a_body_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "WHOLE_BODY_SECONDS", 0.1)
    assert await slowly([b"1"] * 99, monkeypatch) == 408


async def test_guard_leaves_the_time_of_an_upload_to_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await slowly([b"1"], monkeypatch, b"/apps/cn.example.library/films") is None


async def test_guard_does_not_hurry_an_application_whose_caller_has_said_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever listens for the caller's leaving may do so for as long as the answer takes."""
    monkeypatch.setattr(edge, "SILENCE_SECONDS", 0.01)
    waiting = [{"type": "http.request", "body": b"1", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def inner(_scope: Any, receive: Any, send: Any) -> None:
        assert [(await receive())["type"] for _ in range(2)] == ["http.request", "http.disconnect"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await EdgeGuard(inner)(a_scope(method="POST", headers=[HOST, (b"content-length", b"1")]), receive, send)
    assert sent[0]["status"] == 200
