"""What a run needs from outside: a way to the department. The command line goes there directly, a city through its
network policy.
"""

from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, TypeAlias

from app.kit.structs import Model

Trouble: TypeAlias = Literal["unreachable", "timed-out", "hung-up", "misbehaved", "too-large", "not-allowed"]


class Outgoing(Model):
    """One request, byte for byte: `url` ends with the raw path and query, and a header may stand twice.

    Of a stream, which may have no end, only the head is waited for.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_seconds: float
    largest_answer: int
    streamed: bool = False


class Answer(Model):
    """What came back; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The header's value, or nothing."""
        return next((value for known, value in self.headers if known == name), "")

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """All of them as bytes."""
        return [(name.encode("latin-1"), value.encode(errors="surrogateescape")) for name, value in self.headers]


class Unanswered(Exception):
    """No whole answer came within time and size; `trouble` is why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble


class Network(Protocol):
    """The way to a department."""

    async def send(self, request: Outgoing) -> Answer:
        """The department's answer, no redirect followed; raises `Unanswered`."""
        ...


class OpensNetworks(Protocol):
    """Whoever may open a way for one trial."""

    def __call__(self) -> AbstractAsyncContextManager[Network]:
        """A way that is closed with the block."""
        ...
