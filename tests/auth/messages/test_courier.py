"""Notices on their way out of the app: two vendors, receipts, money, and everything that can be dead."""

from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from app.kit.ids import new_id
from auth.messages.models import SetPreferences
from auth.people.models import Identity
from auth.principal import Principal
from auth.sms.spending import parts_of
from auth.subject_keys.service import SubjectVault
from tests.auth.messages.conftest import Town
from tests.auth.phones import slug_of

PHONE, OTHER = "19900000101", "19900000102"
RECEIPTS = "/v1/message-receipts"
TRUSTS = """
insert into auth.trusted_contact
       (id, person_id, phone_index, contact_id, told_of, state, invited_at, expires_at, answered_at)
values ($1, $2, $3, $4, 'urgent', 'active', $5, $5, $5)
"""
URGENT, IMPORTANT, ORDINARY = "device_enrolled", "device_revoked", "trusted_contact_declined"
UNTIL_NIGHT = timedelta(hours=4)  # the tests' noon is 20:00 in the city


async def choose(town: Town, person: UUID, **changes: str | None) -> None:
    chosen = {"language": "zh", "urgent_by": "sms", "important_by": "sms", "quiet_from": None, "quiet_until": None}
    caller = Principal(
        subject_type="person",
        subject_id=person,
        session_id=new_id(),
        client_id="citizen-app",
        authenticated_at=town.clock.now(),
    )
    async with town.floor.database.transaction() as connection:
        wanted = msgspec.convert(chosen | changes, SetPreferences)
        await town.auth.messages.set_preferences(connection, caller, wanted)
    await town.deliver()
    town.first.taken.clear()


async def test_urgent_leaves_by_message_signed_and_without_a_link(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person, URGENT)
    await town.deliver()
    (taken,) = town.first.taken
    assert taken["phone"] == PHONE
    assert taken["text"].startswith("【随申办】您的账号登记了一台设备。")
    assert taken["template"] == "notice.device_enrolled"
    assert "http" not in taken["text"]
    assert (await town.states(person), town.second.asked) == ([("sms", "sent")], 0)


async def test_notice_of_a_deed_that_was_not_done_reaches_nobody(town: Town) -> None:
    person = await town.person(PHONE)
    with pytest.raises(RuntimeError):
        async with town.floor.database.transaction() as connection:
            await town.auth.messages.write(connection, person, URGENT, town.clock.now())
            raise RuntimeError
    await town.deliver()
    assert town.first.asked == 0


async def test_kind_without_a_text_is_a_mistake_of_ours(town: Town) -> None:
    person = await town.person(PHONE)
    with pytest.raises(KeyError):
        await town.tell(person, "no_such_kind")


async def test_urgent_goes_to_every_phone_and_important_to_the_newest(town: Town) -> None:
    person = await town.person(PHONE)
    await town.attach(person, OTHER)
    await town.tell(person, URGENT)
    await town.deliver()
    assert {taken["phone"] for taken in town.first.taken} == {PHONE, OTHER}
    town.first.taken.clear()
    await town.tell(person, IMPORTANT)
    await town.deliver()
    assert [taken["phone"] for taken in town.first.taken] == [OTHER]


async def test_warning_about_a_new_number_goes_to_the_old_one(town: Town) -> None:
    """Who takes the number over between the notice and its sending does not catch it."""
    person = await town.person(PHONE)
    await town.tell(person, URGENT)
    await town.attach(person, OTHER)
    async with town.floor.database.transaction() as connection:
        old = town.auth.people.phone_index(PHONE)
        await connection.execute("delete from auth.phone where phone_index = $1", old)
    await town.deliver()
    assert [taken["phone"] for taken in town.first.taken] == [PHONE]


async def test_ordinary_stays_in_the_app(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person, ORDINARY)
    await town.deliver()
    assert (await town.states(person), town.first.asked) == ([], 0)


async def test_person_without_a_phone_reads_it_in_the_app(town: Town) -> None:
    async with town.floor.database.transaction() as connection:
        child = await town.auth.people.register_known(
            connection,
            Identity(name="演示小朋友", document_type="passport", document_number="E99999999"),
            actor="system",
        )
    await town.tell(child, URGENT)
    assert await town.states(child) == []


# —— vendors ——


async def test_dead_vendor_is_replaced_by_the_other(town: Town) -> None:
    person = await town.person(PHONE)
    town.first.status = 503
    await town.tell(person)
    await town.deliver()
    assert [taken["phone"] for taken in town.second.taken] == [PHONE]
    assert await town.states(person) == [("sms", "sent")]


