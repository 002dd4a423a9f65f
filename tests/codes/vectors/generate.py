"""Writes `vectors.json`: codes and the verdict that each must have, for verifiers in any language (see README.md).

Run it as `python -m tests.codes.vectors.generate`. Keys and signatures are the same at every run, so a difference in
the file is a difference in the format.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.kit.keyring import PROFILE_ES256, VerifyKey, public_jwk
from codes.envelope import cbor, cose
from codes.envelope.claims import SHARD_INDICES, Claims, Kind, encode_claims
from codes.envelope.cose import Environment, ObjectType, external_aad
from codes.envelope.presentation import PROTECTED_HEAD, encode_grant
from codes.showing.grants.pointers import Pointers
from codes.status.changes import encode_changes
from codes.status.models import Status, StatusEntry, encode_status_list, pack
from codes.trust.document import TrustList, certify_list_key, encode_trust_list
from tests.codes.signed import (
    COUNTER,
    ENVIRONMENT,
    FIRE,
    FORMAT,
    GRANT_KEY,
    GRANT_KEY_2,
    HOTEL,
    KEYS,
    LIBRARY,
    LIST_KEY,
    NOW,
    NOW_SECONDS,
    PHONE,
    PLACE_KEY,
    POLICIES,
    RACE,
    ROOT_KEY,
    SHARD,
    STATUS_KEY,
    STRANGER_KEY,
    TRUST_LIST,
    a_claims,
    a_paper,
    a_personal_code,
    a_sticker,
    as_bytes,
    as_text,
    high_s_twin,
    signed_by_issuer,
    signed_by_phone,
    trusted,
)

FILE = Path(__file__).with_name("vectors.json")
SUSPENDED_INDEX, REVOKED_INDEX, RESTORED_INDEX, CHANGED_INDEX, DECOY_INDEX = 80_000, 80_001, 80_002, 80_003, 80_004
LIST_STEP = 7
POINTER_KEY = bytes(range(32))
DEAR_LIFE = timedelta(days=30)


def a_vector(name: str, reason: str, code: str, scenario: int = LIBRARY.number, **changes: Any) -> dict[str, Any]:
    """One case: `now` and the lists are the good ones unless `changes` say otherwise."""
    facts = {
        "now": NOW.isoformat(),
        "mode": "offline",
        "trust_list": "good",
        "status_list": "good",
        "changes": None,
        "last_version": None,
        "holder_checked": False,
    }
    return {"name": name, "reason": reason, "code": code, "scenario": scenario} | facts | changes


def vectors() -> Iterator[dict[str, Any]]:
    """Every case."""
    yield from accepted()
    yield from forged()
    yield from bent()
    yield from out_of_time()
    yield from void()
    yield from out_of_place()


def accepted() -> Iterator[dict[str, Any]]:
    """What a verifier must let pass."""
    yield a_vector("a fresh personal code", "OK", a_personal_code())
    yield a_vector("opened without context where that is enough", "OK", a_personal_code(scenario=0))
    yield a_vector("an enterprise code on a wall", "OK", a_sticker(), FIRE.number)
    yield a_vector("suspended, then restored", "OK", a_personal_code(claims=a_claims(index=RESTORED_INDEX)))
    yield a_vector("60 s old, offline", "OK", a_personal_code(iat=NOW_SECONDS - 60))
    yield a_vector("30 s ahead", "OK", a_personal_code(iat=NOW_SECONDS + 30))
    yield a_vector("the high-s twin, which only the replay guard can tell", "OK", high_s_twin(a_personal_code()))
    yield a_vector("45 s old, online", "OK", a_personal_code(iat=NOW_SECONDS - 45), mode="online")
    yield a_vector("a grant under a key of the second profile", "OK", a_personal_code(issuer=GRANT_KEY_2))
    family = a_personal_code(claims=a_claims(kind=Kind.F))
    yield a_vector("a family code", "OK", family)
    yield a_vector("a paper code whose holder was compared", "OK", a_paper(), COUNTER.number, holder_checked=True)


def forged() -> Iterator[dict[str, Any]]:
    """What the city, or this phone, never signed."""
    own = msgspec.structs.replace(STRANGER_KEY, kid=GRANT_KEY.kid)
    yield a_vector("a kid of the forger's own", "UNKNOWN_KEY", a_personal_code(issuer=STRANGER_KEY))
    yield a_vector("a forged issuer under a known kid", "BAD_ISSUER_SIGNATURE", a_personal_code(issuer=own))
    yield a_vector("another grant under a valid presentation", "BAD_DEVICE_SIGNATURE", swapped_grant())
    stranger = msgspec.structs.replace(PHONE, private_key=STRANGER_KEY.private_key)
    yield a_vector("signed by another phone", "BAD_DEVICE_SIGNATURE", a_personal_code(phone=stranger))
    yield a_vector("the issuer's algorithm swapped", "ALG_MISMATCH", grant_with_headers({1: -8, 4: GRANT_KEY.kid}))
    second = grant_with_headers({1: -7, 4: GRANT_KEY_2.kid})
    yield a_vector("the second profile's key under the first one's name", "ALG_MISMATCH", second)
    crossed = msgspec.structs.replace(GRANT_KEY, kid=GRANT_KEY_2.kid)
    yield a_vector(
        "the first profile's signature under the second one's key", "ALG_MISMATCH", a_personal_code(issuer=crossed)
    )
    head = cbor.encode({1: -8})[:-1] + b"\x27\x0d"
    other_algorithm = b"\xa2" + head[1:]
    yield a_vector(
        "the phone's algorithm swapped", "ALG_MISMATCH", as_text(signed_by_phone(good_grant(), head=other_algorithm))
    )
    yield a_vector("the kid only in the unprotected header", "UNKNOWN_KEY", kid_unprotected())
    yield a_vector("no kid at all", "UNKNOWN_KEY", grant_with_headers({1: -7}))
    yield a_vector("a place's key under a person's grant", "KEY_NOT_FOR_KIND", a_personal_code(issuer=PLACE_KEY))
    wall = a_sticker(issuer=GRANT_KEY)
    yield a_vector("a person's key under an enterprise code", "KEY_NOT_FOR_KIND", wall, FIRE.number)
    production = a_personal_code(environment=Environment.PRODUCTION)
    yield a_vector("a code of another environment", "BAD_ISSUER_SIGNATURE", production)
    yield a_vector("DER instead of r‖s", "MALFORMED", der_signature())


def bent() -> Iterator[dict[str, Any]]:
    """What is not in the one encoding."""
    good = a_personal_code()
    yield a_vector("index outside its shard", "MALFORMED", a_personal_code(claims=a_claims(index=SHARD_INDICES)))
    claims = encode_claims(a_claims())
    twice = bytes((claims[0] + 1,)) + claims[1:7] + claims[1:]
    yield a_vector("duplicate keys", "MALFORMED", as_text(signed_by_phone(signed_by_issuer(twice))))
    endless = b"\xbf" + claims[1:] + b"\xff"
    yield a_vector("indefinite length", "MALFORMED", as_text(signed_by_phone(signed_by_issuer(endless))))
    long_head = b"\xb8" + bytes((claims[0] & 31,)) + claims[1:]
    yield a_vector("a head longer than needed", "MALFORMED", as_text(signed_by_phone(signed_by_issuer(long_head))))
    yield a_vector("two megabytes claimed", "MALFORMED", as_text(b"\xd2\x84\x5a\x00\x20\x00\x00" + bytes(100)))
    yield a_vector("two megabytes sent", "TOO_LARGE", FORMAT.prefix + "0" * 900)
    yield a_vector("base45 GGW", "MALFORMED", good[:-3] + "GGW")
    yield a_vector("base45 ::", "MALFORMED", FORMAT.prefix + "::")
    yield a_vector("lower case", "MALFORMED", FORMAT.prefix + good.removeprefix(FORMAT.prefix).lower())
    yield a_vector("trailing bytes", "MALFORMED", as_text(as_bytes(good) + b"\x00"))
    yield a_vector("tag 18 twice", "MALFORMED", as_text(cbor.TAG_COSE_SIGN1 + as_bytes(good)))
    yield a_vector("no tag", "MALFORMED", as_text(as_bytes(good)[1:]))
    huge = good[:60] + "Ａ" + good[61:]
    yield a_vector("a full-width letter", "MALFORMED", huge)
    yield a_vector("a paper code with a key", "MALFORMED", a_paper(a_claims(kind=Kind.L)), COUNTER.number)
    yield a_vector("a version to come", "UNKNOWN_VERSION", "SSM2:" + good.removeprefix(FORMAT.prefix))


def out_of_time() -> Iterator[dict[str, Any]]:
    """What was true, or will be."""
    yield a_vector("61 s old, offline", "STALE_CODE", a_personal_code(iat=NOW_SECONDS - 61))
    yield a_vector("46 s old, online", "STALE_CODE", a_personal_code(iat=NOW_SECONDS - 46), mode="online")
    yield a_vector("31 s ahead", "CLOCK_SKEW", a_personal_code(iat=NOW_SECONDS + 31))
    ended = a_claims(expires_at=NOW_SECONDS)
    yield a_vector("an expired grant, freshly signed", "GRANT_EXPIRED", a_personal_code(claims=ended))
    early = (NOW - timedelta(days=2)).isoformat()
    old = a_personal_code(iat=NOW_SECONDS - 2 * 86400)
    yield a_vector("signed before the key's time", "NOT_YET_VALID", old, now=early)
    yield a_vector(
        "a stale trust list, where the door closes", "TRUST_LIST_STALE", later_code(), HOTEL.number, now=TOMORROW
    )
    yield a_vector(
        "a rolled-back trust list", "TRUST_LIST_STALE", a_personal_code(), last_version=TRUST_LIST.version + 1
    )


def void() -> Iterator[dict[str, Any]]:
    """What was taken back."""
    yield a_vector("suspended", "SUSPENDED", a_personal_code(claims=a_claims(index=SUSPENDED_INDEX)))
    yield a_vector("revoked", "REVOKED", a_personal_code(claims=a_claims(index=REVOKED_INDEX)))
    changed = a_personal_code(claims=a_claims(index=CHANGED_INDEX))
    yield a_vector("revoked since the list, before it was told", "OK", changed)
    yield a_vector("revoked since the list, by the changes after it", "REVOKED", changed, changes="good")
    restored = a_personal_code(claims=a_claims(index=SUSPENDED_INDEX))
    yield a_vector("restored since the list, by the changes after it", "OK", restored, changes="good")
    at_hotel = a_personal_code(scenario=HOTEL.number)
    yield a_vector("no status list, where the door closes", "STATUS_UNKNOWN", at_hotel, HOTEL.number, status_list=None)


def out_of_place() -> Iterator[dict[str, Any]]:
    """What is good elsewhere."""
    yield a_vector("another scenario", "SCENARIO_MISMATCH", a_personal_code(), HOTEL.number)
    yield a_vector("no scenario where one is needed", "SCENARIO_MISMATCH", a_personal_code(scenario=0), HOTEL.number)
    yield a_vector("a personal code at an enterprise gate", "WRONG_CARRIER", a_personal_code(), FIRE.number)
    yield a_vector("an enterprise code at a personal gate", "WRONG_CARRIER", a_sticker())
    at_race = a_personal_code(scenario=RACE.number)
    yield a_vector("high value without the venue's nonce", "HOLDER_CHECK_REQUIRED", at_race, RACE.number)
    yield a_vector("a paper code whose holder nobody compared", "HOLDER_CHECK_REQUIRED", a_paper(), COUNTER.number)
    yield a_vector("a paper code at a gate that takes none", "WRONG_CARRIER", a_paper(), holder_checked=True)
    elsewhere = a_personal_code(cnonce=b"of another scan!")
    yield a_vector("made for another scan", "REPLAYED", elsewhere)


def sequences() -> Iterator[dict[str, Any]]:
    """Scans one after another, at any scanners of the city: what only the replay guard, unique (cti, iat), can tell."""
    code, later = a_personal_code(), a_personal_code(iat=NOW_SECONDS - 4)
    yield {"name": "same code at two scanners", "scans": [[code, "OK"], [code, "REPLAYED"]]}
    yield {"name": "the high-s twin of an accepted code", "scans": [[code, "OK"], [high_s_twin(code), "REPLAYED"]]}
    yield {"name": "the same grant, another second", "scans": [[code, "OK"], [later, "OK"], [later, "REPLAYED"]]}
    other = a_personal_code(claims=a_claims(cti=bytes(16)))
    yield {"name": "another grant, the same second", "scans": [[code, "OK"], [other, "OK"]]}
    refused = a_personal_code(claims=a_claims(index=SUSPENDED_INDEX))
    yield {"name": "a refusal uses nothing up", "scans": [[refused, "SUSPENDED"], [refused, "SUSPENDED"]]}


def pointers() -> dict[str, Any]:
    """What the city's own key opens a `cti` to: one AES-256 block over batch 8, number 1, zeros 7."""
    seal = Pointers(POINTER_KEY)
    true = seal.seal(5_000_000_001, 8)
    cipher = Cipher(algorithms.AES(POINTER_KEY), modes.ECB()).encryptor()
    bent = cipher.update((5_000_000_001).to_bytes(8, "big") + b"\x00" + bytes(6) + b"\x01")
    return {
        "key": POINTER_KEY.hex(),
        "opens": [{"cti": cti.hex(), "batch": 5_000_000_001, "number": number} for number, cti in enumerate(true)],
        "refused": {
            "wrong padding": bent.hex(),
            "invented": bytes(range(16)).hex(),
            "one bit": _flipped(true[0]).hex(),
        },
    }


