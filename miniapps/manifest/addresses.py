"""Which URLs a department may name: judged by spelling alone, before anything is resolved or connected to.

Refuses every spelling that two programs could read differently. Whether the address behind a name may be reached is
the network policy's question (`ports.NetworkPolicy`), asked at registration and again at every connect.
"""

import ipaddress
import re
from urllib.parse import urlsplit

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# WHATWG URL, "ends in a number": such a host is an IPv4 address in some spelling, never a name.
_NUMERIC_LABEL = re.compile(r"([0-9]+|0x[0-9a-f]*)")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[A-Za-z0-9._~/-]*)?"
)
_LONGEST_HOST = 253
_HIGHEST_PORT = 65535


def address_problem(url: str) -> str | None:
    """Why `url` cannot be a department's address, as a stable word, or None when its spelling is sound.

    Sound is: http or https, lower-case ASCII host, no user, query or fragment, one reading of the path, no final
    slash. An IP address is sound only in its one canonical spelling.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return "malformed"
    if found["port"] is not None and int(found["port"]) > _HIGHEST_PORT:
        return "port"
    return _host_problem(found["host"]) or _path_problem(found["path"] or "")


def host_of(url: str) -> str:
    """The host of a sound URL, without brackets."""
    return urlsplit(url).hostname or ""


def port_of(url: str) -> int:
    """The port of a sound URL."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_address_literal(host: str) -> bool:
    """Whether `host` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether `host` names this very machine."""
    return host == "localhost" or (is_address_literal(host) and ipaddress.ip_address(host).is_loopback)


def _host_problem(host: str) -> str | None:
    if host.startswith("["):
        return "address-spelling" if "." in host else _literal_problem(host[1:-1])
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        return _literal_problem(host)
    return None if len(host) <= _LONGEST_HOST and _NAME.fullmatch(host) else "host"


def _literal_problem(text: str) -> str | None:
    try:
        return None if str(ipaddress.ip_address(text)) == text else "address-spelling"
    except ValueError:
        return "address-spelling"


def _path_problem(path: str) -> str | None:
    segments = path.split("/")[1:]
    return "path" if any(segment in {"", ".", ".."} for segment in segments) else None
