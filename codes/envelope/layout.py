"""The usual personal code read in one step: deterministic encoding leaves it a single layout, which is one pattern.

A shortcut, never a second opinion: what does not fit is read by `cbor`, which also names the mistake, and what fits
gives exactly what `cbor` gives (held by a property test).
"""

import re

from app.kit.structs import Model
from codes.envelope.claims import KINDS, SHARD_INDICES, Claims
from codes.envelope.cose import ALGORITHM, KEY_ID, Sign1
from codes.envelope.profiles import COSE_ES256, CURVE, EC2, ES256, KEY_TYPE, P256, X, Y

GRANT_HEADER = 13  # kcwt: a CWT that holds the key (RFC 9528)
LARGEST_SCENARIO = 0xFFFF
TRUE = b"\xf5"
SHORT = 0x40  # the head of an empty byte string; each of up to 23 bytes adds one to it
WHOLE = rb"[\x00-\x17] | \x18[\x18-\xff] | \x19[\x01-\xff]. | \x1a(?!\x00\x00)...."  # the shortest head only
USUAL = re.compile(
    rb"""
    \xd2\x84                                           # tag 18, the phone's message: [
    \x58(.)(\xa2 \x01\x26 \x0d\x84                     #   {1: ES256, 13: the city's message, [
        \x49(\xa2 \x01\x26 \x04\x44(.{4}))             #     {1: ES256, 4: kid},
        \xa0                                           #     {},
        \x58(.)(\xa5                                   #     {
            \x04\x1a((?!\x00\x00).{4})                 #       4: exp,
            \x07\x50(.{16})                            #       7: cti,
            \x08\xa1\x01\xa4 \x01\x02 \x20\x01         #       8: {1: {1: EC2, -1: P-256,
                \x21\x58\x20(.{32}) \x22([\xf4\xf5])   #                -2: x, -3: y}},
            \x3a\x00\x01\x11\x6f \x82(WHOLE)(WHOLE)    #       -70000: [shard, index],
            \x3a\x00\x01\x11\x70 ([\x01\x02]))         #       -70001: P or F},
        \x58\x40(.{64}))                               #     signature]},
    \xa0                                               #   {},
    ([\x4d-\x51])(\xa2                                 #   {
        \x06\x1a((?!\x00\x00).{4})                     #     6: iat,
        \x3a\x00\x01\x11\x71(WHOLE))                   #     -70002: scenario},
    \x58\x40(.{64})                                    #   signature]
    """.replace(b"WHOLE", WHOLE),
    re.DOTALL | re.VERBOSE,
)


class Usual(Model):
    """What the shortcut reads: both messages, unverified, and what they say."""

    device_message: Sign1
    issuer_message: Sign1
    claims: Claims
    iat: int
    scenario: int


def read_usual(data: bytes) -> Usual | None:
    """None for anything unusual, right or wrong. Raises `Refused` (MALFORMED) for a key that is not on its curve."""
    found = USUAL.fullmatch(data)
    if found is None:
        return None
    (
        device_size, device_protected, issuer_protected, kid, issuer_size, granted, exp, cti, x, y, shard, index,
        kind, issuer_signature, presented_head, presented, iat, scenario, device_signature,
    ) = found.groups()  # fmt: skip
    sizes = (device_size[0], issuer_size[0], presented_head[0] - SHORT)
    if sizes != (len(device_protected), len(granted), len(presented)):
        return None
    place, situation = _whole(index), _whole(scenario)
    if place >= SHARD_INDICES or situation > LARGEST_SCENARIO:
        return None
    device_headers = {ALGORITHM: COSE_ES256, GRANT_HEADER: [issuer_protected, {}, granted, issuer_signature]}
    issuer_headers = {ALGORITHM: COSE_ES256, KEY_ID: kid}
    return Usual(
        device_message=_message(device_protected, device_headers, presented, device_signature),
        issuer_message=_message(issuer_protected, issuer_headers, granted, issuer_signature),
        claims=Claims(
            expires_at=int.from_bytes(exp, "big"),
            cti=cti,
            shard=_whole(shard),
            index=place,
            kind=KINDS[kind[0]],
            device_key=ES256.decode_key({KEY_TYPE: EC2, CURVE: P256, X: x, Y: y == TRUE}),
        ),
        iat=int.from_bytes(iat, "big"),
        scenario=situation,
    )


def _whole(encoded: bytes) -> int:
    """A CBOR number: its only byte, or those after its head."""
    return int.from_bytes(encoded[1:] or encoded, "big")


def _message(protected: bytes, headers: dict[int, object], payload: bytes, signature: bytes) -> Sign1:
    return Sign1(protected_bytes=protected, protected=headers, unprotected={}, payload=payload, signature=signature)