def _flipped(cti: bytes) -> bytes:
    return bytes((cti[0] ^ 1,)) + cti[1:]


TOMORROW = (NOW + timedelta(days=1)).isoformat()


def later_code() -> str:
    """Fresh tomorrow, when the trust list is a day old."""
    tomorrow = NOW_SECONDS + 86400
    return a_personal_code(claims=a_claims(expires_at=tomorrow + 60), iat=tomorrow, scenario=HOTEL.number)


def good_grant(claims: Claims | None = None) -> bytes:
    """A grant as issued, untagged."""
    return encode_grant(claims or a_claims(), GRANT_KEY, ENVIRONMENT).data


def swapped_grant() -> str:
    """A valid presentation whose grant was replaced by another valid one of the same phone."""
    payload = cbor.encode({6: NOW_SECONDS - 5, -70002: LIBRARY.number})
    aad = external_aad(ObjectType.PRESENTATION, ENVIRONMENT)
    signature = PHONE.sign(cose.to_be_signed(PROTECTED_HEAD + good_grant(), aad, payload))
    other = PROTECTED_HEAD + good_grant(a_claims(cti=bytes(16)))
    return as_text(cbor.TAG_COSE_SIGN1 + cose.assemble(other, payload, signature))


def grant_with_headers(headers: dict[int, Any]) -> str:
    """A code whose grant is rightly signed over other headers."""
    return as_text(signed_by_phone(signed_by_issuer(headers=headers)))


