"""What changed since a list was pulled: a small signed document that carries a verifier from one step to the latest.

Pure. Changes are published in numbered steps, each filled up with decoys; a document older than the last one seen is
refused, and one that does not follow on a list makes it safer but not younger.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.kit.structs import Model
from codes.envelope import cbor, cose
from codes.envelope.claims import LARGEST_SHARD, SHARD_INDICES, is_time, is_whole
from codes.envelope.cose import Environment, KeyLookup, ObjectType, external_aad
from codes.envelope.profiles import Signer
from codes.status.models import (
    BITS,
    ISSUED_AT,
    LARGEST_STEP,
    MASK,
    PER_BYTE,
    STATUSES,
    SUBJECT,
    TTL,
    TYPE_HEADER,
    UNTIL,
    Status,
    StatusEntry,
    VerifiedStatusList,
    origin_of,
)
from codes.verdict import Reason, Refused

TYPE = "application/suishen-status-changes+cwt"
AFTER, CHANGES = -70030, -70032
PULL_EVERY_SECONDS = 30
SMALLEST_STEP = 32
MOST_DECOYS = 4096


class VerifiedChanges(Model):
    """Every change after step `after` up to step `until`, as of `issued_at`: the last status of each place."""

    after: int
    until: int
    issued_at: datetime
    statuses: Mapping[int, Mapping[int, Status]]


def decoys_for(changes: int) -> int:
    """How many places of nobody's join `changes` of one sort: at least as many, up to a size that says little."""
    size = max(SMALLEST_STEP, 1 << (2 * changes - 1).bit_length())
    return min(size - changes, MOST_DECOYS)


def changes_uri(host: str) -> str:
    """The name of the document, which is signed into it."""
    return f"{origin_of(host)}/v1/status/changes"


def encode_changes(
    entries: Iterable[StatusEntry],
    *,
    after: int,
    until: int,
    host: str,
    now: datetime,
    signer: Signer,
    environment: Environment,
) -> bytes:
    """The signed document, as published. `entries` hold one status for each place."""
    shards: dict[int, dict[int, list[int]]] = {}
    for entry in entries:
        shards.setdefault(entry.shard, {}).setdefault(int(entry.status), []).append(entry.index)
    claims = {
        SUBJECT: changes_uri(host),
        ISSUED_AT: int(now.timestamp()),
        TTL: PULL_EVERY_SECONDS,
        AFTER: after,
        UNTIL: until,
        CHANGES: {
            shard: {status: sorted(indices) for status, indices in statuses.items()}
            for shard, statuses in shards.items()
        },
    }
    aad = external_aad(ObjectType.STATUS_CHANGES, environment)
    return cose.cose_sign1_sign(cbor.encode(claims), signer, aad=aad, protected={TYPE_HEADER: TYPE})


def verify_changes(
    data: bytes, key_lookup: KeyLookup, *, host: str, environment: Environment, last_until: int = 0
) -> VerifiedChanges:
    """The changes in `data`; raises `Refused`. `last_until` is the highest step this verifier has ever believed."""
    aad = external_aad(ObjectType.STATUS_CHANGES, environment)
    message = cose.cose_sign1_verify(data, key_lookup, aad, cbor.DOCUMENT)
    claims = cbor.decode(message.payload, cbor.DOCUMENT)
    match claims:
        case {2: subject, 6: issued_at, -70030: after, -70031: until, -70032: dict(shards)} if (
            message.protected.get(TYPE_HEADER) == TYPE
            and subject == changes_uri(host)
            and is_time(issued_at)
            and is_whole(until, LARGEST_STEP)
            and is_whole(after, until)
        ):
            if until < last_until:
                raise Refused(Reason.STATUS_UNKNOWN, "status changes rolled back")
            return VerifiedChanges(
                after=after,
                until=until,
                issued_at=datetime.fromtimestamp(issued_at, UTC),
                statuses={_shard(shard): _statuses_of(found) for shard, found in shards.items()},
            )
    raise Refused(Reason.STATUS_UNKNOWN, "status changes")


def apply_changes(found: VerifiedStatusList, changes: VerifiedChanges) -> VerifiedStatusList:
    """`found` with what changed since. It grows younger only when no step lies between the two."""
    if changes.until < found.step:
        return found
    patched = msgspec.structs.replace(found, packed=_patch(found.packed, changes.statuses.get(found.shard, {})))
    if changes.after > found.step:
        return patched
    return msgspec.structs.replace(patched, step=changes.until, issued_at=max(found.issued_at, changes.issued_at))


def _patch(packed: bytes, statuses: Mapping[int, Status]) -> bytes:
    if not statuses:
        return packed
    bits = bytearray(packed)
    for index, status in statuses.items():
        place, shift = index // PER_BYTE, index % PER_BYTE * BITS
        if place < len(bits):
            bits[place] = bits[place] & ~(MASK << shift) | status << shift
    return bytes(bits)


def _shard(shard: Any) -> int:
    if not is_whole(shard, LARGEST_SHARD):
        raise Refused(Reason.STATUS_UNKNOWN, "status changes shard")
    return shard


def _statuses_of(found: Any) -> dict[int, Status]:
    """Index to status; raises `Refused` for a status that nobody knows and for a place that stands there twice."""
    statuses: dict[int, Status] = {}
    for number, indices in found.items() if isinstance(found, dict) else [(None, None)]:
        status = STATUSES.get(number) if isinstance(number, int) else None
        if status is None or not isinstance(indices, list):
            raise Refused(Reason.STATUS_UNKNOWN, "status changes entry")
        for index in indices:
            if not is_whole(index, SHARD_INDICES - 1) or index in statuses:
                raise Refused(Reason.STATUS_UNKNOWN, "status changes place")
            statuses[index] = status
    return statuses
