"""The upstream client against servers that misbehave byte by byte."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import errors
from gateway.exchange import Answer
from gateway.network import NetworkPolicy
from gateway.upstream import Upstream
from tests.gateway.servers import plain_answer, read_request, serving, serving_in_a_thread

SECRET = plain_answer(b"SECRET OF SOMEONE ELSE")


@contextlib.asynccontextmanager
async def upstream_to(*ports: int) -> AsyncIterator[Upstream]:
    policy = NetworkPolicy(allowed=frozenset(f"127.0.0.1:{port}" for port in ports))
    upstream = Upstream(policy)
    try:
        yield upstream
    finally:
        await upstream.close()


async def get(upstream: Upstream, port: int, path: str = "/", **changes: object) -> Answer:
    facts: dict[str, object] = {"headers": {}, "body": b"", "timeout_seconds": 2.0}
    method = str(changes.pop("method", "GET"))
    return await upstream.call(method, f"http://127.0.0.1:{port}{path}", **(facts | changes))  # type: ignore[arg-type]  # a test's shorthand


def target_of(request: bytes) -> bytes:
    return request.split(b" ", 2)[1]


async def test_streams_leave_connections_to_calls() -> None:
    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n")
        await asyncio.Future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            writer.write(plain_answer(target_of(request)))

    async with serving(stream) as events, serving(talk) as port:
        policy = NetworkPolicy(allowed=frozenset({f"127.0.0.1:{events}", f"127.0.0.1:{port}"}))
        upstream = Upstream(policy, most_connections=2)
        url = f"http://127.0.0.1:{events}/events"
        answers = [await upstream.open("GET", url, headers={}, upload=None, silence_seconds=2) for _ in range(2)]
        try:
            assert (await get(upstream, port, "/mine", timeout_seconds=0.5)).body == b"/mine"
        finally:
            for answer in answers:
                answer.close()
            await upstream.close()


@pytest.mark.parametrize("pause", [0.0, 0.01])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_call_never_gets_bytes_sent_after_anothers_body(method: str, pause: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            answer = plain_answer(target_of(request))
            if pause == 0:
                writer.write(answer + SECRET)
                continue
            writer.write(answer)
            await writer.drain()
            await asyncio.sleep(pause)
            writer.write(SECRET)

    async with serving(talk) as port, upstream_to(port) as upstream:
        for number in range(10):
            assert (await get(upstream, port, f"/{number}", method=method)).body == b"/%d" % number
            await asyncio.sleep(pause * 1.5)


async def test_call_never_gets_the_body_that_someone_sent_to_a_head() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            writer.write(SECRET if request.startswith(b"HEAD") else plain_answer(target_of(request)))

    async with serving(talk) as port, upstream_to(port) as upstream:
        for number in range(10):
            with contextlib.suppress(errors.DepartmentMisbehaved):
                assert (await get(upstream, port, method="HEAD")).body == b""
            assert (await get(upstream, port, f"/{number}")).body == b"/%d" % number


@pytest.mark.parametrize("garbage", [SECRET, b"x", b"HTTP/1.1 200 OK\r\nContent-Le", b"\r\n"])
async def test_call_never_gets_bytes_that_came_while_idle(garbage: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            writer.write(plain_answer(target_of(request)))
            await asyncio.sleep(0.02)
            writer.write(garbage)

    async with serving(talk) as port, upstream_to(port) as upstream:
        for number in range(5):
            assert (await get(upstream, port, f"/{number}")).body == b"/%d" % number
            await asyncio.sleep(0.05)


async def test_call_never_gets_bytes_that_wait_unread_in_the_socket() -> None:
    """The event loop stands still while they arrive, so no parser has seen them when the connection is reused."""
    answered, arrived = threading.Semaphore(0), threading.Semaphore(0)

    def talk(connection: socket.socket) -> None:
        while request := connection.recv(65536):
            connection.sendall(plain_answer(target_of(request)))
            answered.acquire(timeout=5)
            connection.sendall(SECRET)
            arrived.release()

    with serving_in_a_thread(talk) as port:
        async with upstream_to(port) as upstream:
            for number in range(5):
                assert (await get(upstream, port, f"/{number}")).body == b"/%d" % number
                answered.release()
                assert arrived.acquire(timeout=5)  # the loop is meant to stand still


async def test_call_reuses_a_silent_connection() -> None:
    connections: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        while await read_request(reader):
            writer.write(plain_answer(b"ok"))

    async with serving(talk) as port, upstream_to(port) as upstream:
        for _ in range(10):
            assert (await get(upstream, port)).body == b"ok"
    assert len(connections) == 1


async def test_call_survives_connections_that_the_department_closed() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(plain_answer(b"ok"))

    async with serving(talk) as port, upstream_to(port) as upstream:
        for _ in range(10):
            assert (await get(upstream, port, method="POST", body=b"x")).body == b"ok"
            await asyncio.sleep(0.005)


async def test_call_hands_each_of_many_at_once_its_own_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            await asyncio.sleep(0.001)
            writer.write(plain_answer(target_of(request)) + (SECRET if hash(request) % 3 == 0 else b""))

    async with serving(talk) as port, upstream_to(port) as upstream:
        calls = (get(upstream, port, f"/{number}", timeout_seconds=60) for number in range(200))
        answers = await asyncio.gather(*calls)
    assert [answer.body for answer in answers] == [b"/%d" % number for number in range(200)]


async def test_call_does_not_follow_redirects_or_keep_cookies() -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            requests.append(request)
            writer.write(plain_answer(b"", status="302 Found", headers="Location: /b\r\nSet-Cookie: a=b\r\n"))

    async with serving(talk) as port, upstream_to(port) as upstream:
        assert [(await get(upstream, port, "/a")).status for _ in range(2)] == [302, 302]
    assert [target_of(request) for request in requests] == [b"/a", b"/a"]
    assert not any(b"cookie" in request.lower() for request in requests)


async def test_call_sends_no_header_of_its_own_but_framing() -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            requests.append(request)
            writer.write(plain_answer(b""))

    async with serving(talk) as port, upstream_to(port) as upstream:
        await get(upstream, port, headers={"x-request-id": "1"})
    lines = requests[0].split(b"\r\n")[1:-2]
    assert sorted(line.split(b":")[0].lower() for line in lines) == [b"host", b"x-request-id"]


PATHS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='#?"<>%'), max_size=40)


async def test_call_sends_the_target_byte_for_byte() -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            requests.append(request)
            writer.write(plain_answer(b""))

    cases: list[str] = ["/%E4%b8%AD?q=%e4&b=a+b%20c&&=?", "/a'(b)*,=!$&:@~", "/?[]|{}^`\\;", "/a%41%7e"]

    @settings(max_examples=200, suppress_health_check=list(HealthCheck), database=None)
    @given(PATHS, PATHS, st.booleans())
    def collect(path: str, query: str, has_query: bool) -> None:
        cases.append("/" + path + ("?" + query if has_query and query else ""))

    collect()
    async with serving(talk) as port, upstream_to(port) as upstream:
        for target in cases:
            await get(upstream, port, target)
    assert [target_of(request).decode() for request in requests] == cases


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 500 + b"\r\n",
        plain_answer(b"a" * 2000),
    ],
)
async def test_call_refuses_a_broken_answer(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    async with serving(talk) as port, upstream_to(port) as upstream:
        with pytest.raises(errors.DepartmentMisbehaved if answer else errors.DepartmentHungUp):
            await get(upstream, port, largest_answer=1000)


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na"])
async def test_call_times_out_at_every_stage(drip: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(drip)
        await asyncio.sleep(30)

    async with serving(talk) as port, upstream_to(port) as upstream:
        started = time.monotonic()
        with pytest.raises(errors.DepartmentTimedOut):
            await get(upstream, port, timeout_seconds=0.1)
        assert time.monotonic() - started < 1


async def test_call_times_out_on_an_answer_that_never_ends() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\na\r\n")
            await asyncio.sleep(0.01)

    async with serving(talk) as port, upstream_to(port) as upstream:
        with pytest.raises(errors.DepartmentTimedOut):
            await get(upstream, port, timeout_seconds=0.1)


async def test_call_to_nobody_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with upstream_to(port) as upstream:
        with pytest.raises(errors.DepartmentUnreachable):
            await get(upstream, port)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]"]
)
async def test_call_refuses_places_that_no_policy_names(host: str) -> None:
    reached = threading.Event()

    def talk(_connection: socket.socket) -> None:
        reached.set()

    with serving_in_a_thread(talk) as port:
        async with upstream_to() as upstream:
            for scheme in ("http", "https"):
                with pytest.raises(errors.DepartmentUnreachable):
                    await upstream.call("GET", f"{scheme}://{host}:{port}/", headers={}, body=b"", timeout_seconds=1.0)
    assert not reached.is_set()


async def test_call_passes_over_interim_answers() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            writer.write(hints + plain_answer(target_of(request)))

    async with serving(talk) as port, upstream_to(port) as upstream:
        for number in range(3):
            answer = await get(upstream, port, f"/{number}")
            assert (answer.status, answer.body) == (200, b"/%d" % number)


async def test_a_connection_whose_request_was_not_read_to_its_end_is_not_used_again() -> None:
    """What was not taken of one citizen's body must not be read as the head of the next one's request."""
    connections: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        connections.append(head)
        writer.write(plain_answer(b"enough", status="413 Content Too Large"))
        await asyncio.sleep(30)

    async with serving(talk) as port, upstream_to(port) as upstream:
        for _ in range(3):
            answer = await get(upstream, port, method="POST", body=b"x" * 16 * 1024 * 1024)
            assert (answer.status, answer.body) == (413, b"enough")
    assert len(connections) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"a": "b\r\nssb-app: forged"},
        {"a": "b\nc"},
        {"a\r\nb": "c"},
        {"a": "b\0"},
        {"a": "\r"},
        {"a": "b\r\n\r\nGET / "},
    ],
)
async def test_call_refuses_to_write_a_line_that_nobody_meant(headers: dict[str, str]) -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            requests.append(request)
            writer.write(plain_answer(b""))

    async with serving(talk) as port, upstream_to(port) as upstream:
        with pytest.raises(errors.DepartmentMisbehaved):
            await get(upstream, port, headers=headers)
        with pytest.raises(errors.DepartmentMisbehaved):
            await get(upstream, port, "/a HTTP/1.1")
    assert requests == []


@pytest.mark.parametrize(("asked", "sent"), [("", b"/"), ("?q=1", b"/?q=1"), ("#part", b"/"), ("/a?b#c", b"/a?b")])
async def test_call_sends_a_whole_target_and_no_fragment(asked: str, sent: bytes) -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            requests.append(request)
            writer.write(plain_answer(b""))

    async with serving(talk) as port, upstream_to(port) as upstream:
        await get(upstream, port, asked)
    assert [target_of(request) for request in requests] == [sent]


@pytest.mark.parametrize("end", ["", "/", "?a=b", "#a"])
async def test_call_judges_the_whole_address_whatever_follows_it(end: str) -> None:
    reached = threading.Event()

    def talk(_connection: socket.socket) -> None:
        reached.set()

    with serving_in_a_thread(talk) as port:
        async with upstream_to(port // 10) as upstream:
            with pytest.raises(errors.DepartmentUnreachable):
                await get(upstream, port, end, timeout_seconds=1.0)
    assert not reached.is_set()


@pytest.mark.parametrize("asked_before", [0, 1])
async def test_a_flood_of_interim_answers_ends_the_connection_and_stops_nobody(asked_before: int) -> None:
    hints = {b"/few": 8, b"/many": 9, b"/flood": 5000}
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while request := await read_request(reader):
                writer.write(hint * hints.get(target_of(request), 0) + plain_answer(b"ok"))
                await writer.drain()

    async with serving(talk) as port, upstream_to(port) as upstream:
        for path in ("/few", "/many", "/flood", "/few"):
            for _ in range(asked_before):
                assert (await get(upstream, port, "/plain")).body == b"ok"
            if path == "/few":
                assert (await get(upstream, port, path)).body == b"ok"
                continue
            spent = time.process_time()
            with pytest.raises(errors.DepartmentMisbehaved):
                await get(upstream, port, path)
            assert time.process_time() - spent < 0.05, "most of it is thrown away unread"