def kid_unprotected() -> str:
    """The kid moved to where it is not signed."""
    grant = signed_by_issuer(headers={1: -7})
    empty, moved = b"\xa0", cbor.encode({4: GRANT_KEY.kid})
    at = grant.index(empty)
    return as_text(signed_by_phone(grant[:at] + moved + grant[at + 1 :]))


def der_signature() -> str:
    """The phone's signature as most libraries give it."""
    data = as_bytes(a_personal_code())
    r, s = int.from_bytes(data[-64:-32], "big"), int.from_bytes(data[-32:], "big")
    der = encode_dss_signature(r, s)
    return as_text(data[:-66] + cbor.bytes_head(len(der)) + der)


def a_trust_list() -> bytes:
    """The list that all vectors go by."""
    content = TrustList(
        version=TRUST_LIST.version,
        issued_at=TRUST_LIST.issued_at,
        next_update_at=TRUST_LIST.next_update_at,
        keys=KEYS,
        scenarios=POLICIES,
    )
    list_key = trusted(LIST_KEY)
    certificate = certify_list_key(
        list_key.verifying_key, ROOT_KEY, ENVIRONMENT, now=NOW - timedelta(days=3), life=DEAR_LIFE
    )
    return encode_trust_list(content, LIST_KEY, certificate, ENVIRONMENT)


