"""From where a request comes, for limits that count by address. Believes a forwarded address only of a trusted proxy.

Pure; an address is a hint for counting, never a proof of who is calling.
"""

import ipaddress
from collections.abc import Collection, Iterable
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SUBSCRIBER_PREFIX: Final = 64
"""One IPv6 customer has at least a /64 (RFC 6177), so that single addresses in it count together."""


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks by their names ("10.0.0.0/8", "2001:db8::1"); raises `ValueError`, also for a whole Internet."""
    networks = tuple(ipaddress.ip_network(text) for text in texts)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("must not name every address there is")
    return networks


def client_address(peer: str, forwarded_for: str, trusted: Collection[Network]) -> str:
    """The address that counts: the peer's, or what trusted proxies say of it in `X-Forwarded-For`.

    Each proxy adds on the right whom it heard, so the first address from the right that is not a trusted proxy's is the
    client's; what stands left of it the client may have made up. Where nothing can be believed, it is the peer.
    """
    near = _read(peer)
    if near is None:
        return peer
    if not _is_in(near, trusted):
        return _counted(near)
    for hop in reversed(forwarded_for.split(",")):
        address = _read(hop.strip())
        if address is None:
            break
        if not _is_in(address, trusted):
            return _counted(address)
    return _counted(near)


def _read(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks)


def _counted(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), SUBSCRIBER_PREFIX), strict=False))
