"""Many departments' cards from one process, a port each; those named as hung take the question and never answer.

`python -m bench.cards --ports 9001,9002 --hung 9002`
"""

import argparse
import asyncio
from functools import partial

import msgspec

TITLE = {"zh": "待办 2 项", "en": "2 things to do"}


async def talk(hung: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection; believes everybody."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            asked = msgspec.json.decode(await reader.readexactly(length))["widgets"]
            if hung:
                await asyncio.Future()
            body = msgspec.json.encode({"cards": [{"widget": widget, "title": TITLE} for widget in asked]})
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(ports: list[int], hung: set[int]) -> None:
    """Serves for ever."""
    servers = [await asyncio.start_server(partial(talk, port in hung), "127.0.0.1", port) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", required=True)
    parser.add_argument("--hung", default="")
    arguments, _ = parser.parse_known_args()
    chosen = [int(port) for port in arguments.ports.split(",")]
    asyncio.run(main(chosen, {int(port) for port in arguments.hung.split(",") if port}))
