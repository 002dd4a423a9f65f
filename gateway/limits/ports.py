"""What the proxy asks of limits, and what limits ask of a store. Shapes only."""

from collections.abc import Sequence
from typing import Protocol

from gateway.limits.models import Ask, Grant, Limit


class Limits(Protocol):
    """Lets requests in."""

    async def admit(self, limits: Sequence[tuple[str, Limit]]) -> float:
        """0 when the request may pass under every limit (it is then counted under each), else seconds to wait."""
        ...


class Store(Protocol):
    """Buckets that several workers share."""

    async def take(self, asks: Sequence[Ask]) -> list[Grant]:
        """What is granted of each ask, in order, with one clock for everybody. Raises `StoreAway`."""
        ...


class StoreAway(Exception):
    """The shared store does not answer."""