async def test_vendor_that_was_ill_is_asked_last_for_a_while(town: Town) -> None:
    person = await town.person(PHONE)
    town.first.status = 500
    await town.tell(person)
    await town.deliver()
    town.first.status = 200
    await town.tell(person)
    await town.deliver()
    assert (town.first.asked, len(town.second.taken)) == (1, 2)
    town.clock.advance(31)
    await town.tell(person)
    await town.deliver()
    assert (town.first.asked, len(town.second.taken)) == (2, 2)


async def test_both_dead_is_tried_again_until_one_is_back(town: Town) -> None:
    person = await town.person(PHONE)
    town.first.status = town.second.status = 503
    await town.tell(person)
    for _ in range(12):  # far more often than the outbox itself would try
        await town.deliver()
        assert await town.states(person) == [("sms", "waiting")]
        town.clock.advance(601)
    tries = town.first.asked
    assert tries >= 12
    town.second.status = 200
    await town.deliver()
    assert (await town.states(person), len(town.second.taken)) == ([("sms", "sent")], 1)
    await town.deliver()
    assert len(town.second.taken) == 1


async def test_stale_notice_is_not_sent_any_more(town: Town) -> None:
    person = await town.person(PHONE)
    town.first.status = town.second.status = 503
    await town.tell(person)
    await town.deliver()
    town.first.status = 200
    town.clock.advance(24 * 3600)
    await town.deliver()
    assert (await town.states(person), town.first.taken) == ([("sms", "expired")], [])


async def test_number_that_cannot_be_reached_is_not_tried_again(town: Town) -> None:
    person = await town.person(PHONE)
    town.first.status = 422
    await town.tell(person)
    await town.deliver()
    assert (await town.states(person), town.first.asked, town.second.asked) == ([("sms", "failed")], 1, 0)


