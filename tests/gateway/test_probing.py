"""The city's way to a department that is tried: only where the network policy leads, bounded, nothing followed."""

import asyncio

import pytest

from gateway.network import NetworkPolicy
from gateway.probing import trial_network
from miniapps.conformance.ports import Answer, Outgoing, Unanswered
from tests.gateway.servers import read_request, serving


def request_to(url: str, *more: tuple[str, str], largest: int = 1000, seconds: float = 1.0) -> Outgoing:
    headers = (("host", "a.cn"), *more)
    return Outgoing(method="GET", url=url, headers=headers, body=b"", timeout_seconds=seconds, largest_answer=largest)


async def ask(answer: bytes, *more: tuple[str, str], target: str = "/", **bounds: float) -> tuple[Answer, bytes]:
    """What came back, and the raw request that the department read."""
    read: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(await read_request(reader))
        writer.write(answer)
        await writer.drain()

    async with serving(talk) as port, trial_network(policy(port))() as network:
        url = f"http://127.0.0.1:{port}{target}"
        return await network.send(request_to(url, *more, **bounds)), read[0]  # type: ignore[arg-type]


def policy(port: int) -> NetworkPolicy:
    return NetworkPolicy(allowed=frozenset({f"127.0.0.1:{port}"}))


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-A: b\r\n\r\nok"


async def test_the_target_and_the_headers_go_out_as_they_are() -> None:
    twice = (("ssb-assertion", "one"), ("ssb-assertion", "two"))
    answer, raw = await ask(OK, *twice, target="/a%2Fb?x=%2e")

    assert (answer.status, answer.body, answer.header("x-a")) == (200, b"ok", "b")
    assert raw.startswith(b"GET /a%2Fb?x=%2e HTTP/1.1\r\n")
    assert [line for line in raw.split(b"\r\n") if line.lower().startswith(b"ssb-assertion")] == [
        b"ssb-assertion: one",
        b"ssb-assertion: two",
    ]
    assert raw.lower().count(b"host: ") == 1
    assert b"user-agent" not in raw.lower()


async def test_no_redirect_is_followed() -> None:
    answer, _ = await ask(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")

    assert answer.status == 302


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + b"x" * 9999, "too-large"),
        (b"", "hung-up"),
        (b"what is this\r\n\r\n", "misbehaved"),
    ],
)
async def test_trouble_is_named(answer: bytes, trouble: str) -> None:
    with pytest.raises(Unanswered) as caught:
        await ask(answer)
    assert caught.value.trouble == trouble


async def test_silence_ends() -> None:
    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    async with serving(never) as port, trial_network(policy(port))() as network:
        with pytest.raises(Unanswered, match="timed-out"):
            await network.send(request_to(f"http://127.0.0.1:{port}/", seconds=0.05))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9101/",
        "http://localhost:9101/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://127.1/",
        "http://example.cn/",
        "ftp://example.cn/",
        "https://user@example.cn/",
    ],
)
async def test_where_the_policy_does_not_lead_nobody_goes(url: str) -> None:
    async with trial_network(NetworkPolicy())() as network:
        with pytest.raises(Unanswered, match="not-allowed"):
            await network.send(request_to(url))
