"""What a door's program embeds: it holds the lists that it was given and says what a code is worth by them.

No network, no files, no clock: the caller brings bytes and the time. Believes nothing that is not signed by the city,
nothing older than what it has, and discloses nothing; it cannot tell a replay. `docs/venues.md` shows it in use.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from app.kit.structs import Model
from auth.keys import ProofInvalid, PublicJwk, public_key_of
from codes.envelope.claims import kid_of
from codes.envelope.cose import Environment, Sign1
from codes.envelope.profiles import ES256, VerifyingKey
from codes.offline import Challenge, Judged, checks_of, status_list_key, verify_offline
from codes.status.changes import apply_changes, verify_changes
from codes.status.models import VerifiedStatusList, verify_status_list
from codes.trust.document import TrustListRefused, verify_trust_list
from codes.trust.models import CodeFormat, TrustRoot, VerifiedTrustList
from codes.verdict import Freshness, Reason, Refused, VerificationResult, retry_of, verdict_of

__all__ = [
    "Challenge",
    "OfflineVerifier",
    "Refused",
    "Root",
    "RootUnreadable",
    "TrustListRefused",
    "VerificationResult",
]


class RootUnreadable(ValueError):
    """The root keys are not what `GET /v1/trust-root` gave."""


class Root(Model):
    """A city's root keys by key id, and how its codes look."""

    keys: Mapping[bytes, VerifyingKey]
    code_format: CodeFormat


def read_root(data: bytes) -> Root:
    """The root that `GET /v1/trust-root` gave; raises `RootUnreadable`."""
    try:
        root = msgspec.json.decode(data, type=TrustRoot)
        keys = {
            bytes.fromhex(jwk["kid"]): VerifyingKey(
                profile=ES256, public_key=public_key_of(msgspec.convert(jwk, PublicJwk))
            )
            for jwk in root.keys
        }
        code_format = CodeFormat(environment=Environment(root.environment), prefix=root.prefix, host=root.host)
    except (msgspec.MsgspecError, ProofInvalid, KeyError, ValueError) as error:
        raise RootUnreadable(type(error).__name__) from None
    return Root(keys=keys, code_format=code_format)


class OfflineVerifier:
    """The lists of one city. Not for several threads at once while lists are taken."""

    def __init__(self, root: bytes, *, last_version: int | None = None, last_step: int = 0) -> None:
        """`last_version` and `last_step` are what an earlier run of this door had believed; keep them on disk."""
        self._root = read_root(root)
        self._last_version = last_version
        self._last_step = last_step
        self._trust_list: VerifiedTrustList | None = None
        self._status_lists: dict[int, VerifiedStatusList] = {}
        self._signed_by: dict[int, set[bytes]] = {}

    @property
    def version(self) -> int | None:
        """The highest version of the trust list ever believed here."""
        return self._last_version

    @property
    def step(self) -> int:
        """The highest step of status changes ever believed here."""
        return self._last_step

    @property
    def changes_after(self) -> int:
        """What to ask `GET /v1/status/changes?after=` for, so that no list is left with a gap."""
        return max(0, min((found.step for found in self._status_lists.values()), default=0))

    def take_trust_list(self, data: bytes, now: datetime) -> None:
        """Goes by this list from now on; raises `TrustListRefused`, also for one older than the last.

        What a key signed that is no longer listed is dropped: those statuses are unknown until they are pulled anew.
        """
        trust_list = verify_trust_list(
            data, self._root.keys, self._root.code_format.environment, now=now, last_version=self._last_version
        )
        self._trust_list, self._last_version = trust_list, trust_list.version
        for shard, kids in list(self._signed_by.items()):
            if not kids <= trust_list.keys.keys():
                del self._signed_by[shard], self._status_lists[shard]

    def take_status_list(self, shard: int, data: bytes, now: datetime) -> None:
        """Goes by this list of `shard`; raises `Refused`. An older list than the one held changes nothing."""
        kids: set[bytes] = set()
        code_format = self._root.code_format
        found = verify_status_list(
            data,
            self._key_lookup(kids, now),
            shard=shard,
            host=code_format.host,
            environment=code_format.environment,
        )
        held = self._status_lists.get(shard)
        if held is None or found.issued_at >= held.issued_at:
            self._status_lists[shard], self._signed_by[shard] = found, kids

    def take_changes(self, data: bytes, now: datetime) -> None:
        """Carries every list forward; raises `Refused`, also for changes older than the last."""
        kids: set[bytes] = set()
        code_format = self._root.code_format
        changes = verify_changes(
            data,
            self._key_lookup(kids, now),
            host=code_format.host,
            environment=code_format.environment,
            last_until=self._last_step,
        )
        self._last_step = changes.until
        for shard, found in self._status_lists.items():
            self._status_lists[shard] = apply_changes(found, changes)
            self._signed_by[shard] |= kids

    def verify(
        self,
        code: str,
        *,
        scenario: int,
        now: datetime,
        challenge: Challenge | None = None,
        holder_checked: bool = False,
    ) -> VerificationResult:
        """The verdict on what a camera read. Never raises; without a list to go by it is TRUST_LIST_STALE.

        `challenge`: what this door showed the phone beforehand. `holder_checked`: a person compared the holder with a
        document, without which no paper code is accepted.
        """
        trust_list = self._trust_list
        policy = None if trust_list is None else trust_list.scenarios.get(scenario)
        if trust_list is None or policy is None:
            return no_trust(scenario)
        return verify_offline(
            code,
            trust_list=trust_list,
            status_lists=self._status_lists,
            policy=policy,
            code_format=self._root.code_format,
            now=now,
            challenge=challenge,
            holder_checked=holder_checked,
        )

    def _key_lookup(self, kids: set[bytes], now: datetime) -> Callable[[Sign1], VerifyingKey | None]:
        """Finds status-list keys, and notes in `kids` which ones were used."""

        def find(message: Sign1) -> VerifyingKey | None:
            if self._trust_list is None:
                return None
            kids.add(kid_of(message))
            return status_list_key(self._trust_list, message, now)

        return find


def no_trust(scenario: int) -> VerificationResult:
    """The verdict of a verifier that has no list to go by, or none that knows the scenario."""
    judged = Judged(reason=Reason.TRUST_LIST_STALE, failed_step="trust_list")
    return VerificationResult(
        verification_id=None,
        verdict=verdict_of(judged.reason),
        reason=judged.reason,
        retry=retry_of(judged.reason),
        mode="offline",
        scenario=scenario,
        checks=checks_of(judged, scenario, skipped=("format", "issuer_key", "issuer_signature", "device_signature")),
        freshness=Freshness(),
    )
