"""Hostile bytes on a real socket, through granian's parser and the edge guard: one clean request or a refusal."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

HOST = b"Host: apps.localhost:8000\r\n"
END = b"\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--http", "1", "--port", str(free)]
    server = subprocess.Popen(
        [*command, "--log-level", "error", "tests.gateway.echo:app"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(free)
        yield free
    finally:
        server.terminate()
        server.wait(10)


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("granian did not start")


def talk(port: int, data: bytes) -> list[tuple[int, Any]]:
    """Every answer on the connection: status and decoded body."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(data)
        received = b""
        with contextlib.suppress(TimeoutError):
            while part := connection.recv(65536):
                received += part
                connection.settimeout(0.1)
    return list(_answers(received))


def _answers(received: bytes) -> Iterator[tuple[int, Any]]:
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = int(lines[0].split(b" ")[1])
        fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
        if status == 100:
            received = rest
            continue
        length = int(fields.get(b"content-length", b"0"))
        body, received = rest[:length], rest[length:]
        yield status, msgspec.json.decode(body) if body and b"json" in fields.get(b"content-type", b"") else body


def test_plain_request_arrives_untouched(port: int) -> None:
    ((status, seen),) = talk(port, b"GET /%E4%B8%AD/a:b?q=%20&b HTTP/1.1\r\n" + HOST + END)
    assert status == 200
    assert (seen["raw_path"], seen["query"]) == ("/%E4%B8%AD/a:b", "q=%20&b")


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", {400}),
        (b"GET / HTTP/1.0\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", {400}),
        (b"TRACE / HTTP/1.1\r\n" + HOST + END, {405}),
        (b"get / HTTP/1.1\r\n" + HOST + END, {405}),
        (b"FOO / HTTP/1.1\r\n" + HOST + END, {405}),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET a HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET //evil/ HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a/../b HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a/%2e%2e/b HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a%2fb HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a\\b HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a;b HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a%00 HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a\x00b HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /\xe4\xb8\xad HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /a%zz HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET /?a=%00 HTTP/1.1\r\n" + HOST + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X_User_Id: 1\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A : 1\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b" X-A: 1\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n 2\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\x00b\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\rb\r\n" + END, {400}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 40_000 + b"\r\n" + END, {431}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: 1\r\n" % number for number in range(70)) + END, {431}),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + END, {414}),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999\r\n" + END, {413}),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", {400}),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n" + END, {400}),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400}),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", {200, 400}),
    ],
)
def test_hostile_request_is_refused(port: int, data: bytes, statuses: set[int]) -> None:
    answers = talk(port, data)
    assert [status for status, _ in answers if status not in statuses] == []
    assert all(body == b"" or body["status"] == status for status, body in answers if status != 200)


SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + END


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: identity, chunked\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 0\r\nContent-Length: 40\r\n",
    ],
)
def test_two_framings_are_never_two_requests(port: int, head: bytes) -> None:
    """Whatever the first request is taken for, what follows it is not believed to be another one."""
    answers = talk(port, b"POST /first HTTP/1.1\r\n" + HOST + head + b"\r\n0\r\n\r\n" + SMUGGLED)
    seen = [body["raw_path"] for status, body in answers if status == 200]
    assert "/smuggled" not in seen
    assert len(answers) == 1


@pytest.mark.parametrize(
    "line",
    [b"GET http://evil.example/abs?x=1 HTTP/1.1\r\n", b"GET HTTP://apps.localhost:8000/abs?x=1 HTTP/1.1\r\n"],
)
def test_absolute_form_arrives_as_one_clean_request(port: int, line: bytes) -> None:
    ((status, seen),) = talk(port, line + HOST + END)
    assert (status, seen["raw_path"], seen["query"]) == (200, "/abs", "x=1")
    assert [value for name, value in seen["headers"] if name == "host"] == ["apps.localhost:8000"]


def test_bare_line_feeds_arrive_as_one_clean_request(port: int) -> None:
    ((status, seen),) = talk(port, b"GET /a HTTP/1.1\nHost: a.example\nX-A: 1\n\n")
    assert (status, seen["raw_path"]) == (200, "/a")
    assert seen["headers"] == [["host", "a.example"], ["x-a", "1"]]


def test_trailers_do_not_become_headers(port: int) -> None:
    head = b"POST /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTrailer: SSB-Assertion\r\n\r\n"
    ((status, seen),) = talk(port, head + b"3\r\nabc\r\n0\r\nSSB-Assertion: forged\r\n\r\n")
    assert (status, seen["body"]) == (200, "abc")
    assert "forged" not in str(seen)


def test_fragment_is_no_part_of_the_path(port: int) -> None:
    ((status, seen),) = talk(port, b"GET /a#/../admin HTTP/1.1\r\n" + HOST + END)
    assert (status, seen["raw_path"]) in {(200, "/a"), (400, None)}


def test_connect_is_refused(port: int) -> None:
    assert {status for status, _ in talk(port, b"CONNECT evil:80 HTTP/1.1\r\n" + HOST + END)} <= {405}


def test_chunked_body_over_the_limit_is_refused(port: int) -> None:
    head = b"POST /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    statuses = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(head + chunk * 9)
        statuses.append(connection.recv(65536).split(b" ")[1])
    assert statuses == [b"413"]


def test_pipelined_requests_are_each_judged(port: int) -> None:
    good, bad = b"GET /good HTTP/1.1\r\n" + HOST + END, b"GET /a/../b HTTP/1.1\r\n" + HOST + END
    assert [status for status, _ in talk(port, good + bad + good)] == [200, 400, 200]


@pytest.mark.parametrize(("query", "last"), [(b"", b"4\r\npart\r\n"), (b"?length", b"part")])
def test_an_answer_without_its_end_is_seen_as_broken(port: int, query: bytes, last: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(b"GET /broken" + query + b" HTTP/1.1\r\n" + HOST + END)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.endswith(b"\r\n\r\n" + last)


UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3


@pytest.mark.parametrize(
    ("target", "more", "status", "slug"),
    [
        (b"/ws", b"", 400, "not-a-websocket"),
        (b"/a/../ws", b"", 400, "ambiguous-path"),
        (b"/ws", b"x_y: 1\r\n", 400, "bad-header"),
        (b"/ws", b"Host: other\r\n", 400, "bad-host"),
    ],
)
def test_a_handshake_is_looked_at_like_any_request(
    port: int, target: bytes, more: bytes, status: int, slug: str
) -> None:
    ((answered, problem),) = talk(port, b"GET " + target + b" HTTP/1.1\r\n" + HOST + more + UPGRADE % KEY + END)
    assert (answered, problem["type"]) == (status, f"/problems/{slug}")
