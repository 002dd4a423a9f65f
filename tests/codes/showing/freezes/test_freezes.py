"""Frozen at a counter: refused everywhere, told to the holder, appealed, answered by somebody else, and thawed."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.database import Connection
from app.kit.ids import new_id
from auth.principal import Principal
from codes.errors import CodesFrozen
from codes.showing.freezes.models import AGAINST_THE_HOLDER, Freeze, FreezeReason, may_lift, needs_holder
from codes.showing.grants.models import RevokeCodes
from codes.status.models import Status, StatusPointer
from codes.verdict import VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import LIBRARY, Caller, a_principal, agent_of, an_official
from tests.codes.family_city import FamilyCity, fetch_for, request_for
from tests.codes.personal_city import Person, Phone, a_scanner
from tests.codes.showing.grants.test_service import claims_of

OFFICIAL, COLLEAGUE = an_official("counter", organization_id=LIBRARY), an_official("counter", organization_id=LIBRARY)
NOBODY = uuid4()


class Desk:
    """The counter and the holders, each calling as themself."""

    def __init__(self, http: httpx.AsyncClient, caller: Caller, city: FamilyCity) -> None:
        self.http = http
        self.caller = caller
        self.city = city

    async def post(self, who: Principal | None, path: str, /, **body: Any) -> httpx.Response:
        self.caller.principal = who
        return await self.http.post(f"/v1/codes/freezes{path}", json=body)

    async def get(self, who: Principal | None, path: str = "") -> httpx.Response:
        self.caller.principal = who
        return await self.http.get(f"/v1/codes/freezes{path}")

    async def freeze(self, person: Person, reason: str = "loss", who: Principal = OFFICIAL) -> str:
        """The freeze's id."""
        document = self.city.named.add(person)
        answer = await self.post(who, "", **document, reason=reason, explanation="手机遗失，本人到窗口办理")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def lift(self, freeze_id: str, who: Principal = COLLEAGUE, **body: Any) -> httpx.Response:
        return await self.post(
            who, f"/{freeze_id}/lift", **({"because": "本人已找回手机", "holder_checked": True} | body)
        )


@pytest.fixture
def desk(http: httpx.AsyncClient, caller: Caller, city: FamilyCity) -> Desk:
    return Desk(http, caller, city)


def slug(answer: httpx.Response) -> str:
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["type"]).removeprefix("/problems/")


async def scan(city: FamilyCity, connection: Connection, phone: Phone, grant: int = 0) -> VerificationResult:
    request = VerifyCode(code=phone.show(grant=grant), scenario=301)
    return await city.codes.verifications.verify(connection, a_scanner(), request)


async def reason_of(city: FamilyCity, connection: Connection, phone: Phone, grant: int = 0) -> str:
    return str((await scan(city, connection, phone, grant)).reason)


async def statuses(city: FamilyCity, connection: Connection, view: Any) -> set[Status]:
    places = [StatusPointer(shard=claims.shard, index=claims.index) for claims in claims_of(view)]
    return {await city.codes.statuses.find_status(connection, place) for place in places}


