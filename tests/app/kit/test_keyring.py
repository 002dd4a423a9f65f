"""Signing keys: apart by purpose, sealed at rest, rotated without a gap."""

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import (
    ANNOUNCED_FOR,
    ANY_PROFILE,
    PROFILE_ED25519,
    PROFILE_ES256,
    PURPOSES,
    RETIRED_KEYS_LIVE,
    KeyNotAnnounced,
    Keyring,
    KeyUnknown,
    MissingKey,
    ProfileNotForPurpose,
)
from app.kit.vault import Vault, VaultError


def test_every_purpose_has_its_own_active_key(keyring: Keyring) -> None:
    assert len({keyring.active(purpose).kid for purpose in PURPOSES}) == len(PURPOSES)


def test_active_for_unknown_purpose_is_missing(keyring: Keyring) -> None:
    with pytest.raises(MissingKey):
        keyring.active("nonsense")


def test_find_under_another_purpose_gives_nothing(keyring: Keyring) -> None:
    assert keyring.find("grant", keyring.active("token").kid) is None


async def test_rotate_keeps_old_tokens_valid_and_signs_with_the_announced_key(
    keyring: Keyring, connection: Connection, clock: ManualClock
) -> None:
    announced = next(key.kid for key in keyring.all("token") if key.state == "next")
    token = sign_with_active(keyring, clock)
    await keyring.rotate(connection, "token")
    await keyring.load(connection)
    assert keyring.active("token").kid == announced
    assert read(token, keyring, clock)["sub"] == "x"
    assert sorted(key.state for key in keyring.all("token")) == ["active", "next", "retired"]


async def test_rotate_that_rolls_back_changes_nothing_in_memory(
    keyring: Keyring, connection: Connection, clock: ManualClock
) -> None:
    before = keyring.active("token").kid
    transaction = connection.transaction()
    await transaction.start()
    await keyring.rotate(connection, "token")
    await transaction.rollback()
    assert keyring.active("token").kid == before
    assert read(sign_with_active(keyring, clock), keyring, clock)["sub"] == "x"


async def test_rotate_with_a_key_that_nobody_has_read_yet_is_refused(
    keyring: Keyring, connection: Connection, clock: ManualClock
) -> None:
    await keyring.rotate(connection, "grant")
    with pytest.raises(KeyNotAnnounced):
        await keyring.rotate(connection, "grant")
    clock.advance(ANNOUNCED_FOR.total_seconds())
    await keyring.rotate(connection, "grant")


async def test_rotate_of_a_stolen_key_can_be_forced(keyring: Keyring, connection: Connection) -> None:
    for _ in range(3):
        await keyring.rotate(connection, "grant", force=True)
    await keyring.load(connection)
    assert sorted(key.state for key in keyring.all("grant")) == ["active", "next", "retired", "retired", "retired"]


async def test_rotate_of_the_root_must_be_forced(keyring: Keyring, connection: Connection) -> None:
    with pytest.raises(KeyNotAnnounced, match="by hand"):
        await keyring.rotate(connection, "trust_root")


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_retired_key_verifies_as_long_as_what_it_signed_and_no_longer(
    purpose: str, keyring: Keyring, connection: Connection, clock: ManualClock
) -> None:
    retired = keyring.active(purpose).kid
    await keyring.rotate(connection, purpose, force=True)
    clock.advance(RETIRED_KEYS_LIVE[purpose].total_seconds() - 1)
    await keyring.load(connection)
    assert keyring.find(purpose, retired) is not None
    clock.advance(2)
    await keyring.load(connection)
    assert keyring.find(purpose, retired) is None


async def test_load_with_another_master_key_fails(
    database: Database, connection: Connection, clock: ManualClock
) -> None:
    with pytest.raises(VaultError):
        await Keyring(database, Vault(bytes(range(1, 33))), clock).load(connection)


async def test_database_holds_one_active_key_at_most(connection: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(
            "insert into kit.signing_key select 'abcdef01', purpose, profile, state, private_sealed, created_at, null"
            " from kit.signing_key where purpose = 'token' and state = 'active'"
        )


def test_token_of_another_purpose_is_refused(keyring: Keyring, clock: ManualClock) -> None:
    token = sign_jwt(keyring.active("assertion"), typ="t", claims=claims(clock))
    with pytest.raises(InvalidToken, match="unknown key"):
        read(token, keyring, clock)


@pytest.mark.parametrize(
    "change",
    [{"iss": "other"}, {"aud": "other"}, {"aud": ["other"]}, {"exp": 1}, {"iat": 4e9}, {"nbf": 4e9}, {"exp": "soon"}],
    ids=str,
)
def test_token_with_a_wrong_claim_is_refused(change: dict[str, object], keyring: Keyring, clock: ManualClock) -> None:
    token = sign_jwt(keyring.active("token"), typ="t", claims=claims(clock) | change)
    with pytest.raises(InvalidToken):
        read(token, keyring, clock)


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "aud"])
def test_token_without_a_required_claim_is_refused(missing: str, keyring: Keyring, clock: ManualClock) -> None:
    body = claims(clock)
    del body[missing]
    with pytest.raises(InvalidToken):
        read(sign_jwt(keyring.active("token"), typ="t", claims=body), keyring, clock)


