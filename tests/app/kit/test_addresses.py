"""Whose request it is, by address: nobody chooses their own, and citizens behind our proxy are told apart."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.addresses import client_address, networks_of

PROXY = "10.0.0.1"
TRUSTED = networks_of(["10.0.0.0/8", "fd00::/8"])

citizens = st.ip_addresses(v=4).filter(lambda address: not any(address in network for network in TRUSTED)).map(str)
proxies = st.integers(0, 2**24 - 1).map(lambda host: str(ipaddress.IPv4Address(10 << 24 | host)))


@given(citizens, st.text())
def test_stranger_cannot_say_from_where_they_come(stranger: str, claimed: str) -> None:
    assert client_address(stranger, claimed, TRUSTED) == stranger


@given(citizens, st.text(), st.lists(proxies, max_size=3))
def test_proxies_tell_the_citizen_whatever_was_claimed_before(citizen: str, claimed: str, hops: list[str]) -> None:
    forwarded_for = ", ".join([claimed, citizen, *hops])
    assert client_address(PROXY, forwarded_for, TRUSTED) == citizen


@given(st.text(), st.text(), st.sampled_from([(), TRUSTED]))
def test_any_text_gives_an_address_or_the_peer_as_it_is(
    peer: str, claimed: str, trusted: tuple[ipaddress.IPv4Network, ...]
) -> None:
    assert isinstance(client_address(peer, claimed, trusted), str)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "counted"),
    [
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, "192.0.2.7, unknown", PROXY),
        (PROXY, "192.0.2.7,", PROXY),
        (PROXY, "10.0.0.9, 10.0.0.2", PROXY),
        (PROXY, "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        (PROXY, "192.0.2.7, 10.9.9.9", "192.0.2.7"),
        (PROXY, "192.0.2.007", PROXY),
        ("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.8", "192.0.2.7", "192.0.2.8"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8::1", "192.0.2.7", "2001:db8::/64"),
        ("", "192.0.2.7", ""),
        ("testclient", "192.0.2.7", "testclient"),
    ],
)
def test_address_that_counts(peer: str, forwarded_for: str, counted: str) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == counted


@given(st.ip_addresses(v=6).map(lambda address: int(address) >> 64), st.integers(0, 2**64 - 1))
def test_neighbours_in_one_ipv6_subscription_count_together(subscription: int, host: int) -> None:
    def seen(low: int) -> str:
        return client_address(str(ipaddress.IPv6Address(subscription << 64 | low)), "", ())

    if subscription:  # zeros may spell an IPv4 address, which counts alone
        assert seen(host) == seen(1)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "proxy.internal", ""])
def test_network_that_is_none_or_everything_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        networks_of([text])
