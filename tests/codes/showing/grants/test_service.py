"""Eight grants for eight fresh keys of the caller's own phone, and their end."""

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from auth.devices.errors import DeviceUnknown
from auth.errors import IdentityLevelTooLow
from codes.envelope import cbor, cose
from codes.envelope.claims import Kind, parse_claims
from codes.errors import DeviceNotReady, GrantRequestInvalid, GrantRequestReused, GrantsExhausted
from codes.showing.grants.models import GrantsView, IssueGrants, RevokeCodes
from codes.status.models import Status, StatusPointer
from tests.codes.enterprise_city import a_principal, jwk_of
from tests.codes.personal_city import City, Phone, from_base64url


def claims_of(view: GrantsView) -> list[Any]:
    messages = [cose.sign1_of(cbor.decode(from_base64url(given.grant))) for given in view.grants]
    return [parse_claims(message.payload) for message in messages]


async def test_eight_grants_in_one_call(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = Phone(city, city.people.add())
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    view = await city.codes.grants.issue(connection, phone.principal, phone.request(keys))
    claims = claims_of(view)
    assert [claim.device_key for claim in claims] == [key.public_key() for key in keys]
    assert {claim.kind for claim in claims} == {Kind.P}
    assert len({claim.cti for claim in claims}) == 8
    assert len({(claim.shard, claim.index) for claim in claims}) == 8
    assert all(claim.facts is None for claim in claims)
    assert await connection.fetchval("select count(*) from codes.grant_batch") == 1
    for given, claim in zip(view.grants, claims, strict=True):
        assert given.expires_at.timestamp() == claim.expires_at
        assert claim.expires_at % 600 == 0
        assert timedelta(hours=19, minutes=50) <= given.expires_at - clock.now() <= timedelta(hours=24)
    assert view.refill_after == clock.now() + timedelta(hours=12)


async def test_nothing_in_a_grant_tells_which_others_it_was_given_with(city: City, connection: Connection) -> None:
    phones = [await city.a_phone(connection) for _ in range(2)]
    messages = [[cose.sign1_of(cbor.decode(data)) for data, _ in phone.grants] for phone in phones]
    assert len({message.protected_bytes for held in messages for message in held}) == 1
    for held in messages:
        claims = [parse_claims(message.payload) for message in held]
        for drawn in ([claim.cti for claim in claims], [message.signature for message in held]):
            assert all(len(set(column)) > 1 for column in zip(*drawn, strict=True))
        places = sorted(claim.shard << 20 | claim.index for claim in claims)
        assert all(after - before > 8 for before, after in itertools.pairwise(places))


REQUEST_FAULTS: dict[str, dict[str, Any]] = {
    "another device's id": {"iss": str(new_id())},
    "no device id": {"iss": "me"},
    "another audience": {"aud": "http://evil.example"},
    "an old request": {"iat": 1},
    "a request from the future": {"iat": 1 << 40},
    "a time that is no number": {"iat": True},
    "a short jti": {"jti": "1"},
    "a jti with a newline": {"jti": "0123456789abcdef\n"},
    "a jti with a zero byte": {"jti": "0123456789abcdef\x00"},
    "no keys": {"keys": []},
    "another type": {"typ": "device-proof+jwt"},
    "a key of its own": {"key": ec.generate_private_key(ec.SECP256R1())},
}


@pytest.mark.parametrize("changes", REQUEST_FAULTS.values(), ids=REQUEST_FAULTS.keys())
async def test_a_request_that_is_not_right_is_refused(
    city: City, connection: Connection, changes: dict[str, Any]
) -> None:
    phone = Phone(city, city.people.add())
    with pytest.raises(GrantRequestInvalid):
        await city.codes.grants.issue(connection, phone.principal, phone.request(**changes))
    assert await connection.fetchval("select count(*) from codes.grant_batch") == 0


async def test_bad_keys_are_refused(city: City, connection: Connection) -> None:
    phone = Phone(city, city.people.add())
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    good = [jwk_of(key) for key in keys]
    bad = [
        good[:7],
        [*good, jwk_of(phone.key)],
        [*good[:7], good[0]],
        [*good[:7], jwk_of(phone.key)],
        [*good[:7], good[7] | {"crv": "P-384"}],
        [*good[:7], good[7] | {"x": "A" * 43}],
        [*good[:7], good[7] | {"d": "A" * 43}],
        [*good[:7], "key"],
    ]
    for content in bad:
        with pytest.raises(GrantRequestInvalid):
            await city.codes.grants.issue(connection, phone.principal, phone.request(keys=content))


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 4096, jwt.encode({}, "0" * 32, algorithm="HS256")])
async def test_what_is_no_signed_request_is_refused(city: City, connection: Connection, token: str) -> None:
    phone = Phone(city, city.people.add())
    with pytest.raises(GrantRequestInvalid):
        await city.codes.grants.issue(connection, phone.principal, IssueGrants(request=token))


async def refusal_of(
    city: City, connection: Connection, phone: Phone, principal: Any, request: IssueGrants
) -> type[SuishenError]:
    with pytest.raises(SuishenError) as refused:
        await city.codes.grants.issue(connection, principal, request)
    return type(refused.value)


