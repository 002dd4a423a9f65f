"""What the policy saw is what the department got, byte for byte, over 100 000 addresses that nobody chose.

Each goes over a real socket through granian's parser; the department answers with the request line that it read, and
the gateway's answer says in `X-Saw` about what it decided. The seed is printed; SUISHEN_TEST_SEED repeats a run.
"""

import asyncio
import os
import random
import re
import secrets
from collections import Counter
from collections.abc import Iterator

from tests.gateway.harness import APPS_HOST
from tests.gateway.publications import LIBRARY

ADDRESSES = 100_000
CONNECTIONS = 8
BATCH = 64
LEAST_PASSED = ADDRESSES // 20
PREFIX = f"/apps/{LIBRARY}/deep".encode()

PLAIN = [bytes([octet]) for octet in b"abzAZ09-_~!$&'()*+,=:@."]
ENCODED = [
    b"%20",
    b"%25",
    b"%E4%B8%AD",
    b"%e4%b8%ad",
    b"%3A",
    b"%3a",
    b"%40",
    b"%7B",
    b"%22",
    b"%C3%A9",
    b"%2B",
    b"%26",
]
ODD = [
    *(b"..", b".", b"//", b"/./", b"/../", b"..;", b";", b"\\", b"%", b"%2", b"%zz", b"%2e", b"%2E", b"%2f", b"%5c"),
    *(b"%00", b"%0a", b"%0D", b"%7f", b"%252e", b"%25", b"%c0%ae", b"%ff", b"%61", b"%41", b"%u002e", b"#", b"?", b"{"),
    *(b"}", b"|", b"^", b"[", b"]", b"\xe4\xb8\xad", b"%ed%a0%80", b"%EF%BC%8F"),
]  # without what the parser itself refuses, which ends the connection: those stand in `cases`
QUERY = [*PLAIN, *ENCODED, b"/", b"?", b"&", b"=", b";", b"..", b"%2e%2e%2f", b"|", b"{}", b"%00", b"%ff", b"\\", b"'"]
LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
SAW = re.compile(rb"\r\nx-saw: ([^\r]*)\r\n", re.IGNORECASE)


def addresses(dice: random.Random) -> Iterator[bytes]:
    """Targets: half of them with something odd in them, which the edge has to judge."""
    for _ in range(ADDRESSES):
        pieces = [*PLAIN, *ENCODED] if dice.random() < 0.03 else [*PLAIN, *ENCODED, *ODD]
        segments = [b"".join(dice.choices(pieces, k=dice.randint(1, 4))) for _ in range(dice.randint(1, 7))]
        query = b"?" + b"".join(dice.choices(QUERY, k=dice.randint(0, 8))) if dice.random() < 0.5 else b""
        yield b"/".join([PREFIX, *segments]) + query


class Seen:
    """What came of all of them."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.differing: list[tuple[bytes, bytes, bytes]] = []

    def note(self, method: bytes, target: bytes, status: int, saw: bytes, got: bytes) -> None:
        self.statuses[status] += 1
        if status != 200:
            if saw:
                self.differing.append((target, saw, b"refused after it was seen"))
            return
        sent = method + b" " + target.partition(b"#")[0].replace(f"/apps/{LIBRARY}".encode(), b"/api", 1)
        if not _without_mark(saw) == _without_mark(got) == _without_mark(sent):
            self.differing.append((sent, saw, got))


async def test_the_department_gets_what_the_policy_saw(port: int) -> None:
    seed = int(os.environ.get("SUISHEN_TEST_SEED") or secrets.randbits(32))
    print("seed", seed)  # noqa: T201 - pytest shows it when the test fails
    dice = random.Random(seed)
    targets, seen = addresses(dice), Seen()
    await asyncio.gather(*(_send(port, targets, seen) for _ in range(CONNECTIONS)))
    assert seen.differing[:5] == [], seed
    assert sum(seen.statuses.values()) == ADDRESSES
    assert seen.statuses[200] >= LEAST_PASSED, seen.statuses
    assert set(seen.statuses) == {200, 400, 404}, seen.statuses


async def _send(port: int, targets: Iterator[bytes], seen: Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while batch := [target for _, target in zip(range(BATCH), targets, strict=False)]:
        methods = [b"DELETE" if len(target) % 5 == 0 else b"GET" for target in batch]
        writer.write(b"".join(map(_request, methods, batch)))
        for method, target in zip(methods, batch, strict=True):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(_found(LENGTH, head)))
            seen.note(method, target, int(_found(LINE, head)), _found(SAW, head), body)
    writer.close()


def _request(method: bytes, target: bytes) -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (method, target, APPS_HOST.encode())


def _without_mark(line: bytes) -> bytes:
    """An empty query is none."""
    path, _, query = line.partition(b"?")
    return path + b"?" + query if query else path


def _found(pattern: re.Pattern[bytes], head: bytes) -> bytes:
    found = pattern.search(head)
    return found[1] if found else b""