async def test_delivery_whose_worker_died_is_found_by_the_sweep(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    async with town.floor.database.transaction() as connection:
        await connection.execute("delete from kit.outbox")
    town.clock.advance(30)
    await town.auth.message_centre.courier.sweep()
    await town.deliver()
    assert town.first.taken == []  # somebody may still have it in hand
    town.clock.advance(31)
    await town.auth.message_centre.courier.sweep()
    await town.auth.message_centre.courier.sweep()
    await town.deliver()
    assert len(town.first.taken) == 1


async def test_outbox_that_delivers_twice_sends_once(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    async with town.floor.database.transaction() as connection:
        delivery = await connection.fetchval("select id from auth.delivery")
    payload = {"delivery_id": str(delivery)}
    await town.auth.message_centre.courier.deliver(payload)
    await town.auth.message_centre.courier.deliver(payload)
    await town.deliver()
    assert len(town.first.taken) == 1


# —— receipts ——


async def test_receipt_says_that_it_came(town: Town, door: httpx.AsyncClient) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    await town.deliver()
    body = town.first.receipt("delivered")
    answers = [await door.post(RECEIPTS, json=body) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"taken": True}] * 2
    assert await town.states(person) == [("sms", "delivered")]
    await door.post(RECEIPTS, json=town.first.receipt("failed"))
    assert await town.states(person) == [("sms", "delivered")]


async def test_phone_is_forgotten_once_nothing_more_is_sent(town: Town, door: httpx.AsyncClient) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    await town.deliver()
    await town.tell(person)
    await town.deliver()
    await door.post(RECEIPTS, json=town.first.receipt("delivered", 0))
    async with town.floor.database.transaction() as connection:
        kept = "select count(*) from auth.delivery where phone_sealed is not null"
        assert await connection.fetchval(kept) == 1
        town.clock.advance(4 * 24 * 3600)
        await town.auth.message_centre.courier.sweep()
        assert await connection.fetchval(kept) == 0


async def test_failed_receipt_sends_it_by_the_other_vendor_once(town: Town, door: httpx.AsyncClient) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    await town.deliver()
    failed = town.first.receipt("failed")
    for _ in range(3):
        assert (await door.post(RECEIPTS, json=failed)).status_code == 200
        await town.deliver()
    assert (len(town.first.taken), len(town.second.taken)) == (1, 1)
    assert await town.states(person) == [("sms", "sent")]
    await door.post(RECEIPTS, json=town.second.receipt("failed"))
    await town.deliver()
    assert await town.states(person) == [("sms", "failed")]
    assert (town.first.asked, town.second.asked) == (1, 1)


FORGED = [
    {"token": "A" * 43},
    {"token": "回执"},
    {"vendor": "sms-2"},
    {"vendor": "voice"},
    {"message_id": "0198c0de-0000-7000-8000-000000000001"},
]


async def test_receipt_with_another_token_is_refused(town: Town, door: httpx.AsyncClient) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    await town.deliver()
    good = town.first.receipt("delivered")
    answers = [await door.post(RECEIPTS, json=good | changes) for changes in FORGED]
    assert [(one.status_code, slug_of(one)) for one in answers] == [(403, "receipt-refused")] * len(FORGED)
    assert await town.states(person) == [("sms", "sent")]
    assert (await door.post(RECEIPTS, json=good)).status_code == 200


async def test_bad_news_before_we_wrote_that_it_was_taken_comes_again(town: Town, door: httpx.AsyncClient) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    await town.deliver()
    async with town.floor.database.transaction() as connection:
        await connection.execute("update auth.delivery set state = 'waiting', tried = '{}'")
    answer = await door.post(RECEIPTS, json=town.first.receipt("failed"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    good = await door.post(RECEIPTS, json=town.first.receipt("delivered"))
    assert (good.status_code, await town.states(person)) == (200, [("sms", "delivered")])


async def test_receipt_of_a_one_time_code_is_taken_and_changes_nothing(town: Town, door: httpx.AsyncClient) -> None:
    await door.post("/v1/login/otp/challenges", json={"phone": PHONE})
    await town.deliver()
    answer = await door.post(RECEIPTS, json=town.first.receipt("failed"))
    assert (answer.status_code, town.first.asked, town.second.asked) == (200, 1, 0)


# —— what a person chose ——


async def test_who_chose_calls_is_called(town: Town) -> None:
    person = await town.person(PHONE)
    await choose(town, person, urgent_by="voice", language="en")
    await town.tell(person)
    await town.deliver()
    assert (town.first.taken, town.voice.taken[0]["language"]) == ([], "en")
    assert town.voice.texts[0].startswith("【随申办】A device was enrolled for you.")
    assert await town.states(person) == [("voice", "sent")]


async def test_important_waits_for_the_morning_and_urgent_does_not(town: Town) -> None:
    person = await town.person(PHONE)
    await choose(town, person, quiet_from="22:00", quiet_until="07:00")
    town.clock.advance(UNTIL_NIGHT.total_seconds())
    await town.tell(person, IMPORTANT)
    await town.tell(person, URGENT)
    await town.deliver()
    assert [taken["template"] for taken in town.first.taken] == ["notice.device_enrolled"]
    town.clock.advance(7 * 3600)
    await town.deliver()
    assert [taken["template"] for taken in town.first.taken][1:] == ["notice.device_revoked"]


async def test_what_a_dead_vendor_held_up_waits_for_the_morning_too(town: Town) -> None:
    person = await town.person(PHONE)
    await choose(town, person, quiet_from="22:00", quiet_until="07:00")
    town.first.status = town.second.status = 503
    await town.tell(person, IMPORTANT)
    await town.deliver()
    town.first.status = 200
    town.clock.advance(UNTIL_NIGHT.total_seconds())
    await town.deliver()
    assert (town.first.taken, await town.states(person)) == ([], [("sms", "waiting")])
    town.clock.advance(7 * 3600)
    await town.deliver()
    assert len(town.first.taken) == 1


async def test_what_was_read_in_the_app_is_not_sent(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person, IMPORTANT)
    async with town.floor.database.transaction() as connection:
        (newest,), _ = await town.auth.messages.list_messages(connection, person, after=None, limit=1)
        await town.auth.messages.read_up_to(connection, person, newest.id)
    await town.deliver()
    assert (await town.states(person), town.first.asked) == ([("sms", "unneeded")], 0)


async def test_urgent_is_sent_although_somebody_read_it(town: Town) -> None:
    """Who read it may be the thief."""
    person = await town.person(PHONE)
    await town.tell(person, URGENT)
    async with town.floor.database.transaction() as connection:
        (newest,), _ = await town.auth.messages.list_messages(connection, person, after=None, limit=1)
        await town.auth.messages.read_up_to(connection, person, newest.id)
    await town.deliver()
    assert len(town.first.taken) == 1


# —— money and nuisance ——


async def test_one_person_is_not_flooded(town: Town) -> None:
    person = await town.person(PHONE)
    for _ in range(7):
        await town.tell(person)
    await town.deliver()
    async with town.floor.database.transaction() as connection:
        withheld = await connection.fetchval("select count(*) from auth.delivery where state = 'withheld'")
    assert (len(town.first.taken), withheld) == (5, 2)


@pytest.mark.parametrize("way", ["by asking for data", "as somebody who trusts them"])
async def test_what_others_cause_does_not_silence_a_warning(town: Town, way: str) -> None:
    """Whoever is about to take an account over uses up the day's notices of its holder first."""
    person, friend = await town.person(PHONE), await town.person("19900000002")
    async with town.floor.database.transaction() as connection:
        await connection.execute(TRUSTS, new_id(), friend, b"index", person, town.clock.now())
        await connection.execute("delete from auth.phone where person_id = $1", friend)
    for _ in range(6):
        await (town.tell(person, IMPORTANT) if way == "by asking for data" else town.tell(friend, URGENT))
    await town.deliver()
    assert len(town.first.taken) == 5
    await town.tell(person, URGENT)
    await town.deliver()
    assert len(town.first.taken) == 6
    assert await town.states(person) == [("sms", "sent")]


async def test_money_of_the_day_is_not_overspent_and_codes_have_a_share_of_their_own(
    town: Town, door: httpx.AsyncClient
) -> None:
    people = [await town.person(f"199000002{number:02}") for number in range(12)]
    for person in people:
        await town.tell(person)
    await town.deliver()
    assert sum(parts_of(text) for text in town.first.texts) == 8  # four fifths of ten
    assert {(await town.states(person))[0][1] for person in people} == {"sent", "waiting"}
    await door.post("/v1/login/otp/challenges", json={"phone": OTHER})
    await town.deliver()
    assert town.first.taken[-1]["template"] == "code"
    async with town.floor.database.transaction() as connection:
        assert await connection.fetchval("select sum(parts) from auth.sms_spending") == sum(
            map(parts_of, town.first.texts)
        )
        assert await connection.fetchval("select count(*) from auth.alert where kind = 'sms_money_spent'") == 1
    town.clock.advance(4 * 3600)  # midnight in the city: new money
    await town.deliver()
    assert {(await town.states(person))[0][1] for person in people} == {"sent"}


async def test_what_no_vendor_took_costs_nothing(town: Town) -> None:
    person = await town.person(PHONE)
    town.first.status = town.second.status = 503
    await town.tell(person)
    await town.deliver()
    async with town.floor.database.transaction() as connection:
        assert await connection.fetchval("select sum(parts) from auth.sms_spending") == 0


@pytest.mark.parametrize(("length", "parts"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)])
def test_parts_are_counted_as_vendors_do(length: int, parts: int) -> None:
    assert parts_of("字" * length) == parts
    assert parts_of("𠂉" * (length // 2) + "字" * (length % 2)) == parts


async def test_code_that_comes_too_late_is_not_sent(town: Town) -> None:
    now = town.clock.now()
    payload = {"id": str(new_id()), "phone": PHONE, "text": "【随申办】验证码 123456", "expires_at": now.isoformat()}
    async with town.floor.database.transaction() as connection:
        await town.floor.outbox.enqueue(connection, topic="sms.send", payload=payload, now=now)
    await town.deliver()
    assert town.first.asked == 0


# —— the end ——


async def test_who_died_is_told_nothing_more(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    async with town.floor.database.transaction() as connection:
        await town.auth.message_centre.person_ended(connection, person, "died", town.clock.now())
    await town.deliver()
    assert (await town.states(person), town.first.asked) == ([("sms", "withheld")], 0)


async def test_who_is_frozen_hears_of_it(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    async with town.floor.database.transaction() as connection:
        await town.auth.message_centre.person_ended(connection, person, "frozen", town.clock.now())
    await town.deliver()
    assert len(town.first.taken) == 1


async def test_whose_key_was_destroyed_is_reached_no_more(town: Town) -> None:
    person = await town.person(PHONE)
    await town.tell(person)
    async with town.floor.database.transaction() as connection:
        await SubjectVault(town.floor.vault, town.clock).forget(connection, person)
    await town.deliver()
    assert (await town.states(person), town.first.asked) == ([("sms", "withheld")], 0)


async def test_copy_has_what_left_and_nothing_is_kept_of_who_is_gone(town: Town) -> None:
    person = await town.person(PHONE)
    await choose(town, person, urgent_by="voice")
    await town.tell(person)
    await town.deliver()
    traces = town.auth.message_centre.traces
    async with town.floor.database.transaction() as connection:
        copy = await traces.export_person(connection, person)
        assert (copy["preferences"].urgent_by, copy["trusted_contacts"]) == ("voice", [])
        assert [(one["channel"], one["state"]) for one in copy["deliveries"]] == [("voice", "sent"), ("sms", "sent")]
        assert PHONE not in msgspec.json.encode(copy).decode()
        for _ in range(2):
            await traces.erase_person(connection, person, town.clock.now())
        copy = await traces.export_person(connection, person)
        assert (copy["preferences"].urgent_by, copy["deliveries"]) == ("sms", [])
        assert await town.auth.messages.list_messages(connection, person, after=None, limit=10) == ([], None)
