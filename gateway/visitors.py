"""Under which name a visitor is counted: who shows no token is known by address alone, and the address by no one.

The name is keyed, so that a shared store of limits holds no address. Told to no department and written nowhere.
"""

from collections.abc import Iterable
from typing import Final

from app.kit.addresses import client_address, networks_of
from app.kit.vault import Vault
from gateway.asgi import Scope

FORWARDED: Final = b"x-forwarded-for"
PURPOSE: Final = "gateway.visitor"
ENOUGH: Final = 16


class Visitors:
    """Believes a forwarded address of the operator's own proxies alone."""

    def __init__(self, vault: Vault, trusted_proxies: Iterable[str]) -> None:
        self._vault = vault
        self._trusted = networks_of(trusted_proxies)

    def name_of(self, scope: Scope) -> str:
        """What counts as one visitor: an IPv4 address, or the network of one IPv6 customer."""
        peer = scope.get("client")
        forwarded = b",".join([value for name, value in scope["headers"] if name == FORWARDED])
        address = client_address("" if peer is None else str(peer[0]), forwarded.decode("latin-1"), self._trusted)
        return self._vault.blind_index(PURPOSE, address)[:ENOUGH].hex()