def a_status_list() -> bytes:
    """Three codes of the shard changed; one of them was restored."""
    entries = [
        StatusEntry(shard=SHARD, index=SUSPENDED_INDEX, status=Status.SUSPENDED),
        StatusEntry(shard=SHARD, index=REVOKED_INDEX, status=Status.INVALID),
    ]
    return encode_status_list(
        pack(entries),
        shard=SHARD,
        host=FORMAT.host,
        now=NOW,
        signer=STATUS_KEY,
        environment=ENVIRONMENT,
        step=LIST_STEP,
    )


def some_changes() -> bytes:
    """After the list: one code was revoked, one restored, and a place of nobody's was marked to hide the two."""
    entries = [
        StatusEntry(shard=SHARD, index=CHANGED_INDEX, status=Status.INVALID),
        StatusEntry(shard=SHARD, index=SUSPENDED_INDEX, status=Status.VALID),
        StatusEntry(shard=SHARD + 2, index=DECOY_INDEX, status=Status.INVALID),
    ]
    return encode_changes(
        entries,
        after=LIST_STEP,
        until=LIST_STEP + 3,
        host=FORMAT.host,
        now=NOW,
        signer=STATUS_KEY,
        environment=ENVIRONMENT,
    )


def root() -> dict[str, Any]:
    """As `GET /v1/trust-root` shows it."""
    key = VerifyKey(
        kid=(ROOT_KEY.kid or b"").hex(),
        purpose="trust_root",
        profile=PROFILE_ES256,
        state="active",
        not_before=datetime.fromtimestamp(0, NOW.tzinfo),
        not_after=None,
        public_key=ROOT_KEY.private_key.public_key(),
    )
    format_of_city = {"environment": ENVIRONMENT.value, "prefix": FORMAT.prefix, "host": FORMAT.host}
    return format_of_city | {"keys": [public_jwk(key)]}


def generate() -> dict[str, Any]:
    """The whole file."""
    return {
        "root": root(),
        "trust_list": a_trust_list().hex(),
        "status_list": {"shard": SHARD, "data": a_status_list().hex()},
        "changes": some_changes().hex(),
        "kinds": {kind.name: int(kind) for kind in Kind},
        "vectors": list(vectors()),
        "sequences": list(sequences()),
        "pointers": pointers(),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(generate(), ensure_ascii=False, indent=1) + "\n")
