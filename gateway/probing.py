"""The city's way to a department that is tried: under the operator's network policy, like every other way of ours.

Not for citizens' calls: it is made anew for each trial, and lets a header stand twice, because trials need that.
"""

from collections.abc import Callable
from typing import Self

from gateway.errors import UnacceptableAddress
from gateway.exchange import origin_of
from gateway.network import GuardedResolver, NetworkPolicy
from miniapps.conformance.direct import DirectNetwork
from miniapps.conformance.ports import Answer, Outgoing, Unanswered


class GuardedNetwork:
    """A network of `miniapps.conformance`, used as a context manager."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy
        self._direct = DirectNetwork(GuardedResolver(policy))

    async def __aenter__(self) -> Self:
        await self._direct.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._direct.__aexit__()

    async def send(self, request: Outgoing) -> Answer:
        """The department's whole answer; raises `Unanswered`, "not-allowed" where the policy says no."""
        try:
            self._policy.check(origin_of(request.url))
        except (UnacceptableAddress, ValueError):
            raise Unanswered("not-allowed") from None
        return await self._direct.send(request)


def trial_network(policy: NetworkPolicy) -> Callable[[], GuardedNetwork]:
    """What opens a way to departments that are tried."""
    return lambda: GuardedNetwork(policy)
