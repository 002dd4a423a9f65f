"""Coming back with a number, a name and a document alone: a thief may have all three, so it waits."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.demo.registries import CITIZEN, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.auth.people.conftest import Staff, kinds, named, person_of
from tests.auth.people.test_faces import Camera, challenge_of, show
from tests.auth.phones import Key, Phone, slug_of

DAY = 86_400
NewPhone = Callable[[str], Phone]


@pytest.fixture
async def stranger(citizen: Phone, new_phone: NewPhone) -> Phone:
    """Whoever holds the citizen's number on a device that was never seen: the citizen, or a thief."""
    phone = new_phone(citizen.number)
    await phone.sign_in()
    return phone


async def level(phone: Phone) -> int:
    await phone.renew()
    return int((await phone.get("/v1/me")).json()["ial"])


async def waiting(phone: Phone) -> list[dict[str, Any]]:
    answer = await phone.get("/v1/me/recoveries")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_name_and_document_wait_and_the_holder_is_told(
    citizen: Phone, stranger: Phone, connection: Connection
) -> None:
    refused = await stranger.tell_name()
    assert (refused.status_code, slug_of(refused)) == (403, "recovery-waits")
    assert refused.headers["retry-after"] == str(DAY)
    assert await level(stranger) == 1
    assert slug_of(await stranger.get("/v1/me/recoveries")) == "phone-alone-not-enough"
    (recovery,) = await waiting(citizen)
    assert refused.json()["due_at"] == recovery["due_at"]
    assert (await kinds(connection, await person_of(citizen))).count("recovery_begun") == 1


async def test_asking_again_neither_shortens_nor_lengthens_the_wait(
    citizen: Phone, stranger: Phone, clock: ManualClock, connection: Connection
) -> None:
    await stranger.tell_name()
    clock.advance(DAY - 1)
    await stranger.sign_in()
    again = await stranger.tell_name()
    assert (slug_of(again), again.headers["retry-after"]) == ("recovery-waits", "1")
    assert (await kinds(connection, await person_of(stranger))).count("recovery_begun") == 1


async def test_after_the_wait_it_opens_once(citizen: Phone, stranger: Phone, clock: ManualClock) -> None:
    await stranger.tell_name()
    clock.advance(DAY)
    await stranger.sign_in()
    assert (await stranger.tell_name()).status_code == 200
    assert await level(stranger) == 2
    told = (await stranger.get("/v1/me/messages")).json()["items"]
    assert "account_recovered" in {message["kind"] for message in told}
    await stranger.sign_in()
    assert slug_of(await stranger.tell_name()) == "recovery-waits"


async def test_whoever_has_lost_the_number_since_does_not_use_it(
    citizen: Phone, stranger: Phone, clock: ManualClock
) -> None:
    """The wait is over, and the session of the first day still lives: it needs another code to the number."""
    await stranger.tell_name()
    clock.advance(DAY)
    await stranger.renew()
    refused = await stranger.tell_name()
    assert (refused.status_code, slug_of(refused)) == (403, "step-up-required")
    assert await level(stranger) == 1


async def test_it_is_not_good_for_ever(citizen: Phone, stranger: Phone, clock: ManualClock) -> None:
    await stranger.tell_name()
    clock.advance(4 * DAY)
    await stranger.sign_in()
    again = await stranger.tell_name()
    assert (slug_of(again), again.headers["retry-after"]) == ("recovery-waits", str(DAY))


async def test_another_name_begins_nothing(citizen: Phone, stranger: Phone) -> None:
    assert slug_of(await stranger.tell_name(SECOND_CITIZEN)) == "real-name-differs"
    assert slug_of(await stranger.tell_name(name=SECOND_CITIZEN.name)) == "real-name-refused"
    assert await waiting(citizen) == []


async def test_the_holder_stops_it_and_the_session_that_asked_ends(
    citizen: Phone, stranger: Phone, clock: ManualClock, connection: Connection
) -> None:
    await stranger.tell_name()
    (recovery,) = await waiting(citizen)
    path = f"/v1/me/recoveries/{recovery['id']}"
    assert (await stranger.client.delete(path, headers=stranger.headers)).status_code == 403
    stopped = await citizen.client.delete(path, headers=citizen.headers)
    assert (stopped.status_code, stopped.json()) == (200, recovery)
    assert slug_of(await citizen.client.delete(path, headers=citizen.headers)) == "recovery-unknown"
    assert (await stranger.refresh()).status_code == 400
    assert await waiting(citizen) == []
    clock.advance(DAY)
    await stranger.sign_in()
    assert slug_of(await stranger.tell_name()) == "recovery-waits"
    assert "recovery_stopped" in await kinds(connection, await person_of(stranger))


