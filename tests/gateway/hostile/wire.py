"""Bytes out, answers in: the client that these tests need, which corrects nothing and believes nobody."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import msgspec

from app.kit.structs import Model

QUIET_SECONDS = 0.4  # after an answer, how long another one may take that should never come
FIRST_SECONDS = 3.0


class Answer(Model):
    """One answer on a connection; `slug` of a problem document, else empty."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def slug(self) -> str:
        if "problem+json" not in self.headers.get("content-type", ""):
            return ""
        return str(msgspec.json.decode(self.body)["type"]).removeprefix("/problems/")

    def __str__(self) -> str:
        return f"{self.status} {self.slug}".strip()


class Received(Model):
    """What arrived behind the gateway: raw requests at the department, request lines on the city's own side."""

    department: list[str]
    city: list[str]


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def exchange(port: int, data: bytes) -> tuple[list[Answer], bool]:
    """Every answer to `data` on a connection of its own, and whether the server closed it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received, closed, patience = b"", False, FIRST_SECONDS
    try:
        writer.write(data)
        with contextlib.suppress(TimeoutError):
            while True:
                part = await asyncio.wait_for(reader.read(65536), patience)
                if not part:
                    closed = True
                    break
                received, patience = received + part, QUIET_SECONDS
    except ConnectionError:
        closed = True
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return list(answers_in(received)), closed


async def what_arrived(port: int) -> Received:
    ((answer,), _) = await exchange(port, b"GET /received HTTP/1.1\r\nHost: city.example\r\nConnection: close\r\n\r\n")
    return msgspec.json.decode(answer.body, type=Received)


def answers_in(received: bytes) -> Iterator[Answer]:
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if status == 100:
            continue
        if headers.get("transfer-encoding") == "chunked":
            body, received = _chunks(received)
        else:
            length = int(headers.get("content-length", "0"))
            body, received = received[:length], received[length:]
        yield Answer(status=status, headers=headers, body=body)


def _chunks(received: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, received = received.partition(b"\r\n")
        length = int(size or b"0", 16)
        body, received = body + received[:length], received[length + 2 :]
        if not length:
            return body, received
