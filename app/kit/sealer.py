"""The one sealer of the audit log: chains finished rows every second, exports a signed checkpoint every minute.

Every worker runs it; an advisory lock lets one at a time through. Checkpoints go to a file outside the database.
"""

from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Database
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import Keyring

CHECKPOINT_EVERY = timedelta(seconds=60)
CHECKPOINTS_LIVE = timedelta(days=3650)
CHECKPOINTS = "audit-checkpoints.jws"
"""The file in the data directory that takes signed checkpoints out of the database."""
ISSUER = "suishen-audit"
TYPE = "audit-checkpoint+jwt"
TRY_LOCK = "select pg_try_advisory_xact_lock(hashtext('kit.audit.checkpoint'))"


class Sealer:
    """Seals, checkpoints and verifies the log of one database."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock, checkpoints: Path) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._checkpoints = checkpoints

    async def seal(self) -> None:
        """One round: chains whatever has finished since the last."""
        async with self._database.transaction() as connection:
            await audit.seal_finished(connection)

    async def export_checkpoint(self) -> None:
        """Appends the head of the chain, signed, when it has grown and the last checkpoint is a minute old.

        Raises `audit.AuditBroken`, and signs nothing, when the chain no longer passes through the last checkpoint.
        """
        now = self._clock.now()
        line = audit.last_checkpoint(self._checkpoints)
        last = None if line is None else self._open(line)
        if last is not None and last.at > now - CHECKPOINT_EVERY:
            return
        async with self._database.transaction() as connection:
            if not await connection.fetchval(TRY_LOCK):
                return
            if last is not None:
                await audit.require_unchanged(connection, last)
            checkpoint = await audit.take_checkpoint(connection, now)
        if checkpoint is not None and (last is None or checkpoint.position > last.position):
            audit.append_checkpoint(self._checkpoints, self._sign(checkpoint, now))

    async def adopt(self) -> int:
        """Lets the log of a restored database go on here, if it is whole; returns how many entries were sealed."""
        links, _ = await self.verify()
        async with self._database.transaction() as connection:
            await audit.adopt(connection)
        return links

    async def verify(self) -> tuple[int, int]:
        """How many links hold, and how many checkpoints they were held against; raises `audit.AuditBroken`."""
        checkpoints = [self._open(line) for line in audit.read_checkpoints(self._checkpoints)]
        async with self._database.acquire() as connection:
            return await audit.verify_chain(connection, checkpoints), len(checkpoints)

    def _sign(self, checkpoint: audit.Checkpoint, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "iat": int(now.timestamp()),
            "exp": int((now + CHECKPOINTS_LIVE).timestamp()),
            "position": checkpoint.position,
            "digest": checkpoint.digest,
        }
        return sign_jwt(self._keyring.active("audit"), typ=TYPE, claims=claims)

    def _open(self, line: str) -> audit.Checkpoint:
        try:
            claims = verify_jwt(
                line,
                find_key=self._public_key,
                typ=TYPE,
                issuer=ISSUER,
                audience=ISSUER,
                now=self._clock.now(),
            )
        except InvalidToken as error:
            raise audit.AuditBroken(f"A checkpoint in {self._checkpoints} is not signed by us: {error}.") from None
        at = datetime.fromtimestamp(claims["iat"], tz=self._clock.now().tzinfo)
        return audit.Checkpoint(position=claims["position"], digest=claims["digest"], at=at)

    def _public_key(self, kid: str) -> EllipticCurvePublicKey | None:
        key = self._keyring.find("audit", kid)
        return key.public_key if key else None
