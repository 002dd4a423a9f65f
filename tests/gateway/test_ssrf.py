"""No department leads the gateway into the city's own network: not by how it writes its address, not by what its name
resolves to later, not by sending it on, not by naming the city itself.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway import network
from gateway.errors import DepartmentMisbehaved, DepartmentUnreachable, UnacceptableAddress
from gateway.network import GuardedResolver, NetworkPolicy, own_places
from gateway.upstream import Upstream
from miniapps.manifest import address_problem
from tests.gateway.servers import plain_answer, read_request, serving

SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "00000127.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "017700000001",
    "0177.0.0.0x1",
    "2130706433",
    "127.0.0.1.",
    "127。0。0。1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "192.168.1.1",
    "8.8.8.8",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:4860:4860::8888]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "metadata",
    "user@127.0.0.1",
    "library.example.com@127.0.0.1",
    "127.0.0.1#@library.example.com",
    "127.0.0.1\\@library.example.com",
    "library.example.com\t.evil.example",
    "127.0.0.1%2f.library.example.com",
]


class Names:
    """What names resolve to, one list after the other, and who asked."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = []
        self.asked: list[str] = []

    async def look_up(self, _resolver: Any, host: str, _port: int, _family: int) -> list[tuple[int, int, str]]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(int(socket.AF_INET6 if ":" in one else socket.AF_INET), 6, one) for one in addresses]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()

    async def look_up(resolver: Any, host: str, port: int, family: int) -> list[tuple[int, int, str]]:
        return await names.look_up(resolver, host, port, family)

    monkeypatch.setattr(network.GuardedResolver, "_look_up", look_up)
    return names


class Inside:
    """Something in the city's own network that nobody outside may reach."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        self.answer = plain_answer(b"secret")

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while raw := await read_request(reader):
            self.requests.append(raw)
            writer.write(self.answer)
            await writer.drain()


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    inside = Inside()
    async with serving(inside.talk) as inside.port:
        yield inside


async def call(policy: NetworkPolicy, url: str) -> bytes:
    upstream = Upstream(policy)
    try:
        return (await upstream.call("GET", url, headers={}, body=b"", timeout_seconds=3)).body
    finally:
        await upstream.close()


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_an_address_is_taken(host: str, scheme: str, names: Names, inside: Inside) -> None:
    url = f"{scheme}://{host}:{inside.port}"
    names.answers = [["127.0.0.1"]]
    with pytest.raises(UnacceptableAddress):
        NetworkPolicy().check(url)
    with pytest.raises(UnacceptableAddress):
        await NetworkPolicy().check_reachable(url)
    with pytest.raises(DepartmentUnreachable):
        await call(NetworkPolicy(), url + "/")
    assert names.asked == []
    assert inside.connections == 0


@given(st.ip_addresses(), st.sampled_from(["{}", "[{}]"]), st.integers(1, 65535))
def test_no_address_at_all_is_taken(address: Any, shape: str, port: int) -> None:
    with pytest.raises(UnacceptableAddress):
        NetworkPolicy().check(f"https://{shape.format(address)}:{port}")


@given(st.text(alphabet="0123456789abcdefx.:%[]@#/\\ ", max_size=40))
@example(host="0.a:")
def test_what_the_policy_takes_is_sound_to_the_manifest_too(host: str) -> None:
    try:
        NetworkPolicy().check(f"https://{host}")
    except UnacceptableAddress:
        return
    assert address_problem(f"https://{host}".rstrip("/")) is None


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["169.254.169.254"],
        ["100.100.100.200"],
        ["fd00:ec2::254"],
        ["fe80::1%1"],
        ["224.0.0.1"],
    ],
)
async def test_a_name_that_was_public_when_it_registered_leads_nowhere_else_later(
    addresses: list[str], names: Names, inside: Inside
) -> None:
    url = f"https://rebound.example.com:{inside.port}"
    names.answers = [["8.8.8.8"], addresses]
    await NetworkPolicy().check_reachable(url)
    with pytest.raises(DepartmentUnreachable):
        await call(NetworkPolicy(), url + "/")
    assert names.asked == ["rebound.example.com"] * 2
    assert inside.connections == 0
    with pytest.raises(UnacceptableAddress):
        await NetworkPolicy().check_reachable(url)


async def test_the_address_that_was_judged_is_the_one_connected_to(names: Names, inside: Inside) -> None:
    """One question for one connection: nobody asks a second time, when the answer could be another."""
    policy = NetworkPolicy(allowed=frozenset({f"box.internal:{inside.port}"}))
    names.answers = [["127.0.0.1"], ["203.0.113.1"]]
    assert await call(policy, f"http://box.internal:{inside.port}/") == b"secret"
    assert names.asked == ["box.internal"]


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fe80::1", "::ffff:169.254.169.254"])
async def test_not_even_a_named_place_leads_to_metadata(address: str, names: Names) -> None:
    policy = NetworkPolicy(allowed=frozenset({"box.internal:8080"}))
    names.answers = [[address]]
    with pytest.raises(DepartmentUnreachable):
        await call(policy, "http://box.internal:8080/")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "fd12::1", "8.8.8.8"])
async def test_a_named_place_leads_inside(address: str, names: Names) -> None:
    policy = NetworkPolicy(allowed=frozenset({"box.internal:8080"}))
    names.answers = [[address]]
    found = await GuardedResolver(policy).resolve("box.internal", 8080, socket.AF_UNSPEC)
    assert [place["host"] for place in found] == [address]


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "//127.0.0.1/", "/inside", "http://localhost/"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_nobody_is_sent_on(status: str, location: str, inside: Inside) -> None:
    policy = NetworkPolicy(allowed=frozenset({f"127.0.0.1:{inside.port}"}))
    inside.answer = plain_answer(b"", status=status, headers=f"Location: {location}\r\n")
    origin = f"http://127.0.0.1:{inside.port}"
    assert await call(policy, origin + "/a") == b""
    upstream = Upstream(policy)
    try:
        answer = await upstream.open("GET", origin + "/b", headers={}, upload=None, silence_seconds=3)
        assert answer.status == int(status[:3])
        answer.close()
        with pytest.raises(DepartmentMisbehaved):
            await upstream.talk(origin + "/c", headers={}, protocols=(), timeout_seconds=3)
    finally:
        await upstream.close()
    assert [raw.split(b" ")[1] for raw in inside.requests] == [b"/a", b"/b", b"/c"]


@pytest.mark.parametrize(
    "url",
    [
        "https://city.example.com",
        "https://city.example.com:443/apps/cn.example.library",
        "https://apps.example.com",
        "https://library.apps.example.com/",
    ],
)
def test_the_city_is_no_department_of_its_own(url: str) -> None:
    policy = NetworkPolicy(own=own_places("https://city.example.com", "https://apps.example.com"))
    with pytest.raises(UnacceptableAddress) as refusal:
        policy.check(url)
    assert refusal.value.extensions["reason"] == "own"
    NetworkPolicy().check(url)


def test_a_neighbour_of_the_city_may_be_one() -> None:
    policy = NetworkPolicy(own=own_places("https://city.example.com"), allowed=frozenset({"127.0.0.1:9101"}))
    policy.check("https://thecity.example.com")
    policy.check("https://example.com")
    policy.check("http://127.0.0.1:9101/api")
    assert own_places("http://127.0.0.1:8000") == {"127.0.0.1:8000"}
    assert NetworkPolicy(own=own_places("http://127.0.0.1:8000")).is_own("127.0.0.1", 8000)
