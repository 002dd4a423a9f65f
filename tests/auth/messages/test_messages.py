"""A person's notices over HTTP: read, counted, receipted, and told as the person chose."""

from collections.abc import Callable
from typing import Any

import httpx

from app.demo.registries import SECOND_CITIZEN
from app.kit.clock import ManualClock
from tests.auth.phones import Key, Phone, slug_of

PREFERENCES = "/v1/me/messages/preferences"
CHOSEN = {
    "language": "en",
    "urgent_by": "voice",
    "important_by": "app",
    "quiet_from": "21:30",
    "quiet_until": "08:00",
}


async def inbox_of(phone: Phone) -> list[dict[str, Any]]:
    await phone._deliver()
    items: list[dict[str, Any]] = (await phone.client.get("/demo/inbox.json", params={"phone": phone.number})).json()[
        "items"
    ]
    return items


async def messages_of(phone: Phone, **params: str) -> list[dict[str, Any]]:
    answer = await phone.client.get("/v1/me/messages", params=params, headers=phone.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def put(phone: Phone, **changes: str | None) -> httpx.Response:
    return await phone.client.put(PREFERENCES, json=CHOSEN | changes, headers=phone.headers)


async def read(phone: Phone, newest: str) -> httpx.Response:
    return await phone.client.post("/v1/me/messages/reading", json={"newest": newest}, headers=phone.headers)


async def test_device_that_was_enrolled_is_told_in_the_app_and_by_message(phone: Phone) -> None:
    await phone.become_known()
    await phone.enroll(Key())
    (notice,) = await messages_of(phone)
    assert (notice["kind"], notice["weight"], notice["about"]) == ("device_enrolled", "urgent", None)
    told = [message for message in await inbox_of(phone) if "设备" in message["text"]]
    assert [(message["channel"], message["text"].startswith("【随申办】")) for message in told] == [("sms", True)]
    receipt = (await phone.get(f"/v1/me/messages/{notice['id']}")).json()
    assert [(one["channel"], one["state"]) for one in receipt["deliveries"]] == [("sms", "delivered")]
    assert phone.number not in str(receipt)


async def test_reading_counts_down_and_what_was_read_stays_read(phone: Phone, clock: ManualClock) -> None:
    await phone.become_known()
    await put(phone)
    await put(phone)
    newest, oldest = await messages_of(phone)
    assert (await phone.get("/v1/me/messages/unread")).json() == {"unread": 2}
    assert (await read(phone, oldest["id"])).json() == {"unread": 1}
    assert [message["id"] for message in await messages_of(phone, unread="true")] == [newest["id"]]
    (first_read,) = [message["read_at"] for message in await messages_of(phone) if message["id"] == oldest["id"]]
    clock.advance(1)
    assert (await read(phone, newest["id"])).json() == {"unread": 0}
    assert (await messages_of(phone))[1]["read_at"] == first_read


async def test_notices_of_others_do_not_exist(phone: Phone, new_phone: Callable[[str], Phone]) -> None:
    await phone.become_known()
    await put(phone)
    (notice,) = await messages_of(phone)
    stranger = new_phone("19900000002")
    await stranger.become_known(SECOND_CITIZEN)
    assert slug_of(await stranger.get(f"/v1/me/messages/{notice['id']}")) == "message-unknown"
    assert slug_of(await read(stranger, notice["id"])) == "message-unknown"
    assert (await messages_of(stranger), (await phone.get("/v1/me/messages/unread")).json()) == ([], {"unread": 1})


async def test_pages_go_on_where_the_last_one_ended(phone: Phone) -> None:
    await phone.become_known()
    for _ in range(3):
        await put(phone)
    first = (await phone.client.get("/v1/me/messages", params={"limit": 2}, headers=phone.headers)).json()
    rest = await messages_of(phone, after=first["next"])
    assert len({message["id"] for message in [*first["items"], *rest]}) == 3


async def test_choice_holds_from_then_on_and_is_told_by_what_held_before(phone: Phone) -> None:
    await phone.become_known()
    assert (await phone.get(PREFERENCES)).json() == {
        "language": "zh",
        "urgent_by": "sms",
        "important_by": "sms",
        "quiet_from": "22:00",
        "quiet_until": "07:00",
    }
    assert (await put(phone)).json() == CHOSEN
    await phone.enroll(Key())
    told = [(message["channel"], message["text"]) for message in await inbox_of(phone)]
    assert [channel for channel, _ in told] == ["voice", "sms", "sms"]
    assert "A device was enrolled" in told[0][1]
    assert "消息接收方式已修改" in told[1][1]


IMPOSSIBLE: list[dict[str, str | None]] = [
    {"quiet_from": None},
    {"quiet_until": None},
    {"quiet_until": "21:30"},
    {"quiet_until": "12:00"},
    {"quiet_from": "07:00", "quiet_until": "06:59"},
]
OUT_OF_FORM: list[dict[str, str | None]] = [
    {"urgent_by": "app"},
    {"urgent_by": None},
    {"important_by": "staff"},
    {"language": "fr"},
    {"quiet_from": "24:00"},
    {"quiet_from": "9:00"},
    {"quiet_until": "08:00\n"},
]


async def test_choices_that_leave_no_room_or_switch_urgent_notices_off_are_refused(phone: Phone) -> None:
    await phone.sign_in()
    assert [slug_of(await put(phone, **changes)) for changes in IMPOSSIBLE] == ["quiet-hours-invalid"] * len(IMPOSSIBLE)
    assert [slug_of(await put(phone, **changes)) for changes in OUT_OF_FORM] == ["fields-invalid"] * len(OUT_OF_FORM)
    assert await messages_of(phone) == []


async def test_new_holder_of_a_number_reads_nothing_of_the_old_one(
    phone: Phone, new_phone: Callable[[str], Phone]
) -> None:
    await phone.become_known()
    await put(phone)
    (notice,) = await messages_of(phone)
    stranger = new_phone(phone.number)  # the code goes to the number, whoever has it
    await stranger.sign_in()
    paths = ["", "/unread", "/preferences", f"/{notice['id']}"]
    answers = [await stranger.get(f"/v1/me/messages{path}") for path in paths]
    answers += [await stranger.get(path) for path in ("/v1/me/trusted-contacts", "/v1/me/trusted-by")]
    answers += [await put(stranger), await read(stranger, notice["id"])]
    assert {slug_of(answer) for answer in answers} == {"phone-alone-not-enough"}
    assert (await phone.get("/v1/me/messages/unread")).json() == {"unread": 1}


async def test_nobody_reads_without_a_token(client: httpx.AsyncClient) -> None:
    for path in ("/v1/me/messages", "/v1/me/messages/unread", PREFERENCES, "/v1/me/trusted-contacts"):
        assert (await client.get(path)).status_code == 401
