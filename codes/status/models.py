"""The status of a code, and the signed list of a shard: 2^20 codes of 2 bits each (IETF Token Status List, CWT form).

Pure. Refuses a list whose inflated size is not what its bits need, before inflating more than that.
"""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from app.kit.structs import Model
from codes.envelope import cbor, cose
from codes.envelope.claims import SHARD_INDICES, is_time, is_whole
from codes.envelope.cose import Environment, KeyLookup, ObjectType, external_aad
from codes.envelope.profiles import Signer
from codes.verdict import Reason, Refused

BITS = 2
PER_BYTE = 8 // BITS
MASK = (1 << BITS) - 1
SHARD_BYTES = SHARD_INDICES // PER_BYTE
TTL_SECONDS = 300
SUBJECT, ISSUED_AT, TTL, STATUS_LIST, UNTIL = 2, 6, 65534, 65533, -70031
LARGEST_STEP = (1 << 53) - 1
NO_STEP = -1
TYPE_HEADER, TYPE = 16, "application/statuslist+cwt"


class Status(IntEnum):
    """The registered values of the draft, section 7.1."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


STATUSES = {int(status): status for status in Status}


class StatusPointer(Model):
    """Where the status of one code stands."""

    shard: int
    index: int


class StatusEntry(Model):
    """A code that is not valid."""

    shard: int
    index: int
    status: Status


class VerifiedStatusList(Model):
    """A list whose signature was checked, with every change up to `step`."""

    shard: int
    issued_at: datetime
    ttl_seconds: int
    packed: bytes
    step: int = NO_STEP

    def find_status(self, index: int) -> Status | None:
        """The status at `index`; None when the list does not reach there or the value is nobody's."""
        if index >= len(self.packed) * PER_BYTE:
            return None
        value = self.packed[index // PER_BYTE] >> (index % PER_BYTE * BITS) & MASK
        return STATUSES.get(value)


def pack(entries: Iterable[StatusEntry]) -> bytes:
    """A whole shard: index 0 in the lowest bits of byte 0."""
    packed = bytearray(SHARD_BYTES)
    for entry in entries:
        packed[entry.index // PER_BYTE] |= entry.status << (entry.index % PER_BYTE * BITS)
    return bytes(packed)


def origin_of(host: str) -> str:
    """Where the lists of a city are published."""
    return host if "://" in host else f"https://{host}"


def status_uri(host: str, shard: int) -> str:
    """The name of a list, which is signed into it."""
    return f"{origin_of(host)}/v1/status/{shard}"


def encode_status_list(
    packed: bytes,
    *,
    shard: int,
    host: str,
    now: datetime,
    signer: Signer,
    environment: Environment,
    step: int = 0,
) -> bytes:
    """The signed list of a shard with every change up to `step`, as published."""
    claims = {
        SUBJECT: status_uri(host, shard),
        ISSUED_AT: int(now.timestamp()),
        TTL: TTL_SECONDS,
        STATUS_LIST: {"bits": BITS, "lst": zlib.compress(packed, level=9)},
        UNTIL: step,
    }
    aad = external_aad(ObjectType.STATUS_LIST, environment)
    return cose.cose_sign1_sign(cbor.encode(claims), signer, aad=aad, protected={TYPE_HEADER: TYPE})


def verify_status_list(
    data: bytes, key_lookup: KeyLookup, *, shard: int, host: str, environment: Environment
) -> VerifiedStatusList:
    """The list in `data`; raises `Refused`. It must be the list of `shard`, not another one of the city's."""
    aad = external_aad(ObjectType.STATUS_LIST, environment)
    message = cose.cose_sign1_verify(data, key_lookup, aad, cbor.DOCUMENT)
    claims = cbor.decode(message.payload, cbor.DOCUMENT)
    match claims:
        case {2: subject, 6: issued_at, 65534: int(ttl), 65533: {"bits": 2, "lst": bytes(compressed)}} if (
            message.protected.get(TYPE_HEADER) == TYPE and is_time(issued_at) and subject == status_uri(host, shard)
        ):
            return VerifiedStatusList(
                shard=shard,
                issued_at=datetime.fromtimestamp(issued_at, UTC),
                ttl_seconds=ttl,
                packed=inflate(compressed),
                step=_step_of(claims),
            )
    raise Refused(Reason.STATUS_UNKNOWN, "status list")


def _step_of(claims: dict[int, Any]) -> int:
    """A private claim: the list of another city that knows no steps follows on none."""
    step = claims.get(UNTIL)
    return step if is_whole(step, LARGEST_STEP) else NO_STEP


def inflate(compressed: bytes, largest: int = SHARD_BYTES) -> bytes:
    """The bits of a list, never more than `largest` bytes of them; raises `Refused` (STATUS_UNKNOWN)."""
    inflater = zlib.decompressobj()
    try:
        packed = inflater.decompress(compressed, largest + 1)
    except zlib.error:
        raise Refused(Reason.STATUS_UNKNOWN, "status list zlib") from None
    if len(packed) > largest or not inflater.eof or inflater.unused_data:
        raise Refused(Reason.STATUS_UNKNOWN, "status list size")
    return packed