def test_token_of_another_type_is_refused(keyring: Keyring, clock: ManualClock) -> None:
    with pytest.raises(InvalidToken, match="header"):
        read(sign_jwt(keyring.active("token"), typ="other", claims=claims(clock)), keyring, clock)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "e30.e30.", "." * 9000, "é.é.é"])
def test_text_that_is_no_token_is_refused(token: str, keyring: Keyring, clock: ManualClock) -> None:
    with pytest.raises(InvalidToken):
        read(token, keyring, clock)


def claims(clock: ManualClock) -> dict[str, object]:
    now = int(clock.now().timestamp())
    return {"iss": "us", "aud": "them", "sub": "x", "iat": now, "exp": now + 60}


def sign_with_active(keyring: Keyring, clock: ManualClock) -> str:
    return sign_jwt(keyring.active("token"), typ="t", claims=claims(clock))


def read(token: str, keyring: Keyring, clock: ManualClock) -> dict[str, object]:
    def find(kid: str) -> EllipticCurvePublicKey | None:
        key = keyring.find("token", kid)
        return key.public_key if key else None

    return verify_jwt(token, find_key=find, typ="t", issuer="us", audience="them", now=clock.now())


async def test_announce_changes_the_algorithm_with_the_next_rotation(
    keyring: Keyring, connection: Connection, clock: ManualClock
) -> None:
    before = keyring.active("grant")
    await keyring.announce(connection, "grant", PROFILE_ED25519)
    with pytest.raises(KeyNotAnnounced):
        await keyring.rotate(connection, "grant")
    clock.advance(ANNOUNCED_FOR.total_seconds())
    await keyring.rotate(connection, "grant")
    await keyring.load(connection)
    profiles = {key.state: key.profile for key in keyring.all("grant")}
    assert profiles == {"retired": PROFILE_ES256, "active": PROFILE_ED25519, "next": PROFILE_ED25519}
    assert isinstance(keyring.active("grant").private_key, Ed25519PrivateKey)
    assert keyring.find("grant", before.kid) is not None


@pytest.mark.parametrize("purpose", sorted(set(PURPOSES) - ANY_PROFILE))
async def test_announce_of_another_algorithm_is_refused_where_only_one_is_understood(
    purpose: str, keyring: Keyring, connection: Connection
) -> None:
    with pytest.raises(ProfileNotForPurpose):
        await keyring.announce(connection, purpose, PROFILE_ED25519)


@pytest.mark.parametrize("state", ["active", "next", "retired"])
async def test_withdrawn_key_is_believed_by_nobody_from_that_moment(
    state: str, keyring: Keyring, connection: Connection, clock: ManualClock
) -> None:
    await keyring.rotate(connection, "grant", force=True)
    await keyring.load(connection)
    clock.advance(ANNOUNCED_FOR.total_seconds())
    kid = next(key.kid for key in keyring.all("grant") if key.state == state)
    announced = next(key.kid for key in keyring.all("grant") if key.state == "next")
    await keyring.withdraw(connection, "grant", kid)
    await keyring.load(connection)
    assert keyring.find("grant", kid) is None
    assert sorted(key.state for key in keyring.all("grant") if key.state != "retired") == ["active", "next"]
    assert (keyring.active("grant").kid == announced) == (state == "active")


@pytest.mark.parametrize(("purpose", "kid"), [("grant", "00000000"), ("token", None)])
async def test_withdraw_of_a_key_that_is_not_there_is_refused(
    purpose: str, kid: str | None, keyring: Keyring, connection: Connection
) -> None:
    with pytest.raises(KeyUnknown):
        await keyring.withdraw(connection, purpose, kid or keyring.active("grant").kid)


async def test_a_key_is_withdrawn_once(keyring: Keyring, connection: Connection) -> None:
    kid = keyring.active("receipt").kid
    await keyring.withdraw(connection, "receipt", kid)
    with pytest.raises(KeyUnknown):
        await keyring.withdraw(connection, "receipt", kid)