async def test_nobody_stops_somebody_else_s(citizen: Phone, stranger: Phone, new_phone: NewPhone) -> None:
    await stranger.tell_name()
    (recovery,) = await waiting(citizen)
    other = new_phone("19900000002")
    await other.become_known(SECOND_CITIZEN)
    refused = await other.client.delete(f"/v1/me/recoveries/{recovery['id']}", headers=other.headers)
    assert slug_of(refused) == "recovery-unknown"
    assert await waiting(citizen) == [recovery]


async def test_a_freeze_stops_it(
    citizen: Phone, stranger: Phone, hotline: Staff, counter: Staff, clock: ManualClock
) -> None:
    await stranger.tell_name()
    body = {"holder": named(), "reason": "lost_phone"}
    assert (await hotline.call("POST", "/v1/staff/people/freezes", body)).status_code == 200
    wake = {"holder": named(), "holder_checked": True, "phone_found": False}
    assert (await counter.call("POST", "/v1/staff/people/unfreezings", wake)).status_code == 200
    clock.advance(DAY)
    await stranger.sign_in()
    assert slug_of(await stranger.tell_name()) == "recovery-waits"


async def confirm(counter: Staff, **shown: str) -> httpx.Response:
    body = {"holder": named(), "holder_checked": True} | shown
    return await counter.call("POST", "/v1/staff/people/confirmations", body)


async def test_a_counter_ends_the_wait_of_what_the_phone_shows_there(
    citizen: Phone, stranger: Phone, counter: Staff
) -> None:
    recovery_id = (await stranger.tell_name()).json()["recovery_id"]
    assert (await confirm(counter, recovery_id=recovery_id)).status_code == 200
    assert (await stranger.tell_name()).status_code == 200
    assert await level(stranger) == 2
    assert slug_of(await confirm(counter, recovery_id=recovery_id)) == "recovery-unknown"


async def test_a_thief_s_wait_goes_on_while_the_holder_stands_at_a_counter(
    citizen: Phone, stranger: Phone, counter: Staff
) -> None:
    await stranger.tell_name()
    await citizen.revoke_device((await citizen.enroll(Key())).json()["id"])
    waiting_device = (await citizen.enroll(Key())).json()["id"]
    assert (await confirm(counter)).status_code == 200
    assert slug_of(await stranger.tell_name()) == "recovery-waits"
    states = {one["id"]: one["state"] for one in (await citizen.get("/v1/me/devices")).json()["items"]}
    assert states[waiting_device] == "waiting"
    assert slug_of(await confirm(counter, recovery_id=waiting_device)) == "recovery-unknown"


async def test_a_device_that_is_shown_at_a_counter_waits_no_longer(
    citizen: Phone, counter: Staff, connection: Connection
) -> None:
    await citizen.revoke_device((await citizen.enroll(Key())).json()["id"])
    device_id = (await citizen.enroll(Key())).json()["id"]
    assert (await confirm(counter, device_id=device_id)).status_code == 200
    states = {one["id"]: one["state"] for one in (await citizen.get("/v1/me/devices")).json()["items"]}
    assert states[device_id] == "active"
    assert "device_confirmed_at_counter" in await kinds(connection, await person_of(citizen))
    assert slug_of(await confirm(counter, device_id=device_id)) == "device-unknown"


async def test_a_face_needs_no_wait(
    citizen: Phone, stranger: Phone, registries_url: str, connection: Connection
) -> None:
    challenge = await challenge_of(stranger)
    shown = await show(stranger, challenge, await Camera(registries_url).take(CITIZEN, challenge))
    assert shown.status_code == 200, shown.text
    assert await level(stranger) == 3
    assert "account_recovered" in await kinds(connection, await person_of(stranger))


async def test_another_face_opens_nothing(citizen: Phone, stranger: Phone, registries_url: str) -> None:
    challenge = await challenge_of(stranger)
    shown = await show(stranger, challenge, await Camera(registries_url).take(SECOND_CITIZEN, challenge))
    assert shown.status_code == 422
    assert await level(stranger) == 1


async def test_repeating_the_name_in_the_session_that_told_it_first_is_harmless(phone: Phone) -> None:
    """Its token is older than the name; what counts is the session."""
    await phone.sign_in()
    assert (await phone.tell_name()).status_code == 200
    assert (await phone.tell_name()).status_code == 200
    assert await waiting(phone) == []
