"""A venue with an offline verifier that pulls the published bytes of a city in memory, as it would over HTTP."""

from datetime import timedelta

import msgspec

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.keyring import public_jwk
from codes.offline_verifier import OfflineVerifier
from codes.trust.models import TrustRoot
from codes.verdict import Reason, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.personal_city import SETTINGS, City, a_scanner


class Venue:
    """One door: asks the city while it can, and holds lists for when it cannot."""

    def __init__(self, city: City, floor: Floor, connection: Connection) -> None:
        self.city, self.floor, self.connection = city, floor, connection
        code_format = SETTINGS.code_format
        root = TrustRoot(
            environment=code_format.environment,
            prefix=code_format.prefix,
            host=code_format.host,
            keys=[public_jwk(key) for key in city.codes.trust_lists.roots()],
        )
        self.verifier = OfflineVerifier(msgspec.json.encode(root))

    async def pull(self) -> None:
        """The trust list and every status list, as published now."""
        codes, now = self.city.codes, self.city.clock.now()
        await codes.trust_lists.publish_when_due()
        self.verifier.take_trust_list((await codes.trust_lists.current(self.connection)).body, now)
        codes.statuses._forget(None)  # a rolled-back test hears no notification
        for shard in await codes.statuses.list_shards(self.connection):
            self.verifier.take_status_list(shard, (await codes.statuses.publish(self.connection, shard)).body, now)

    async def pull_changes(self) -> None:
        """What changed since."""
        await self.city.codes.status_steps.take_when_due()
        published = await self.city.codes.status_steps.publish(self.connection, self.verifier.changes_after)
        self.verifier.take_changes(published.body, self.city.clock.now())

    async def ask(self, code: str, scenario: int = 301) -> VerificationResult:
        """Online."""
        request = VerifyCode(code=code, scenario=scenario)
        return await self.city.codes.verifications.verify(self.connection, a_scanner(scenario), request)

    async def both(self, code: str, scenario: int = 301) -> tuple[Reason, Reason]:
        """Offline by the lists held here, and online."""
        offline = self.verifier.verify(code, scenario=scenario, now=self.city.clock.now())
        return offline.reason, (await self.ask(code, scenario)).reason

    def wait(self, seconds: float) -> None:
        self.city.clock.advance(seconds)  # type: ignore[attr-defined] # a ManualClock in every test

    def wait_for(self, span: timedelta) -> None:
        self.wait(span.total_seconds())
