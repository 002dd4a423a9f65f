"""Departments made of bare sockets, so that a test decides every byte of an answer."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

Answerer = Callable[[bytes, int], bytes]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole request, its body by its Content-Length or in chunks; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\ntransfer-encoding: chunked" in head.lower():
            return head + await _read_chunks(reader)
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return head + await reader.readexactly(int(value))
    except asyncio.IncompleteReadError:
        return b""
    return head


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks, size = b"", -1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line, 16)
        chunks += line + await reader.readexactly(size + 2)
    return chunks


def plain_answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@contextlib.asynccontextmanager
async def serving(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server on loopback that holds each connection's conversation with `talk`; yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks)


@contextlib.contextmanager
def serving_in_a_thread(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that goes on while the event loop stands still; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    def converse(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            talk(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()
        thread.join(5)
