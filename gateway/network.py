"""Where the gateway may connect to: public addresses, and the few places that the operator's policy names.

Judges spelling (`check`) and addresses (`refuse_private`); the resolver applies both at every connect, so that the
address that was judged is the address that is connected to. Refuses IP addresses in any spelling not named.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from app.kit.structs import Model, Text
from gateway import errors

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")
_LONGEST_NAME: Final = 253
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80

GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
NEVER: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and the metadata server of one large cloud
        "168.63.129.16/32",  # the metadata server of another: a public address that is not on the Internet
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "224.0.0.0/3",
        "64:ff9b::/96",  # NAT64: leads to any IPv4 address, also a private one
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo and other special purposes
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
"""What `is_global` of Python 3.11 lets through, or may let through, and leads inside."""


NEVER_EVEN_NAMED: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "::/128",
        "fd00:ec2::254/128",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Metadata servers, link-local and multicast: a name that the operator let in leads inside, but never there."""


class NetworkPolicy(Model):
    """The operator's exceptions: `host:port` as in a base URL ("127.0.0.1:9101", "[::1]:9101", "box.internal:443").

    `own` are the places where the city itself answers, written alike: a department there would be the city calling
    itself, round and round.
    """

    allowed: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    def allows(self, host: str, port: int) -> bool:
        """Whether the operator named exactly this place."""
        return _place(host, port) in self.allowed

    def is_own(self, host: str, port: int) -> bool:
        """Whether the city answers there: at the very place, or at a name below it."""
        place = _place(host, port)
        return any(place == own or place.endswith("." + own) for own in self.own)

    def check(self, url: str) -> None:
        """Judges the spelling of a backend's base URL; raises `UnacceptableAddress`. Resolves nothing."""
        host, port, scheme = _split(url)
        if self.is_own(host, port):
            raise _refusal("own", Text(zh="这是本平台自己的地址。", en="The city itself answers there."))
        if self.allows(host, port):
            return
        if not is_name(host):
            raise _refusal("address", Text(zh="不接受 IP 地址。", en="IP addresses are not accepted."))
        if scheme != "https":
            raise _refusal("scheme", Text(zh="必须使用 https。", en="Only https is accepted."))

    async def check_reachable(self, url: str) -> None:
        """As `check`, and every address that the name has now is public; raises `UnacceptableAddress`."""
        self.check(url)
        host, port, _ = _split(url)
        try:
            await GuardedResolver(self).resolve(host, port, socket.AF_UNSPEC)
        except OSError:
            raise _refusal("resolution", Text(zh="域名无法解析或指向内网。", en="The name leads nowhere.")) from None


def own_places(*origins: str) -> frozenset[str]:
    """The `own` of a policy, from origins such as "https://city.example" (whose port goes without saying)."""
    places = set[str]()
    for origin in origins:
        parts = urlsplit(origin)
        assert parts.hostname is not None
        places.add(_place(parts.hostname, parts.port or (_HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT)))
    return frozenset(places)


def is_name(host: str) -> bool:
    """Whether `host` can only be read as a domain name: no address in any spelling, no single label."""
    labels = host.split(".")
    return (
        len(host) <= _LONGEST_NAME
        and len(labels) > 1
        and _NAME.fullmatch(host) is not None
        and _NUMERIC.fullmatch(labels[-1]) is None
    )


def is_public(address: Address) -> bool:
    """Whether the address is one of the Internet at large; addresses that wrap another are not."""
    if isinstance(address, ipaddress.IPv6Address) and (address not in GLOBAL_UNICAST or address.scope_id):
        return False
    if not address.is_global or address.is_multicast:
        return False
    return not any(address.version == network.version and address in network for network in NEVER)


def refuse_private(addresses: Iterable[str]) -> None:
    """Raises `OSError` when any address is not public: a name that leads half inside is not to be trusted at all."""
    if not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise OSError("The name leads to an address that the network policy does not allow.")


def refuse_never(addresses: Iterable[str]) -> None:
    """Raises `OSError` when any address is one that no name may lead to, whoever let the name in."""
    for address in map(ipaddress.ip_address, addresses):
        inner = getattr(address, "ipv4_mapped", None) or address
        if any(inner.version == network.version and inner in network for network in NEVER_EVEN_NAMED):
            raise OSError("The name leads to an address that no name may lead to.")


class GuardedResolver(AbstractResolver):
    """Resolves for aiohttp, which connects to the very addresses that come back from here."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`; raises `OSError` when it has none, or one that may not be reached."""
        addresses = await self._look_up(host, port, family)
        if self._policy.allows(host, port):
            refuse_never(address for _, _, address in addresses)
        else:
            refuse_private(address for _, _, address in addresses)
        return [_result(host, port, family, protocol, address) for family, protocol, address in addresses]

    async def close(self) -> None:
        """Nothing is held open."""

    async def _look_up(self, host: str, port: int, family: int) -> list[tuple[int, int, str]]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        return [(int(entry[0]), entry[2], str(entry[4][0])) for entry in found]


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _result(host: str, port: int, family: int, protocol: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=protocol, flags=socket.AI_NUMERICHOST
    )


def _split(url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refusal("spelling", _SPELLING) from None
    plain = (
        parts.scheme in {"http", "https"}
        and parts.hostname
        and _PLAIN.fullmatch(url)
        and not parts.netloc.endswith(":")  # an empty port is a second spelling of the scheme's own
        and f"{parts.scheme}://{parts.netloc}".islower()
    )
    if not plain:
        raise _refusal("spelling", _SPELLING)
    assert parts.hostname is not None
    return parts.hostname, port or (_HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT), parts.scheme


_SPELLING: Final = Text(
    zh="地址须为小写、无用户名、无查询与片段的 http(s) URL。",
    en="A lower-case http(s) URL without user, query, fragment or escapes is needed.",
)


def _refusal(reason: str, detail: Text) -> errors.UnacceptableAddress:
    return errors.UnacceptableAddress(detail, reason=reason)
