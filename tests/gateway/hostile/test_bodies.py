"""Bodies that are too much, and answers that never end, on a real socket."""

import contextlib
import socket

import pytest

CITY = b"Host: city.example\r\n"


def test_a_body_that_grows_beyond_the_limit_is_cut(port: int) -> None:
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with contextlib.suppress(OSError):  # closed before all of it was sent
            connection.sendall(
                b"POST /too-much HTTP/1.1\r\n" + CITY + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 9
            )
        assert connection.recv(65536).split(b" ")[1] == b"413"


@pytest.mark.parametrize(("query", "last"), [(b"", b"4\r\npart\r\n"), (b"?length", b"part")])
def test_an_answer_without_its_end_is_seen_as_broken(port: int, query: bytes, last: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /broken" + query + b" HTTP/1.1\r\n" + CITY + b"\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.endswith(b"\r\n\r\n" + last)
