"""Puts together what lets a department in: the sandbox, the reports on its versions, and the city's own runs.

Joined by `wiring`; decides nothing. Until the front door opens a way to departments, none is reached.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from app.kit.keyring import Keyring
from miniapps.conformance import routes as conformance_routes
from miniapps.conformance.ports import Network, OpensNetworks
from miniapps.conformance.rounds import Rounds
from miniapps.conformance.service import Conformance
from miniapps.releases.service import Releases
from miniapps.sandbox import routes as sandbox_routes
from miniapps.sandbox.service import Sandbox
from miniapps.settings import MiniappsSettings
from miniapps.tellers import Tellers

HANDLERS: list[Router] = [conformance_routes.router, sandbox_routes.router]
SOON = 2.0
NOW_AND_THEN = 300.0


class Way:
    """The way to departments that are tried; none until it is opened."""

    def __init__(self) -> None:
        self._opens: OpensNetworks | None = None

    def __call__(self) -> AbstractAsyncContextManager[Network]:
        """A way that is closed with the block."""
        if self._opens is None:
            raise RuntimeError("The front door opened no way to departments.")
        return self._opens()

    def lead_through(self, opens: OpensNetworks) -> None:
        """From now on departments are reached so."""
        self._opens = opens


@dataclass(frozen=True, kw_only=True)
class Onboarding:
    """What lets a department in."""

    conformance: Conformance
    rounds: Rounds
    sandbox: Sandbox
    keyring: Keyring
    way: Way

    def provided(self) -> dict[str, Any]:
        """What the handlers are given, by name."""
        return {"conformance": self.conformance, "sandbox": self.sandbox, "sandbox_keyring": self.keyring}

    def jobs(self) -> list[Job]:
        """The runs that are due, and once a night those of everything live."""
        return [
            Job(name="miniapps.conformance.runs", every_seconds=SOON, run=self.rounds.make_due),
            Job(name="miniapps.conformance.nights", every_seconds=NOW_AND_THEN, run=self.rounds.plan_night),
        ]


def build_onboarding(floor: Floor, settings: MiniappsSettings, releases: Releases, tellers: Tellers) -> Onboarding:
    """All of it on this floor, unopened."""
    way, conformance = Way(), Conformance(floor.clock)
    return Onboarding(
        conformance=conformance,
        rounds=Rounds(
            database=floor.database,
            keyring=floor.keyring,
            clock=floor.clock,
            issuer=settings.issuer,
            releases=releases,
            conformance=conformance,
            tellers=tellers,
            opens_network=way,
        ),
        sandbox=Sandbox(
            database=floor.database,
            keyring=floor.keyring,
            clock=floor.clock,
            issuer=settings.issuer,
            opens_network=way,
        ),
        keyring=floor.keyring,
        way=way,
    )
