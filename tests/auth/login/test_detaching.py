"""A number that is taken away takes along the sessions that a number alone had opened."""

from collections.abc import Callable

from app.kit.clock import ManualClock
from tests.auth.login.wallets import Wallet
from tests.auth.phones import Key, Phone

OLD, NEW = "19900000001", "19900000002"
WAIT_SECONDS = 86_400


async def add_number(phone: Phone, new_phone: Callable[[str], Phone], **changes: str) -> None:
    wallet = Wallet(phone)
    asked = await wallet.post("/v1/me/phones/challenges", {"phone": NEW})
    body = {"challenge_id": asked.json()["challenge_id"], "code": await new_phone(NEW).read_code()} | changes
    assert (await wallet.post("/v1/me/phones", body)).status_code == 201


async def test_whoever_came_in_by_the_number_is_out_and_by_another_is_not(
    phone: Phone, new_phone: Callable[[str], Phone], clock: ManualClock
) -> None:
    await phone.sign_in()
    await add_number(phone, new_phone)
    clock.advance(WAIT_SECONDS)
    stolen, mine, tablet = new_phone(NEW), new_phone(OLD), new_phone(OLD)
    for one in (stolen, mine, tablet):
        await one.sign_in()
    found = (await mine.get("/v1/me/phones")).json()["items"]
    (gone,) = [item["id"] for item in found if item["phone"].endswith("0002")]
    answer = await mine.client.delete(f"/v1/me/phones/{gone}", headers=mine.headers)
    assert answer.status_code == 200, answer.text
    assert (await stolen.refresh()).status_code == 400
    assert (await mine.refresh()).status_code == 200
    assert (await tablet.refresh()).status_code == 200


async def test_a_number_that_is_replaced_takes_along_what_it_alone_had_opened(
    phone: Phone, new_phone: Callable[[str], Phone], clock: ManualClock
) -> None:
    """Known by name: whoever holds the old number now, and came in by it, is out; the holder's own session stays."""
    await phone.become_known()
    stolen = new_phone(OLD)
    await stolen.sign_in()
    (old,) = (await phone.get("/v1/me/phones")).json()["items"]
    await add_number(phone, new_phone, replaces_id=old["id"])
    clock.advance(WAIT_SECONDS)
    await new_phone(NEW).sign_in()
    assert (await stolen.refresh()).status_code == 400
    assert (await phone.refresh()).status_code == 200


async def test_a_device_s_own_session_stays(
    phone: Phone, new_phone: Callable[[str], Phone], clock: ManualClock
) -> None:
    await phone.sign_in()
    key = Key()
    assert (await phone.enroll(key)).status_code == 201
    device = new_phone(OLD)
    await device.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    ended = (await phone.client.post("/oauth/token", data={})).status_code
    assert ended == 400
    proof = key.dpop("POST", "/oauth/token", clock.now())
    assert (await device.refresh(dpop=proof)).status_code == 200


async def test_who_proved_themself_once_more_for_it_stays_signed_in(
    phone: Phone, new_phone: Callable[[str], Phone], clock: ManualClock
) -> None:
    await phone.sign_in()
    await add_number(phone, new_phone)
    clock.advance(WAIT_SECONDS)
    mine = new_phone(OLD)
    await mine.sign_in()
    (gone,) = [item["id"] for item in (await mine.get("/v1/me/phones")).json()["items"] if item["phone"][-4:] == "0002"]
    clock.advance(301)
    await mine.renew()
    asked = await mine.client.post("/v1/login/step-up/otp/challenges", headers=mine.headers)
    body = {"challenge_id": asked.json()["challenge_id"], "code": await mine.read_code()}
    raised = await mine.client.post("/v1/login/step-up/otp/tokens", json=body, headers=mine.headers)
    assert raised.status_code == 200, raised.text
    bearer = {"Authorization": f"Bearer {raised.json()['access_token']}"}
    answer = await mine.client.delete(f"/v1/me/phones/{gone}", headers=bearer)
    assert answer.status_code == 200, answer.text
    assert (await mine.refresh()).status_code == 200
