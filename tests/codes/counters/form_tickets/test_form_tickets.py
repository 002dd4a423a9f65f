"""亮码办事: one ticket for one scan, one form for one ticket, and nothing counts before the citizen said so."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.counters.form_tickets.models import CONFIRM_WITHIN, TICKET_LIVES, FormTicket
from codes.verdict import ScannedBy
from tests.codes.counters.form_tickets.desk import ITEM, LIBRARY_ENTRY, Desk, slug
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, a_principal
from tests.codes.family_city import FamilyCity, fetch_for
from tests.codes.personal_city import FULL_FACTS

NOON = a_principal("person").authenticated_at


async def test_scan_gives_a_ticket_and_the_ticket_gives_the_fields(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    answer = await desk.redeem(counter, await desk.ticket(counter, phone))
    assert answer.status_code == 201, answer.text
    form = answer.json()
    assert form["fields"] == {name: FULL_FACTS[name] for name in ("full_name", "id_number", "phone_tail")}
    assert (form["item"], form["channel"], form["basis"], form["repeated"]) == (ITEM, "counter", "statutory", False)
    assert (await desk.case(counter, form["id"])).json()["state"] == "waiting"


async def test_citizen_confirms_and_the_case_says_so(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    form = (await desk.redeem(counter, await desk.ticket(counter, phone))).json()
    (seen,) = (await desk.forms(phone.principal)).json()["items"]
    assert (seen["id"], seen["state"], seen["title"]) == (form["id"], "waiting", "居住证办理申请表")
    assert seen["fields"] == ["full_name", "id_number", "phone_tail"]
    assert seen["counter"] == {"org": "演示图书馆", "site": "总馆", "device": "窗口一号"}
    assert seen["on_behalf_of"] is None
    assert str(FULL_FACTS["id_number"]) not in str(seen)
    assert city.told.notices == [(phone.person.id, "form_prefilled")]
    assert (await desk.decide(phone.principal, form["id"])).json()["state"] == "confirmed"
    case = (await desk.case(counter, form["id"])).json()
    assert (case["state"], case["channel"]) == ("confirmed", "counter")


async def test_a_repetition_gives_no_more_than_the_citizen_was_told_of(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    first = (await desk.redeem(counter, ticket, request_id="counter-1", fields=["full_name"])).json()
    again = (await desk.redeem(counter, ticket, request_id="counter-1")).json()
    assert set(again["fields"]) == set(first["fields"]) == {"full_name"}


async def test_declined_form_is_declined(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    form = (await desk.redeem(counter, ticket, request_id="counter-1")).json()
    assert (await desk.decide(phone.principal, form["id"], "declined")).json()["state"] == "declined"
    assert slug(await desk.decide(phone.principal, form["id"])) == "form-decided"
    assert (await desk.case(counter, form["id"])).json()["state"] == "declined"
    assert slug(await desk.redeem(counter, ticket, request_id="counter-1")) == "form-ticket-used"


async def test_silence_is_a_no(desk: Desk, city: FamilyCity, connection: Connection, clock: ManualClock) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    form = (await desk.redeem(counter, await desk.ticket(counter, phone))).json()
    clock.advance(CONFIRM_WITHIN.total_seconds())
    assert slug(await desk.decide(phone.principal, form["id"])) == "form-lapsed"
    assert (await desk.case(counter, form["id"])).json()["state"] == "lapsed"


async def test_ticket_is_redeemed_once(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter, other = await city.a_phone(connection), await desk.device(), await desk.device(name="窗口二号")
    ticket = await desk.ticket(counter, phone)
    assert (await desk.redeem(counter, ticket, request_id="counter-1")).status_code == 201
    again: list[tuple[Any, dict[str, Any]]] = [
        (counter, {}),
        (counter, {"request_id": "counter-2"}),
        (counter, {"request_id": "counter-1", "title": "另一张表"}),
        (other, {"request_id": "counter-1"}),
    ]
    for device, body in again:
        assert slug(await desk.redeem(device, ticket, **body)) == "form-ticket-used"
    assert city.told.notices == [(phone.person.id, "form_prefilled")]


async def test_lost_answer_is_given_again_to_the_same_request(
    desk: Desk, city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    first = (await desk.redeem(counter, ticket, request_id="counter-1")).json()
    second = (await desk.redeem(counter, ticket, request_id="counter-1")).json()
    assert second == first | {"repeated": True}
    assert city.told.notices == [(phone.person.id, "form_prefilled")]
    clock.advance(TICKET_LIVES.total_seconds())
    assert slug(await desk.redeem(counter, ticket, request_id="counter-1")) == "form-ticket-expired"


async def test_retry_without_a_request_id_is_no_retry(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    assert (await desk.redeem(counter, ticket)).status_code == 201
    assert slug(await desk.redeem(counter, ticket)) == "form-ticket-used"


async def test_ticket_lives_ten_minutes(
    desk: Desk, city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    early, late = await desk.ticket(counter, phone), await desk.ticket(counter, phone, grant=1)
    clock.advance(TICKET_LIVES.total_seconds() - 1)
    assert (await desk.redeem(counter, early)).status_code == 201
    clock.advance(1)
    assert slug(await desk.redeem(counter, late)) == "form-ticket-expired"


async def test_tickets_of_others_and_of_nobody_are_refused(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    stranger = await desk.device(organization_id=FIRE_RESCUE)
    gate = await desk.device(LIBRARY_ENTRY, name="闸机")
    assert slug(await desk.redeem(stranger, ticket)) == "form-ticket-not-yours"
    assert slug(await desk.redeem(gate, ticket)) == "counter-not-allowed"
    assert slug(await desk.redeem(counter, "A" * 43)) == "form-ticket-unknown"
    assert (await desk.redeem(counter, ticket)).status_code == 201


async def test_other_organizations_read_no_case(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    form = (await desk.redeem(counter, await desk.ticket(counter, phone))).json()
    stranger = await desk.device(organization_id=FIRE_RESCUE)
    assert slug(await desk.case(stranger, form["id"])) == "form-unknown"
    assert slug(await desk.case(counter, str(uuid4()))) == "form-unknown"


@pytest.mark.parametrize(
    "bent",
    [
        {"ticket": "short"},
        {"ticket": "A" * 42 + "\n"},
        {"title": ""},
        {"title": "两\n行"},
        {"fields": []},
        {"fields": ["health"]},
        {"request_id": "x"},
        {"item": ITEM},
    ],
)
async def test_redemptions_out_of_shape_are_refused(desk: Desk, bent: dict[str, Any]) -> None:
    counter = await desk.device()
    assert slug(await desk.redeem(counter, **({"ticket": "A" * 43} | bent))) == "fields-invalid"


async def test_unsigned_and_revoked_scanners_redeem_nothing(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    desk.caller.principal = phone.principal
    unsigned = await desk.http.post("/v1/form-tickets/redemptions", json={"ticket": ticket, "title": "申请表"})
    assert unsigned.status_code == 401
    await connection.execute("update codes.scanner set state = 'revoked', revoked_at = $1", city.clock.now())
    assert (await desk.redeem(counter, ticket)).status_code in {401, 403}


async def test_fields_are_no_more_than_asked_for_and_no_more_than_disclosed(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    asked = ["full_name", "age_over_18", "identity_level", "openid"]
    form = (await desk.redeem(counter, await desk.ticket(counter, phone), fields=asked)).json()
    assert form["fields"] == {"full_name": FULL_FACTS["full_name"]}
    nothing = (await desk.redeem(counter, await desk.ticket(counter, phone, grant=1), fields=["openid"])).json()
    assert nothing["fields"] == {}


async def test_ticket_of_a_scan_that_forgot_itself_gives_nothing(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    """What may leave is what the scan's row says, not what the ticket hopes for."""
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    await connection.execute("update codes.verification set disclosed = '{}'")
    assert (await desk.redeem(counter, ticket)).json()["fields"] == {}


