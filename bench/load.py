"""A load of prepared HTTP/1.1 requests over a few kept connections; bounded in count and time, loopback only."""

import asyncio
import time
from collections.abc import Callable, Iterator
from statistics import quantiles

from app.kit.structs import Model

CONNECTIONS = 16


class Outcome(Model):
    """What came back. `statuses` counts answers by status; times in milliseconds."""

    rate: float
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float

    @property
    def all_ok(self) -> bool:
        """Whether nothing but 2xx came back."""
        return all(200 <= status < 300 for status in self.statuses)


def request_bytes(method: str, path: str, authority: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {authority}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def press(
    port: int,
    requests: Iterator[bytes],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    look: Callable[[bytes], None] = lambda _body: None,
) -> Outcome:
    """Sends `requests` for `seconds`, or until there are none left; `look` sees each body."""
    times: list[float] = []
    statuses: dict[int, int] = {}

    def note(status: int, body: bytes, spent: float) -> None:
        times.append(spent)
        statuses[status] = statuses.get(status, 0) + 1
        look(body)

    start = time.perf_counter()
    await asyncio.gather(*(_send(port, requests, start + seconds, note) for _ in range(connections)))
    spent = time.perf_counter() - start
    cuts = quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return Outcome(rate=len(times) / spent, statuses=statuses, p50_ms=cuts[49] * 1000, p99_ms=cuts[98] * 1000)


async def _send(
    port: int, requests: Iterator[bytes], deadline: float, note: Callable[[int, bytes, float], None]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            begin = time.perf_counter()
            if begin > deadline:
                return
            writer.write(request)
            status, body = await read_answer(reader)
            note(status, body, time.perf_counter() - begin)
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer with a known or chunked length."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return int(head[9:12]), await _read_chunks(reader)
    _, found, rest = lower.partition(b"content-length:")
    length = int(rest.split(b"\r\n", 1)[0]) if found else 0
    return int(head[9:12]), await reader.readexactly(length)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
