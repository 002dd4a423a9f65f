"""Devices: only a fresh sign-in and the key itself enrol one, and only its owner ends it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
import pytest

from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.devices.errors import DeviceUnknown
from auth.wiring import AuthServices
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]
DAY = 86_400


async def test_first_device_is_active_at_once(phone: Phone, auth: AuthServices, connection: Connection) -> None:
    await phone.become_known()
    response = await phone.enroll(Key(), name="张三的手机")
    assert response.status_code == 201
    view = response.json()
    assert (view["state"], view["name"]) == ("active", "张三的手机")
    device = await auth.devices.get_device(connection, UUID(view["id"]))
    assert device.state == "active"
    assert device.public_key is not None
    assert (await phone.get("/v1/me/devices")).json()["items"] == [view]


async def test_further_device_waits_and_is_told(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    await phone.enroll(Key())
    assert (await phone.enroll(Key())).json()["state"] == "waiting"
    kinds = [item["kind"] for item in (await phone.get("/v1/me/messages")).json()["items"]]
    assert kinds == ["device_enrolled", "device_enrolled"]
    clock.advance(DAY)
    await phone.sign_in()
    states = [item["state"] for item in (await phone.get("/v1/me/devices")).json()["items"]]
    assert states == ["active", "active"]


async def test_revoking_the_only_device_does_not_free_the_wait_of_others(phone: Phone) -> None:
    await phone.sign_in()
    first = (await phone.enroll(Key())).json()["id"]
    await phone.enroll(Key())
    await phone.client.delete(f"/v1/me/devices/{first}", headers=phone.headers)
    states = [item["state"] for item in (await phone.get("/v1/me/devices")).json()["items"]]
    assert states == ["revoked", "waiting"]


async def test_device_that_follows_a_revoked_one_waits(phone: Phone) -> None:
    await phone.become_known()
    first = (await phone.enroll(Key())).json()["id"]
    assert (await phone.revoke_device(first)).json()["state"] == "revoked"
    assert (await phone.enroll(Key())).json()["state"] == "waiting"


async def test_one_code_by_text_message_takes_nothing_over(phone: Phone, clock: ManualClock) -> None:
    await phone.become_known()
    mine = (await phone.enroll(Key())).json()["id"]
    clock.advance(7 * DAY)
    await phone.sign_in()  # a thief, who reads one message on an unseen device
    assert (await phone.revoke_device(mine)).status_code == 200
    assert slug_of(await phone.enroll_challenge()) == "phone-alone-not-enough"
    tokens = await phone.sign_in(dpop=Key().dpop("POST", "/v1/login/otp/tokens", clock.now()))
    assert acr_of(tokens) == "ial1.aal1"


async def test_session_on_a_phone_alone_enrols_nothing_until_the_name_is_told(phone: Phone, clock: ManualClock) -> None:
    await phone.become_known()
    clock.advance(300 * DAY)
    key = Key()
    await phone.sign_in()
    body = {"name": "手机", "public_key": key.jwk, "proof": key.device_proof("a nonce")}
    refused = await phone.client.post("/v1/me/devices", json=body, headers=phone.headers)
    assert slug_of(refused) == "phone-alone-not-enough"
    await phone.come_back(clock)
    assert (await phone.enroll(key)).json()["state"] == "active"


async def test_revoking_needs_a_fresh_sign_in_of_any_level(phone: Phone, clock: ManualClock) -> None:
    await phone.become_known()
    lost = (await phone.enroll(Key())).json()["id"]
    clock.advance(301)
    await phone.renew()
    assert slug_of(await phone.revoke_device(lost)) == "step-up-required"
    await phone.sign_in()
    assert (await phone.revoke_device(lost)).json()["state"] == "revoked"


async def test_revoking_ends_the_sessions_under_the_devices_key(
    phone: Phone, new_phone: NewPhone, clock: ManualClock
) -> None:
    key = Key()
    await phone.become_known()
    early = new_phone(phone.number)
    await early.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))  # before the key was a device's
    lost = (await phone.enroll(key)).json()["id"]
    stolen = new_phone(phone.number)
    await stolen.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    assert (await phone.revoke_device(lost)).status_code == 200
    for held in (early, stolen):
        assert (await held.refresh(dpop=key.dpop("POST", "/oauth/token", clock.now()))).status_code == 400
    assert (await phone.refresh()).status_code == 200


async def test_revoking_ends_the_organizations_session_begun_under_the_key(
    phone: Phone, new_phone: NewPhone, clock: ManualClock
) -> None:
    key = Key()
    await phone.become_known(RESPONSIBLE)
    lost = (await phone.enroll(key)).json()["id"]
    body = {"credit_code": RESTAURANT.credit_code}
    claimed = await phone.client.post("/v1/organizations", json=body, headers=phone.headers)
    stolen = new_phone(phone.number)
    await stolen.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    path, token = f"/v1/organizations/{claimed.json()['id']}/session", stolen.tokens["access_token"]
    proof = key.dpop("POST", path, clock.now(), token=token)
    switched = await phone.client.post(path, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert switched.status_code == 201
    assert (await phone.revoke_device(lost)).status_code == 200
    refreshed = await stolen.refresh(
        switched.json()["refresh_token"], dpop=key.dpop("POST", "/oauth/token", clock.now())
    )
    assert refreshed.status_code == 400


def acr_of(tokens: dict[str, Any]) -> str:
    return str(jwt.decode(tokens["access_token"], options={"verify_signature": False})["acr"])


async def test_old_sign_in_needs_a_step_up(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    clock.advance(301)
    response = await phone.enroll(Key())
    assert (response.status_code, slug_of(response)) == (403, "step-up-required")
    await phone.renew()
    assert slug_of(await phone.enroll(Key())) == "step-up-required"
    await phone.sign_in()
    assert (await phone.enroll(Key())).status_code == 201


async def nonce_of(phone: Phone) -> str:
    response = await phone.client.post("/v1/me/devices/challenges", headers=phone.headers)
    return str(response.json()["nonce"])


async def test_proof_of_another_key_is_refused(phone: Phone) -> None:
    await phone.sign_in()
    other = Key().device_proof(await nonce_of(phone))
    assert slug_of(await phone.enroll(Key(), proof=other)) == "device-proof-invalid"


async def test_proof_over_a_strange_nonce_audience_or_type_is_refused(phone: Phone) -> None:
    await phone.sign_in()
    key = Key()
    for proof in (
        key.device_proof("made-up"),
        key.device_proof(await nonce_of(phone), aud="http://other.test"),
        key.device_proof(await nonce_of(phone), typ="JWT"),
        "x.y.z",
        "",
    ):
        assert slug_of(await phone.enroll(key, proof=proof)) == "device-proof-invalid"


async def test_nonce_is_good_once(phone: Phone) -> None:
    await phone.sign_in()
    nonce, key, second = await nonce_of(phone), Key(), Key()
    assert (await phone.enroll(key, proof=key.device_proof(nonce))).status_code == 201
    assert slug_of(await phone.enroll(second, proof=second.device_proof(nonce))) == "device-proof-invalid"


async def test_nonce_of_another_session_is_refused(phone: Phone, new_phone: NewPhone) -> None:
    await phone.sign_in()
    nonce, key = await nonce_of(phone), Key()
    thief = new_phone("19900000002")
    await thief.sign_in()
    assert slug_of(await thief.enroll(key, proof=key.device_proof(nonce))) == "device-proof-invalid"


async def test_expired_nonce_is_refused(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    nonce, key = await nonce_of(phone), Key()
    clock.advance(300)
    assert slug_of(await phone.enroll(key, proof=key.device_proof(nonce))) == "device-proof-invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"x": "AA"},
        {"x": "A" * 43},
        {"y": "!" * 43},
    ],
)
async def test_key_off_the_curve_is_refused(phone: Phone, change: dict[str, str]) -> None:
    await phone.sign_in()
    key = Key()
    assert slug_of(await phone.enroll(key, public_key=key.jwk | change)) == "device-proof-invalid"


async def test_private_key_is_not_taken(phone: Phone) -> None:
    await phone.sign_in()
    key = Key()
    assert (await phone.enroll(key, public_key=key.jwk | {"d": "A" * 43})).status_code == 400


@pytest.mark.parametrize("name", ["", "x" * 65])
async def test_name_without_or_beyond_measure_is_refused(phone: Phone, name: str) -> None:
    await phone.sign_in()
    assert (await phone.enroll(Key(), name=name)).status_code == 400


async def test_key_can_be_enrolled_once_by_whomever(phone: Phone, new_phone: NewPhone) -> None:
    await phone.sign_in()
    key = Key()
    await phone.enroll(key)
    assert slug_of(await phone.enroll(key)) == "device-key-taken"
    thief = new_phone("19900000002")
    await thief.sign_in()
    assert slug_of(await thief.enroll(key)) == "device-key-taken"


async def test_eleventh_device_is_refused(phone: Phone) -> None:
    await phone.sign_in()
    for _ in range(10):
        assert (await phone.enroll(Key())).status_code == 201
    assert slug_of(await phone.enroll(Key())) == "too-many-devices"


class HeardRevocations:
    def __init__(self) -> None:
        self.heard: list[tuple[UUID, datetime]] = []

    async def device_revoked(self, connection: Connection, device_id: UUID, now: datetime) -> None:
        assert connection.is_in_transaction()
        self.heard.append((device_id, now))


async def test_revocation_is_told_in_its_transaction(
    phone: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    listener = HeardRevocations()
    auth.devices.tell(listener)
    await phone.sign_in()
    device_id = (await phone.enroll(Key())).json()["id"]
    response = await phone.client.delete(f"/v1/me/devices/{device_id}", headers=phone.headers)
    assert response.json()["state"] == "revoked"
    assert listener.heard == [(UUID(device_id), clock.now())]
    again = await phone.client.delete(f"/v1/me/devices/{device_id}", headers=phone.headers)
    assert slug_of(again) == "device-unknown"
    actions = await connection.fetch("select action from kit.audit_entry where action like 'device.%' order by id")
    assert [row["action"] for row in actions] == ["device.enrolled", "device.revoked"]


async def test_retry_with_the_same_key_revokes_once(phone: Phone) -> None:
    await phone.sign_in()
    device_id = (await phone.enroll(Key())).json()["id"]
    headers = phone.headers | {"Idempotency-Key": "revoke-1"}
    answers = [await phone.client.delete(f"/v1/me/devices/{device_id}", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


async def test_other_persons_device_cannot_be_seen_or_ended(phone: Phone, new_phone: NewPhone) -> None:
    await phone.sign_in()
    device_id = (await phone.enroll(Key())).json()["id"]
    thief = new_phone("19900000002")
    await thief.sign_in()
    assert (await thief.get("/v1/me/devices")).json()["items"] == []
    response = await thief.client.delete(f"/v1/me/devices/{device_id}", headers=thief.headers)
    assert (response.status_code, slug_of(response)) == (404, "device-unknown")
    assert (await thief.get("/v1/me/messages")).json()["items"] == []


async def test_unknown_device_is_a_named_error(auth: AuthServices, connection: Connection) -> None:
    with pytest.raises(DeviceUnknown):
        await auth.devices.get_device(connection, UUID(int=0))


async def test_sign_in_with_the_devices_key_has_its_level_at_once(phone: Phone, clock: ManualClock) -> None:
    key = Key()
    await phone.become_known()
    await phone.enroll(key)
    tokens = await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    headers = {
        "Authorization": f"DPoP {tokens['access_token']}",
        "DPoP": key.dpop("GET", "/v1/me", clock.now(), token=tokens["access_token"]),
    }
    me = (await phone.client.get("/v1/me", headers=headers)).json()
    assert (me["ial"], me["aal"]) == (2, 2)


async def test_messages_are_paged(phone: Phone) -> None:
    await phone.sign_in()
    for _ in range(3):
        await phone.enroll(Key())
    first = (await phone.get("/v1/me/messages?limit=2")).json()
    rest = (await phone.get(f"/v1/me/messages?limit=2&after={first['next']}")).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    for query in ("limit=0", "limit=101", "after=x"):
        assert (await phone.get(f"/v1/me/messages?{query}")).status_code == 400
