"""The network policy: every way inside is refused unless the operator named it."""

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import network
from gateway.errors import UnacceptableAddress
from gateway.network import GuardedResolver, NetworkPolicy, is_public

NOBODY = NetworkPolicy()
DEMO = NetworkPolicy(allowed=frozenset({"127.0.0.1:9101", "[::1]:9101", "localhost:9102"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1",
        "https://127.1",
        "https://127.0.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0.0.1",
        "https://0177.0.0.1",
        "https://017700000001",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[64:ff9b::7f00:1]",
        "https://[2002:7f00:1::]",
        "https://8.8.8.8",
        "https://[2001:4860:4860::8888]",
        "https://localhost",
        "https://intranet",
        "https://a.b.1",
        "https://a.0x1",
        "https://a_b.example",
        "https://-a.example",
        "https://a..example",
        "https://.example",
        "https://example.",
        "https://",
        "https:///path",
        "https://EXAMPLE.com",
        "HTTPS://example.com",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://example.com@127.0.0.1",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://example.com/%2e%2e",
        "https://example.com\\@127.0.0.1",
        "https://example.com /",
        "https://example.com\n/",
        "https://例え.jp",
        "https://example.com:99999",
        "https://example.com:-1",
        "http://example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "//example.com",
        "example.com",
        "",
    ],
)
def test_check_refuses(url: str) -> None:
    with pytest.raises(UnacceptableAddress):
        NOBODY.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.0.0.1:9102",
        "http://127.1:9101",
        "http://2130706433:9101",
        "http://[::ffff:127.0.0.1]:9101",
        "http://[0:0:0:0:0:0:0:1]:9101",
        "http://localhost:9101",
        "http://x@127.0.0.1:9101",
    ],
)
def test_check_refuses_other_spellings_of_a_named_place(url: str) -> None:
    with pytest.raises(UnacceptableAddress):
        DEMO.check(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9101/api", "http://[::1]:9101", "http://localhost:9102/"])
def test_check_accepts_what_the_operator_named(url: str) -> None:
    DEMO.check(url)
    with pytest.raises(UnacceptableAddress):
        NOBODY.check(url)


@pytest.mark.parametrize(
    "url", ["https://library.example.com", "https://xn--fsq.example:8443/api/v1", "https://1a.b2.c3d"]
)
def test_check_accepts_names_over_https(url: str) -> None:
    NOBODY.check(url)
    with pytest.raises(UnacceptableAddress):
        NOBODY.check(url.replace("https", "http"))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "5f00::1",
    ],
)
def test_is_public_refuses(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "114.114.114.114", "2001:4860:4860::8888", "2400:3200::1"])
def test_is_public_accepts(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_inner_address_stays_inner_however_it_is_wrapped(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for wrapped in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address(0x64FF9B << 96 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
    ):
        assert not is_public(wrapped)


class Names(GuardedResolver):
    """Answers from a table instead of the Domain Name System."""

    def __init__(self, policy: NetworkPolicy, addresses: list[str]) -> None:
        super().__init__(policy)
        self._addresses = addresses

    async def _look_up(self, _host: str, _port: int, _family: int) -> list[tuple[int, int, str]]:
        return [(int(socket.AF_INET), 6, address) for address in self._addresses]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["64:ff9b::7f00:1"], ["fe80::1%1"]])
async def test_resolve_refuses_a_name_that_leads_inside(addresses: list[str]) -> None:
    with pytest.raises(OSError, match="network policy"):
        await Names(NOBODY, addresses).resolve("rebound.example.com", 443)


async def test_resolve_gives_the_checked_addresses() -> None:
    found = await Names(NOBODY, ["8.8.8.8"]).resolve("public.example.com", 443)
    assert [(entry["host"], entry["hostname"], entry["flags"]) for entry in found] == [
        ("8.8.8.8", "public.example.com", socket.AI_NUMERICHOST)
    ]


async def test_resolve_lets_a_named_place_be_inside() -> None:
    found = await Names(DEMO, ["127.0.0.1"]).resolve("localhost", 9102)
    assert [entry["host"] for entry in found] == ["127.0.0.1"]
    with pytest.raises(OSError, match="network policy"):
        await Names(DEMO, ["127.0.0.1"]).resolve("localhost", 9103)


async def test_check_reachable_refuses_a_name_that_leads_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inside(_self: Any, _host: str, _port: int, _family: int) -> list[tuple[int, int, str]]:
        return [(int(socket.AF_INET), 6, "192.168.0.1")]

    monkeypatch.setattr(network.GuardedResolver, "_look_up", inside)
    with pytest.raises(UnacceptableAddress):
        await NOBODY.check_reachable("https://library.example.com")
