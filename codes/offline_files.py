"""The offline verifier over files: what a venue pulled while the network was there, and nothing else.

A folder holds `trust-root.json` (taken over once, by hand), `trust-list.cose`, `status/{shard}.cwt`, and
`trust-list.version`: the highest version ever believed here, so that an older list is refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from auth.keys import ProofInvalid, PublicJwk, public_key_of
from codes.envelope.cose import Environment
from codes.envelope.profiles import ES256, VerifyingKey
from codes.offline import Judged, checks_of, status_list_key, verify_offline
from codes.status.models import VerifiedStatusList, verify_status_list
from codes.trust.document import TrustListRefused, verify_trust_list
from codes.trust.models import CodeFormat, VerifiedTrustList
from codes.trust.routes import TrustRoot
from codes.verdict import Freshness, Reason, Refused, VerificationResult, retry_of, verdict_of

ROOT_FILE, LIST_FILE, VERSION_FILE, STATUS_FOLDER = (
    "trust-root.json",
    "trust-list.cose",
    "trust-list.version",
    "status",
)
STATUS_SUFFIX = ".cwt"


class RootUnreadable(ValueError):
    """The file of root keys is not what `GET /v1/trust-root` gave."""


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """A city's root keys by key id, and how its codes look."""

    keys: Mapping[bytes, VerifyingKey]
    code_format: CodeFormat


def read_root(data: bytes) -> Root:
    """The root that `GET /v1/trust-root` gave; raises `RootUnreadable`."""
    try:
        root = msgspec.json.decode(data, type=TrustRoot)
        keys = {
            bytes.fromhex(jwk["kid"]): VerifyingKey(profile=ES256, public_key=public_key_of(_public(jwk)))
            for jwk in root.keys
        }
        code_format = CodeFormat(environment=Environment(root.environment), prefix=root.prefix, host=root.host)
    except (msgspec.MsgspecError, ProofInvalid, KeyError, ValueError) as error:
        raise RootUnreadable(type(error).__name__) from None
    return Root(keys=keys, code_format=code_format)


def verify_files(
    code_text: str,
    *,
    trust_list_path: Path,
    status_directory: Path,
    root_path: Path,
    scenario: int,
    now: datetime,
) -> VerificationResult:
    """The verdict on `code_text` by what lies in files. Raises `RootUnreadable` and `OSError`, nothing else.

    A trust list that cannot be believed gives TRUST_LIST_STALE; so does a scenario that the list does not know.
    A believed version is remembered beside the list.
    """
    root = read_root(root_path.read_bytes())
    version_path = trust_list_path.with_name(VERSION_FILE)
    try:
        trust_list = verify_trust_list(
            trust_list_path.read_bytes(),
            root.keys,
            root.code_format.environment,
            now=now,
            last_version=read_version(version_path),
        )
    except TrustListRefused:
        return no_trust(scenario)
    version_path.write_text(f"{trust_list.version}\n")
    policy = trust_list.scenarios.get(scenario)
    if policy is None:
        return no_trust(scenario)
    return verify_offline(
        code_text,
        trust_list=trust_list,
        status_lists=read_status_lists(status_directory, trust_list, root.code_format, now),
        policy=policy,
        code_format=root.code_format,
        now=now,
    )


def read_status_lists(
    directory: Path, trust_list: VerifiedTrustList, code_format: CodeFormat, now: datetime
) -> dict[int, VerifiedStatusList]:
    """Every status list in `directory` that can be believed, by shard; others count as missing."""
    found: dict[int, VerifiedStatusList] = {}
    for path in sorted(directory.glob(f"*{STATUS_SUFFIX}")):
        if not path.stem.isdecimal():
            continue
        shard = int(path.stem)
        try:
            found[shard] = verify_status_list(
                path.read_bytes(),
                lambda message: status_list_key(trust_list, message, now),
                shard=shard,
                host=code_format.host,
                environment=code_format.environment,
            )
        except Refused:
            continue
    return found


def export_files(fetch: Callable[[str], bytes], directory: Path) -> None:
    """Saves what an offline verifier needs. `fetch` gets a path of the city's public API and returns the body.

    The root is written only where none lies yet: whoever believes a root anew each time believes anybody.
    """
    (directory / STATUS_FOLDER).mkdir(parents=True, exist_ok=True)
    if not (directory / ROOT_FILE).exists():
        (directory / ROOT_FILE).write_bytes(fetch("/v1/trust-root"))
    (directory / LIST_FILE).write_bytes(fetch("/v1/trust-list"))
    shards: list[int] = msgspec.json.decode(fetch("/v1/status"))["items"]
    for shard in shards:
        (directory / STATUS_FOLDER / f"{shard}{STATUS_SUFFIX}").write_bytes(fetch(f"/v1/status/{shard}"))


def read_version(path: Path) -> int | None:
    """The highest version believed here, or None before the first."""
    return int(path.read_text()) if path.exists() else None


def no_trust(scenario: int) -> VerificationResult:
    """The verdict of a verifier that has no list to go by."""
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


def _public(jwk: dict[str, str]) -> PublicJwk:
    return msgspec.convert(jwk, PublicJwk)