async def test_only_one_s_own_active_device_gets_grants(city: City, connection: Connection) -> None:
    phone = Phone(city, city.people.add())
    stranger = a_principal("person", device_id=phone.id)
    without = a_principal("person", subject_id=phone.person.id)
    assert await refusal_of(city, connection, phone, stranger, phone.request()) is DeviceNotReady
    assert await refusal_of(city, connection, phone, without, phone.request()) is DeviceNotReady
    unknown = IssueGrants(request=phone.request().request, device_id=new_id())
    assert await refusal_of(city, connection, phone, phone.principal, unknown) is DeviceUnknown
    for state in ("waiting", "revoked"):
        city.devices.change(phone.id, state)
        assert await refusal_of(city, connection, phone, phone.principal, phone.request()) is DeviceNotReady


@pytest.mark.parametrize("device_id", [None, new_id()], ids=["no device", "another device"])
async def test_a_session_that_is_worth_less_than_the_person_gets_no_grants(
    city: City, connection: Connection, device_id: UUID | None
) -> None:
    """Somebody with the person's number, on a phone that was not seen before, is not yet that person."""
    phone = Phone(city, city.people.add(identity_level=2))
    caller = a_principal("person", subject_id=phone.person.id, device_id=device_id, ial=1)
    request = IssueGrants(request=phone.request().request, device_id=phone.id)
    assert await refusal_of(city, connection, phone, caller, request) is IdentityLevelTooLow
    assert await connection.fetchval("select count(*) from codes.grant_batch") == 0


@pytest.mark.parametrize(
    "session", [{"ial": 1}, {"ial": 2, "device_id": None}], ids=["of the device itself", "as good as the person"]
)
async def test_a_session_of_the_device_or_as_good_as_the_person_gets_grants(
    city: City, connection: Connection, session: dict[str, Any]
) -> None:
    phone = Phone(city, city.people.add(identity_level=2))
    caller = msgspec.structs.replace(phone.principal, **session)
    request = IssueGrants(request=phone.request().request, device_id=phone.id)
    assert len((await city.codes.grants.issue(connection, caller, request)).grants) == 8


async def test_a_request_counts_once(city: City, connection: Connection) -> None:
    phone = Phone(city, city.people.add())
    request = phone.request()
    await city.codes.grants.issue(connection, phone.principal, request)
    assert await refusal_of(city, connection, phone, phone.principal, request) is GrantRequestReused


async def test_a_day_has_four_batches(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = Phone(city, city.people.add())
    for _ in range(4):
        await phone.fetch(connection)
    assert await refusal_of(city, connection, phone, phone.principal, phone.request()) is GrantsExhausted
    clock.advance(86400)
    await phone.fetch(connection)


async def statuses_of(city: City, connection: Connection, view: GrantsView) -> set[Status]:
    places = [StatusPointer(shard=claim.shard, index=claim.index) for claim in claims_of(view)]
    return {await city.codes.statuses.find_status(connection, place) for place in places}


async def test_revoking_one_device_ends_its_grants_only(city: City, connection: Connection, clock: ManualClock) -> None:
    person = city.people.add()
    lost, kept = Phone(city, person), Phone(city, person)
    of_lost, of_kept = await lost.fetch(connection), await kept.fetch(connection)
    view = await city.codes.grants.revoke(connection, kept.principal, RevokeCodes(device_id=lost.id))
    assert view.grants == 8
    assert await statuses_of(city, connection, of_lost) == {Status.INVALID}
    assert await statuses_of(city, connection, of_kept) == {Status.VALID}
    row = await connection.fetchrow("select * from kit.audit_entry where action = 'codes.revoked'")
    assert row is not None
    assert row["subject"] == f"person:{person.id}"


async def test_revoking_all_ends_every_device_s(city: City, connection: Connection) -> None:
    person = city.people.add()
    phones = [Phone(city, person), Phone(city, person)]
    views = [await phone.fetch(connection) for phone in phones]
    stranger = await city.a_phone(connection)
    view = await city.codes.grants.revoke(connection, phones[0].principal, RevokeCodes())
    assert view.grants == 16
    assert [await statuses_of(city, connection, given) for given in views] == [{Status.INVALID}] * 2
    again = await city.codes.grants.revoke(connection, phones[0].principal, RevokeCodes())
    assert again.grants == 0
    untouched = await connection.fetchval(
        "select count(*) from codes.grant_batch where device_id = $1 and revoked_at is null", stranger.id
    )
    assert untouched == 1


async def test_nobody_revokes_another_s_codes(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    with pytest.raises(DeviceNotReady):
        await city.codes.grants.revoke(connection, a_principal("person"), RevokeCodes(device_id=phone.id))


async def test_a_revoked_device_s_grants_end_with_it(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = Phone(city, city.people.add())
    view = await phone.fetch(connection)
    await city.codes.grants.device_revoked(connection, phone.id, clock.now())
    assert await statuses_of(city, connection, view) == {Status.INVALID}


async def test_ended_batches_are_forgotten(city: City, connection: Connection, clock: ManualClock) -> None:
    await city.a_phone(connection)
    clock.advance((4 * 24 + 23) * 3600)
    await city.codes.grants.forget_expired(connection)
    assert await connection.fetchval("select count(*) from codes.grant_batch") == 1
    clock.advance(2 * 3600)
    await city.codes.grants.forget_expired(connection)
    assert await connection.fetchval("select count(*) from codes.grant_batch") == 0