async def test_frozen_codes_are_refused_online_and_in_the_status_lists(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone = Phone(city, city.people.add())
    view = await phone.fetch(connection)
    await desk.freeze(phone.person)
    result = await scan(city, connection, phone)
    assert (result.verdict, result.reason, result.disclosed) == ("REVIEW", "SUSPENDED", {})
    assert await statuses(city, connection, view) == {Status.SUSPENDED}
    with pytest.raises(CodesFrozen):
        await city.codes.grants.issue(connection, phone.principal, phone.request())


async def test_freeze_reaches_codes_that_stand_in_no_status_list(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    """Whatever a holder shows is refused online, because the holder is asked about, not only the code."""
    phone = await city.a_phone(connection)
    await desk.freeze(phone.person)
    await connection.execute("delete from codes.status_entry")
    assert await reason_of(city, connection, phone) == "SUSPENDED"


async def test_others_are_not_touched(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    frozen, other = await city.a_phone(connection), await city.a_phone(connection)
    await desk.freeze(frozen.person)
    assert await reason_of(city, connection, other) == "OK"
    await other.fetch(connection)


@pytest.mark.parametrize("whose", ["guardian", "child"])
async def test_family_codes_stop_when_either_is_frozen(
    desk: Desk, city: FamilyCity, connection: Connection, whose: str
) -> None:
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    freeze_id = await desk.freeze(phone.person if whose == "guardian" else child)
    assert await reason_of(city, connection, phone) == "SUSPENDED"
    with pytest.raises(CodesFrozen):
        await city.codes.grants.issue(connection, phone.principal, request_for(phone, child.id))
    assert (await desk.lift(freeze_id)).status_code == 200
    assert await reason_of(city, connection, phone) == "OK"


async def test_child_s_freeze_leaves_the_guardian_s_own_codes_alone(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone, child = city.a_family()
    await phone.fetch(connection)
    await desk.freeze(child)
    assert await reason_of(city, connection, phone) == "OK"


async def test_one_end_of_two_freezes_thaws_nothing(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    view = await fetch_for(phone, child, connection)
    of_child, of_guardian = await desk.freeze(child), await desk.freeze(phone.person)
    second = await desk.freeze(child, "court_order")
    for freeze_id in (of_child, of_guardian):
        assert (await desk.lift(freeze_id)).status_code == 200
        assert await statuses(city, connection, view) == {Status.SUSPENDED}
        assert await reason_of(city, connection, phone) == "SUSPENDED"
    assert (await desk.lift(second)).status_code == 200
    assert await statuses(city, connection, view) == {Status.VALID}
    assert city.told.notices.count((child.id, "codes_unfrozen")) == 1


async def test_what_was_revoked_meanwhile_stays_void(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone = Phone(city, city.people.add())
    view = await phone.fetch(connection)
    freeze_id = await desk.freeze(phone.person)
    await city.codes.grants.revoke(connection, phone.principal, RevokeCodes())
    await desk.lift(freeze_id)
    assert await statuses(city, connection, view) == {Status.INVALID}
    assert await reason_of(city, connection, phone) == "REVOKED"


async def test_holder_reads_why_and_from_whom(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    freeze_id = await desk.freeze(phone.person)
    (seen,) = (await desk.get(phone.principal)).json()["items"]
    assert seen["id"] == freeze_id
    assert seen["reason"] == "loss"
    assert seen["explanation"] == "手机遗失，本人到窗口办理"
    assert seen["organization_name"] == "演示图书馆"
    assert (seen["state"], seen["on_behalf_of"], seen["appeal"]) == ("frozen", None, None)
    assert str(OFFICIAL.subject_id) not in str(seen)
    await desk.lift(freeze_id)
    (seen,) = (await desk.get(phone.principal)).json()["items"]
    assert (seen["state"], seen["lifted_because"]) == ("lifted", "本人已找回手机")
    assert city.told.notices == [(phone.person.id, "codes_frozen"), (phone.person.id, "codes_unfrozen")]


async def test_guardian_reads_a_child_s_freeze_and_appeals(desk: Desk, city: FamilyCity) -> None:
    phone, child = city.a_family()
    freeze_id = await desk.freeze(child, "fraud")
    (seen,) = (await desk.get(phone.principal)).json()["items"]
    assert (seen["id"], seen["on_behalf_of"]) == (freeze_id, str(child.id))
    assert (await desk.post(phone.principal, f"/{freeze_id}/appeal", statement="孩子没有借出过手机")).status_code == 201
    city.guardians.by_pair.clear()
    assert (await desk.get(phone.principal)).json()["items"] == []
    assert slug(await desk.post(phone.principal, f"/{freeze_id}/appeal", statement="再次申诉")) == "freeze-unknown"


async def test_guardians_are_told_what_the_child_is_told(desk: Desk, city: FamilyCity) -> None:
    phone, child = city.a_family()
    await desk.lift(await desk.freeze(child))
    await desk.freeze(phone.person)
    assert city.told.notices == [
        (child.id, "codes_frozen"),
        (phone.person.id, "child_codes_frozen"),
        (child.id, "codes_unfrozen"),
        (phone.person.id, "child_codes_unfrozen"),
        (phone.person.id, "codes_frozen"),
    ]


async def test_strangers_read_and_appeal_nothing(desk: Desk, city: FamilyCity) -> None:
    freeze_id = await desk.freeze(city.people.add())
    stranger = a_principal("person", subject_id=city.people.add().id)
    assert (await desk.get(stranger)).json()["items"] == []
    assert slug(await desk.post(stranger, f"/{freeze_id}/appeal", statement="与我无关")) == "freeze-unknown"
    assert slug(await desk.post(stranger, f"/{NOBODY}/appeal", statement="与我无关")) == "freeze-unknown"


async def test_number_alone_reads_and_appeals_nothing(desk: Desk, city: FamilyCity) -> None:
    """Somebody with the holder's number, on a phone that was not seen before, is not yet the holder."""
    person = city.people.add(identity_level=2)
    freeze_id = await desk.freeze(person)
    unsure = a_principal("person", subject_id=person.id, ial=1)
    assert slug(await desk.get(unsure)) == "identity-level-too-low"
    assert slug(await desk.post(unsure, f"/{freeze_id}/appeal", statement="是我")) == "identity-level-too-low"
    on_device = msgspec.structs.replace(unsure, device_id=new_id())
    assert len((await desk.get(on_device)).json()["items"]) == 1


async def test_appeal_is_answered_by_another_official(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    freeze_id = await desk.freeze(phone.person, "fraud")
    assert slug(await desk.post(COLLEAGUE, f"/{freeze_id}/decision", decision="lifted", because="x" * 2)) == (
        "no-appeal-open"
    )
    await desk.post(phone.principal, f"/{freeze_id}/appeal", statement="不是我操作的")
    assert slug(await desk.post(phone.principal, f"/{freeze_id}/appeal", statement="再说一次")) == "already-appealed"
    (waiting,) = (await desk.get(COLLEAGUE, "/appeals")).json()["items"]
    assert (waiting["id"], waiting["appeal"]["statement"]) == (freeze_id, "不是我操作的")
    own = await desk.post(OFFICIAL, f"/{freeze_id}/decision", decision="lifted", because="同意")
    assert slug(own) == "another-official-needed"
    assert await reason_of(city, connection, phone) == "SUSPENDED"
    answer = await desk.post(COLLEAGUE, f"/{freeze_id}/decision", decision="lifted", because="核实为误判")
    assert answer.json()["appeal"]["decision"] == "lifted"
    assert await reason_of(city, connection, phone, grant=1) == "OK"
    assert (await desk.get(COLLEAGUE, "/appeals")).json()["items"] == []
    again = await desk.post(COLLEAGUE, f"/{freeze_id}/decision", decision="upheld", because="改主意")
    assert slug(again) == "no-appeal-open"


async def test_upheld_appeal_leaves_it_frozen_and_says_why(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    freeze_id = await desk.freeze(phone.person, "court_order")
    await desk.post(phone.principal, f"/{freeze_id}/appeal", statement="判决有误")
    await desk.post(COLLEAGUE, f"/{freeze_id}/decision", decision="upheld", because="以法院裁定为准")
    (seen,) = (await desk.get(phone.principal)).json()["items"]
    assert (seen["state"], seen["appeal"]["because"]) == ("frozen", "以法院裁定为准")
    assert await reason_of(city, connection, phone) == "SUSPENDED"
    assert city.told.notices[-1] == (phone.person.id, "freeze_upheld")


async def test_appeal_that_comes_too_late_is_refused(desk: Desk, city: FamilyCity) -> None:
    person = city.people.add()
    freeze_id = await desk.freeze(person)
    await desk.lift(freeze_id)
    holder = a_principal("person", subject_id=person.id)
    assert slug(await desk.post(holder, f"/{freeze_id}/appeal", statement="已经解除了")) == "already-lifted"


@pytest.mark.parametrize("reason", sorted(FreezeReason))
async def test_who_may_end_a_freeze(desk: Desk, city: FamilyCity, reason: FreezeReason) -> None:
    freeze_id = await desk.freeze(city.people.add(), reason)
    unchecked = await desk.lift(freeze_id, holder_checked=False)
    if reason is FreezeReason.COURT_ORDER:
        assert unchecked.status_code == 200
        return
    assert slug(unchecked) == "holder-check-needed"
    own = await desk.lift(freeze_id, OFFICIAL)
    assert own.status_code == (403 if reason in AGAINST_THE_HOLDER else 200)
    if reason in AGAINST_THE_HOLDER:
        assert slug(own) == "another-official-needed"
        assert (await desk.lift(freeze_id)).status_code == 200


async def test_freezing_twice_and_lifting_twice_are_conflicts(desk: Desk, city: FamilyCity) -> None:
    person = city.people.add()
    freeze_id = await desk.freeze(person)
    document = city.named.add(person)
    again = await desk.post(OFFICIAL, "", **document, reason="loss", explanation="再次挂失")
    assert slug(again) == "already-frozen"
    assert (await desk.lift(freeze_id)).status_code == 200
    assert slug(await desk.lift(freeze_id)) == "already-lifted"
    await desk.freeze(person)


async def test_name_and_number_of_nobody_are_refused_and_remembered(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    document = city.named.add(city.people.add())
    for wrong in ({"name": "测试乙"}, {"document_number": "190000199001010099"}):
        answer = await desk.post(OFFICIAL, "", **(document | wrong), reason="loss", explanation="手机遗失")
        assert slug(answer) == "named-holder-unknown"
    rows = await connection.fetch("select * from kit.audit_entry where action = 'freeze.holder_unknown'")
    assert len(rows) == 2
    assert "测试" not in str([dict(row) for row in rows])
    assert "1900" not in str([dict(row) for row in rows])


@pytest.mark.parametrize(
    "bent",
    [
        {"reason": "health"},
        {"reason": "debt"},
        {"explanation": ""},
        {"explanation": "两\n行"},
        {"explanation": "长" * 201},
        {"until": "2027-01-01"},
        {"name": None},
    ],
)
async def test_freezes_out_of_shape_are_refused(desk: Desk, city: FamilyCity, bent: dict[str, Any]) -> None:
    body = city.named.add(city.people.add()) | {"reason": "loss", "explanation": "手机遗失"} | bent
    assert slug(await desk.post(OFFICIAL, "", **body)) == "fields-invalid"


@pytest.mark.parametrize(
    "who",
    [None, a_principal("person"), agent_of(LIBRARY), an_official("system_admin"), an_official("scanner_admin")],
)
async def test_only_counters_freeze_lift_and_answer(desk: Desk, city: FamilyCity, who: Principal | None) -> None:
    freeze_id = await desk.freeze(city.people.add())
    document = city.named.add(city.people.add())
    answers = [
        await desk.post(who, "", **document, reason="loss", explanation="手机遗失"),
        await desk.post(who, f"/{freeze_id}/lift", because="解除", holder_checked=True),
        await desk.post(who, f"/{freeze_id}/decision", decision="lifted", because="解除"),
        await desk.get(who, "/appeals"),
    ]
    assert {answer.status_code for answer in answers} <= {401, 403}


async def test_what_people_wrote_is_sealed_and_out_of_the_log(
    desk: Desk, city: FamilyCity, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    freeze_id = await desk.freeze(phone.person, "fraud")
    await desk.post(phone.principal, f"/{freeze_id}/appeal", statement="不是我操作的")
    await desk.post(COLLEAGUE, f"/{freeze_id}/decision", decision="lifted", because="核实为误判")
    rows = await connection.fetch("select f::text as text from codes.freeze f")
    log = await connection.fetch("select e::text as text from kit.audit_entry e")
    assert {row["subject"] for row in await connection.fetch("select subject from kit.audit_entry")} == {
        f"person:{phone.person.id}"
    }
    for written in ("手机遗失", "不是我", "误判"):
        assert not any(written in row["text"] or written.encode().hex() in row["text"] for row in [*rows, *log])
    actions = [row["action"] for row in await connection.fetch("select action from kit.audit_entry order by id")]
    assert actions == ["codes.frozen", "freeze.appealed", "freeze.appeal_lifted", "codes.unfrozen"]


async def test_lists_go_by_pages(desk: Desk, city: FamilyCity) -> None:
    person = city.people.add()
    made = [await desk.freeze(person, reason) for reason in ("loss", "fraud", "death")]
    holder = a_principal("person", subject_id=person.id)
    first = (await desk.get(holder, "?limit=2")).json()
    rest = (await desk.get(holder, f"?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


def a_freeze(reason: FreezeReason, official_id: UUID) -> Freeze:
    now = OFFICIAL.authenticated_at
    return Freeze(
        id=new_id(),
        person_id=new_id(),
        reason=reason,
        explanation_sealed=b"",
        frozen_at=now,
        frozen_by=official_id,
        organization_id=LIBRARY,
    )


@given(reason=st.sampled_from(FreezeReason), frozen_by=st.uuids(), official=st.uuids())
def test_against_the_holder_always_takes_two(reason: FreezeReason, frozen_by: UUID, official: UUID) -> None:
    freeze = a_freeze(reason, frozen_by)
    assert may_lift(freeze, official) == (reason in {"loss", "holder_request"} or official != frozen_by)
    assert not may_lift(freeze, frozen_by) or reason not in AGAINST_THE_HOLDER
    assert needs_holder(freeze) == (reason != "court_order")
