"""Hostile spellings of addresses: whatever two programs could read differently is refused."""

import ipaddress

import hypothesis.strategies as st
import pytest
from hypothesis import given

from miniapps.manifest import address_problem, host_of
from miniapps.manifest.addresses import is_loopback, port_of


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://library.example.cn", "library.example.cn", 443),
        ("https://library.example.cn:8443/suishen/v1", "library.example.cn", 8443),
        ("http://localhost:9001", "localhost", 9001),
        ("http://127.0.0.1:9001", "127.0.0.1", 9001),
        ("http://[::1]:9001/x", "::1", 9001),
        ("https://xn--fiqs8s.cn", "xn--fiqs8s.cn", 443),
    ],
)
def test_sound_addresses_are_accepted(url: str, host: str, port: int) -> None:
    assert address_problem(url) is None
    assert host_of(url) == host
    assert port_of(url) == port


@pytest.mark.parametrize(
    "url",
    [
        "",
        "library.example.cn",
        "//library.example.cn",
        "HTTPS://library.example.cn",
        "https://Library.example.cn",
        "https:/library.example.cn",
        "https://",
        "https://user@library.example.cn",
        "https://user:secret@library.example.cn",
        "https://library.example.cn@127.0.0.1",
        "https://library.example.cn?x=1",
        "https://library.example.cn#x",
        "https://library.example.cn/a?b",
        "https://library.example.cn/a/../b",
        "https://library.example.cn/./b",
        "https://library.example.cn//b",
        "https://library.example.cn/a;b",
        "https://library.example.cn/%2e%2e/b",
        "https://library.example.cn\\@127.0.0.1",
        "https://library.example.cn/\n",
        "https://library.example.cn\n",
        "https://library.example.cn\t",
        " https://library.example.cn",
        "https://library .example.cn",
        "https://图书馆.cn",
        "https://library。example.cn",
        "https://①27.0.0.1",
        "https://library..example.cn",
        "https://.example.cn",
        "https://example.cn.",
        "https://-a.example.cn",
        "https://a_b.example.cn",
        "https://" + "a" * 64 + ".cn",
        "https://" + ".".join(["a" * 60] * 5),
        "https://library.example.cn:0",
        "https://library.example.cn:65536",
        "https://library.example.cn:080",
        "https://library.example.cn:",
        "http://127.1",
        "http://127.0.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.0.0.1",
        "http://0x",
        "http://0177.0.0.1",
        "http://127.0.0.01",
        "http://127.0.0.1.",
        "http://256.0.0.1",
        "http://example.1",
        "http://[::0001]",
        "http://[0:0:0:0:0:0:0:1]",
        "http://[::1%25eth0]",
        "http://[::ffff:7f00:1",
        "http://[127.0.0.1]",
        "http://::1",
        "file:///etc/passwd",
        "gopher://example.cn",
        "unix:///run/x.sock",
        "javascript:alert(1)",
    ],
)
def test_hostile_addresses_are_refused(url: str) -> None:
    assert address_problem(url) is not None


@given(st.text(max_size=60))
def test_any_text_is_judged_and_never_crashes(text: str) -> None:
    for url in (text, "https://" + text, "http://a/" + text):
        if address_problem(url) is None:
            assert url.isascii()
            assert "@" not in url
            assert host_of(url) == host_of(url).lower()


@given(st.integers(0, 2**32 - 1))
def test_loopback_is_seen_in_its_only_spelling(number: int) -> None:
    address = ipaddress.IPv4Address(number)

    assert address_problem(f"http://{address}") is None
    assert is_loopback(str(address)) == address.is_loopback
    assert address_problem(f"http://{number}") is not None