async def test_only_accepted_scans_for_an_item_at_a_counter_give_tickets(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter, gate = await city.a_phone(connection), await desk.device(), await desk.device(LIBRARY_ENTRY)
    code = phone.show(501)
    assert (await desk.scan(counter, code, item=None))["form_ticket"] is None
    replayed = await desk.scan(counter, code)
    assert (replayed["reason"], replayed["form_ticket"]) == ("REPLAYED", None)
    at_gate = await desk.scan(gate, phone.show(LIBRARY_ENTRY, grant=1), scenario=LIBRARY_ENTRY)
    assert (at_gate["verdict"], at_gate["form_ticket"]) == ("ACCEPT", None)
    elsewhere = await desk.scan(counter, phone.show(LIBRARY_ENTRY, grant=2))
    assert (elsewhere["reason"], elsewhere["form_ticket"]) == ("SCENARIO_MISMATCH", None)
    assert await connection.fetchval("select count(*) from codes.form_ticket where state <> 'issued'") == 0


@pytest.mark.parametrize("item", ["", "A", "居住证", "a b", "-a", "a" * 65, "a\n"])
async def test_items_out_of_form_are_refused(desk: Desk, item: str) -> None:
    body = {"code": "HELLO", "scenario": 501, "item": item}
    assert slug(await desk.signed(await desk.device(), "POST", "/v1/verifications", body)) == "fields-invalid"


async def test_freeze_between_scan_and_redemption_stops_it(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    await connection.execute(
        "insert into codes.freeze (id, person_id, reason, explanation_sealed, frozen_at, frozen_by, organization_id)"
        " values ($1, $2, 'loss', '', $3, $1, $1)",
        uuid4(),
        phone.person.id,
        city.clock.now(),
    )
    assert slug(await desk.redeem(counter, ticket)) == "holder-not-standing"


async def test_account_closed_between_scan_and_redemption_stops_it(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    city.people.by_id[phone.person.id] = msgspec.structs.replace(phone.person, status="closed")
    assert slug(await desk.redeem(counter, ticket)) == "holder-not-standing"


async def test_guardian_decides_for_the_child_whose_code_they_showed(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    (phone, child), counter = city.a_family(), await desk.device()
    await fetch_for(phone, child, connection)
    form = (await desk.redeem(counter, await desk.ticket(counter, phone))).json()
    assert city.told.notices == [(phone.person.id, "form_prefilled")]
    (seen,) = (await desk.forms(phone.principal)).json()["items"]
    assert seen["on_behalf_of"] == str(child.id)
    assert len((await desk.forms(a_principal("person", subject_id=child.id))).json()["items"]) == 1
    assert (await desk.decide(phone.principal, form["id"])).json()["state"] == "confirmed"


async def test_mandate_that_ended_meanwhile_stops_the_ticket(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    (phone, child), counter = city.a_family(), await desk.device()
    await fetch_for(phone, child, connection)
    ticket = await desk.ticket(counter, phone)
    city.guardians.by_pair.clear()
    assert slug(await desk.redeem(counter, ticket)) == "holder-not-standing"


async def test_strangers_read_and_decide_nothing(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    form = (await desk.redeem(counter, await desk.ticket(counter, phone))).json()
    stranger = a_principal("person", subject_id=city.people.add().id)
    assert (await desk.forms(stranger)).json()["items"] == []
    assert slug(await desk.decide(stranger, form["id"])) == "form-unknown"
    assert slug(await desk.decide(phone.principal, str(uuid4()))) == "form-unknown"
    unsure = a_principal("person", subject_id=phone.person.id, ial=1)
    assert slug(await desk.decide(unsure, form["id"])) == "identity-level-too-low"
    for who, status in ((None, 401), (a_principal("official"), 403), (a_principal("organization"), 403)):
        assert (await desk.decide(who, form["id"])).status_code == status
        assert (await desk.forms(who)).status_code == status


async def test_nothing_personal_is_stored_or_logged(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    ticket = await desk.ticket(counter, phone)
    form = (await desk.redeem(counter, ticket)).json()
    await desk.decide(phone.principal, form["id"])
    rows = await connection.fetch("select t::text as text from codes.form_ticket t")
    log = await connection.fetch("select e::text as text from kit.audit_entry e where action like 'form.%'")
    assert len(log) == 2
    for secret in (ticket, str(FULL_FACTS["full_name"]), str(FULL_FACTS["id_number"])):
        assert not any(secret in row["text"] for row in [*rows, *log])


async def test_tickets_and_forms_are_forgotten_in_time(
    desk: Desk, city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    await desk.redeem(counter, await desk.ticket(counter, phone))
    await desk.ticket(counter, phone, grant=1)
    for wait, left in (
        (timedelta(hours=23), 2),
        (timedelta(hours=1), 1),
        (timedelta(days=178), 1),
        (timedelta(days=1), 0),
    ):
        clock.advance(wait.total_seconds())
        await city.codes.form_tickets.forget(connection)
        assert await connection.fetchval("select count(*) from codes.form_ticket") == left


async def test_lists_go_by_pages(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, counter = await city.a_phone(connection), await desk.device()
    made = [(await desk.redeem(counter, await desk.ticket(counter, phone, grant=n))).json()["id"] for n in range(3)]
    first = (await desk.forms(phone.principal, "?limit=2")).json()
    rest = (await desk.forms(phone.principal, f"?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


@given(
    state=st.sampled_from(["redeemed", "confirmed", "declined"]),
    waited=st.timedeltas(timedelta(0), timedelta(hours=2)),
)
def test_what_was_decided_stays_and_silence_lapses_at_one_moment(state: Any, waited: timedelta) -> None:
    form = FormTicket(
        id=uuid4(),
        ticket_hash=bytes(32),
        verification_id=uuid4(),
        item=ITEM,
        scenario=501,
        basis="statutory",
        organization_id=LIBRARY,
        site_id=uuid4(),
        counter=ScannedBy(org="演示图书馆", site="总馆", device="窗口一号"),
        person_id=uuid4(),
        state=state,
        issued_at=NOON,
        expires_at=NOON + TICKET_LIVES,
        forget_at=NOON + TICKET_LIVES,
        redeemed_at=NOON,
    )
    expected = state if state != "redeemed" else "waiting" if waited < CONFIRM_WITHIN else "lapsed"
    assert form.state_at(NOON + waited) == expected
