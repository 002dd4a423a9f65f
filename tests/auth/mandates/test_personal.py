"""Family, helpers, volunteers and wards: who may act for a person, what they do, and what that person reads of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from app.demo.registries import CHILD, CITIZEN, SECOND_CITIZEN, Resident
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.documents import make_synthetic_credit_code
from auth.mandates.confirmations.models import STANDS
from auth.mandates.engine import Authority
from auth.mandates.helpers.models import AppointHelper, HelperKind, HelperView
from auth.mandates.models import Mandate
from auth.mandates.parties import DocumentHolder
from auth.mandates.rules import Act
from auth.organizations.models import RegisterDepartment
from auth.principal import Principal
from auth.wiring import AuthServices
from tests.auth.mandates.people import (
    DAUGHTER,
    ELDER,
    TRAINEE,
    accept,
    document_of,
    end,
    items,
    known,
    notices,
    post,
    with_tokens,
)
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]
YEAR = 365 * 86_400


@pytest.fixture
async def elder(new_phone: NewPhone, clock: ManualClock) -> Phone:
    clock.advance(14 * 86_400)  # the sixtieth birthday
    return await known(new_phone("19900000021"), ELDER)


@pytest.fixture
async def daughter(new_phone: NewPhone) -> Phone:
    return await known(new_phone("19900000022"), DAUGHTER)


async def offer(phone: Phone, kind: str, who: Any = None, **more: Any) -> httpx.Response:
    body: dict[str, Any] = {"kind": kind, "lasts_seconds": 3600} | more
    return await post(phone, "/v1/me/mandates", body | ({"agent": document_of(who)} if who else {}))


async def give(phone: Phone, kind: str, agent: Phone, who: Any = None, **more: Any) -> str:
    offered = await offer(phone, kind, who, **more)
    assert offered.status_code == 201, offered.text
    return await accept(agent, offered.json()["id"])


async def speak(agent: Phone, mandate_id: str) -> Phone:
    response = await post(agent, f"/v1/me/mandates/{mandate_id}/session")
    assert response.status_code == 201, response.text
    return with_tokens(agent, response.json())


def reason_of(response: httpx.Response) -> str:
    return str(response.json()["reason"])


async def id_of(phone: Phone) -> str:
    return str((await phone.get("/v1/me")).json()["subject_id"])


async def test_an_elder_lets_their_daughter_act_and_reads_what_she_did(elder: Phone, daughter: Phone) -> None:
    mandate_id = await give(
        elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR, scope={"apps": ["cn.example.library"]}
    )
    speaking = await speak(daughter, mandate_id)
    claims = jwt.decode(speaking.tokens["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["mandate_id"]) == (f"person:{await id_of(elder)}", mandate_id)
    assert claims["act"] == {"sub": f"person:{await id_of(daughter)}"}
    assert speaking.tokens["scope"].split() == ["app:cn.example.library", "delegate", "item:*", "scenario:*"]
    (act,) = await items(elder, "/v1/me/acts")
    assert (act["kind"], act["agent"], act["text"]["zh"]) == ("session_opened", "阿***试", "以您的名义登录")
    assert (await notices(elder))[:2] == ["acted_in_your_name", "mandate_given"]
    assert await items(daughter, "/v1/me/acts") == []


async def test_who_acts_is_no_surer_than_the_city_is_of_the_person(
    elder: Phone, daughter: Phone, connection: Connection
) -> None:
    mandate_id = await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR)
    await connection.execute("update auth.session set ial = 3 where holder_id = $1", UUID(await id_of(daughter)))
    speaking = await speak(daughter, mandate_id)
    claims = jwt.decode(speaking.tokens["access_token"], options={"verify_signature": False})
    assert claims["acr"].startswith("ial2.")


def decided(ward_id: str, guardian_id: str, now: datetime) -> Mandate:
    """By a court, of somebody of age."""
    return Mandate(
        id=uuid4(),
        principal_type="person",
        principal_id=UUID(ward_id),
        agent_id=UUID(guardian_id),
        kind="adult_guardian",
        role="监护人",
        proof="court_decision",
        starts_at=now,
        ends_at=now + timedelta(days=30),
    )


@pytest.mark.parametrize("side", [0, 1])
async def test_what_is_given_while_an_account_is_frozen_sleeps_with_it(
    *, elder: Phone, daughter: Phone, auth: AuthServices, connection: Connection, clock: ManualClock, side: int
) -> None:
    pair = (await id_of(daughter), await id_of(elder))
    frozen, mandates = UUID(pair[side]), auth.mandate_rooms.core.mandates
    await connection.execute("update auth.person set status = 'frozen' where id = $1", frozen)
    await mandates.give(connection, decided(pair[1], pair[0], clock.now()), actor="official:1")
    assert await find(auth, connection, pair, Act(kind="speak"), clock.now()) == "mandate-stopped"
    await mandates.person_returned(connection, frozen, "frozen", clock.now())
    assert await find(auth, connection, pair, Act(kind="speak"), clock.now()) == "yes"


async def test_nobody_under_guardianship_gives_what_they_offered_before(
    elder: Phone, daughter: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    offered = (await offer(elder, "proxy", DAUGHTER)).json()
    guardianship = decided(await id_of(elder), await id_of(daughter), clock.now())
    await auth.mandate_rooms.core.mandates.give(connection, guardianship, actor="official:1")
    refused = await post(daughter, f"/v1/me/mandate-offers/{offered['id']}/decision", {"decision": "accepted"})
    assert reason_of(refused) == "under-guardianship"


OWN = [
    ("GET", "/v1/me/consents"),
    ("POST", "/v1/me/consents"),
    ("POST", "/v1/me/devices/challenges"),
    ("GET", "/v1/me/messages"),
    ("POST", "/v1/me/mandates"),
    ("GET", "/v1/me/mandates"),
    ("POST", "/v1/me/children"),
    ("POST", "/v1/me/real-name"),
    ("GET", "/v1/me/acts"),
    ("POST", "/v1/organizations"),
]


async def test_whoever_acts_for_another_decides_nothing_that_is_theirs_alone(elder: Phone, daughter: Phone) -> None:
    """Consent, credentials, mandates, deletion, and reading their mail."""
    mandate_id = await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR)
    speaking = await speak(daughter, mandate_id)
    for method, path in OWN:
        answer = await speaking.client.request(method, path, json={}, headers=speaking.headers)
        assert (answer.status_code, slug_of(answer)) == (403, "not-yourself"), path


async def test_the_end_of_a_mandate_ends_its_sessions(elder: Phone, daughter: Phone, auth: AuthServices) -> None:
    mandate_id = await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR)
    speaking = await speak(daughter, mandate_id)
    assert (await end(elder, f"/v1/me/mandates/{mandate_id}")).json()["state"] == "ended"
    await auth.revoked_sessions.refresh()
    assert (await speaking.get("/v1/me")).status_code == 401
    assert reason_of(await post(daughter, f"/v1/me/mandates/{mandate_id}/session")) == "mandate-ended"
    assert (await notices(daughter))[0] == "mandate_over"


async def test_nobody_speaks_by_another_s_mandate(elder: Phone, daughter: Phone, phone: Phone) -> None:
    await phone.become_known(CITIZEN)
    mandate_id = await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR)
    for caller, which in ((phone, mandate_id), (elder, mandate_id), (daughter, str(uuid4()))):
        assert slug_of(await post(caller, f"/v1/me/mandates/{which}/session")) == "mandate-unknown"
    assert slug_of(await end(phone, f"/v1/me/mandates/{mandate_id}")) == "mandate-unknown"


async def test_a_mandate_speaks_of_its_two_sides_and_nobody_else(
    *, elder: Phone, daughter: Phone, phone: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    """Whoever shows a token that names it: the engine looks again at whom it is for."""
    await phone.become_known(CITIZEN)
    mandate_id = UUID(await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR))
    agent, principal, other = [UUID(await id_of(each)) for each in (daughter, elder, phone)]

    async def answer(agent_id: UUID, principal_id: UUID, which: UUID = mandate_id) -> bool:
        found = await auth.mandate_rooms.core.engine.check_mandate(
            connection,
            mandate_id=which,
            agent_id=agent_id,
            principal_id=principal_id,
            act=Act(kind="speak"),
            now=clock.now(),
        )
        return isinstance(found, Authority)

    assert await answer(agent, principal)
    assert not await answer(other, principal)
    assert not await answer(agent, other)
    assert not await answer(agent, principal, uuid4())


NOBODY_GIVES: list[tuple[str, dict[str, Any], str]] = [
    ("family", {}, "age"),
    ("proxy", {"lasts_seconds": 2 * YEAR}, "lasts-too-long"),
    ("assisted", {}, "not-sponsored"),
    ("volunteer", {}, "not-sponsored"),
    ("proxy", {"under": str(UUID(int=1))}, "no-mandate"),
]


async def test_what_nobody_may_give(daughter: Phone) -> None:
    for kind, more, reason in NOBODY_GIVES:
        assert reason_of(await offer(daughter, kind, TRAINEE, **more)) == reason


async def test_a_child_gives_and_takes_nothing(new_phone: NewPhone, daughter: Phone) -> None:
    child = await known(new_phone("19900000023"), CHILD)
    assert reason_of(await offer(child, "proxy", DAUGHTER)) == "age"
    offered = (await offer(daughter, "proxy", CHILD)).json()
    refused = await post(child, f"/v1/me/mandate-offers/{offered['id']}/decision", {"decision": "accepted"})
    assert reason_of(refused) == "age"


async def test_passing_on_needs_to_be_given(elder: Phone, daughter: Phone, new_phone: NewPhone) -> None:
    friend = await known(new_phone("19900000024"), TRAINEE)
    kept = await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR)
    assert reason_of(await offer(daughter, "proxy", TRAINEE, under=kept)) == "never-delegated"
    passed = await give(elder, "family", daughter, DAUGHTER, lasts_seconds=YEAR, may_delegate=True)
    below = await give(daughter, "proxy", friend, TRAINEE, under=passed)
    speaking = await speak(friend, below)
    assert speaking.tokens["mandate_id"] == below
    ended = await end(daughter, f"/v1/me/mandates/{below}")
    assert ended.json()["state"] == "ended"


async def find(auth: AuthServices, connection: Connection, pair: tuple[str, str], act: Act, now: datetime) -> str:
    """What the engine says to an act of the first for the second."""
    agent_id, principal_id = (UUID(one) for one in pair)
    found = await auth.mandate_rooms.core.engine.find_authority(
        connection, agent_id=agent_id, principal_id=principal_id, act=act, now=now
    )
    return "yes" if isinstance(found, Authority) else found.why.value


async def test_a_guardian_s_powers_change_at_fourteen_and_end_at_eighteen(
    phone: Phone, new_phone: NewPhone, auth: AuthServices, connection: Connection
) -> None:
    await phone.become_known(CITIZEN)
    own = await known(new_phone("19900000023"), CHILD)
    child = (await post(phone, "/v1/me/children", document_of(CHILD))).json()
    word = f"/v1/me/mandates/{child['mandate_id']}/own-word"
    assert reason_of(await post(own, word, {"word": "refused"})) == "own-consent-missing"
    consent, show, call = Act(kind="consent"), Act(kind="show_code"), Act(kind="call_app", app="a")
    fourteen, eighteen = (datetime(year, 3, 14, 16, tzinfo=UTC) for year in (2032, 2036))
    before, last = fourteen - timedelta(seconds=1), eighteen - timedelta(seconds=1)

    pair = (await id_of(phone), child["id"])

    async def verdicts(now: datetime) -> list[str]:
        return [await find(auth, connection, pair, act, now) for act in (consent, show, call)]

    assert await verdicts(before) == ["yes", "yes", "yes"]
    assert await verdicts(fourteen) == ["never-delegated", "yes", "own-consent-missing"]
    await connection.execute("update auth.mandate set own_word = 'agreed'")
    assert await verdicts(last) == ["never-delegated", "yes", "yes"]
    await connection.execute("update auth.mandate set own_word = 'refused'")
    assert await verdicts(last) == ["never-delegated", "own-consent-missing", "own-consent-missing"]
    await connection.execute("update auth.mandate set own_word = 'agreed'")
    assert await verdicts(eighteen) == ["mandate-ended"] * 3


async def test_only_the_child_says_the_child_s_word(
    phone: Phone, new_phone: NewPhone, connection: Connection, clock: ManualClock
) -> None:
    await phone.become_known(CITIZEN)
    own = await known(new_phone("19900000023"), CHILD)
    child = (await post(phone, "/v1/me/children", document_of(CHILD))).json()
    word = f"/v1/me/mandates/{child['mandate_id']}/own-word"
    assert reason_of(await post(own, word, {"word": "agreed"})) == "own-consent-missing"
    await connection.execute("update auth.mandate set own_word_from = $1", clock.now())  # the fourteenth birthday
    stranger = await known(new_phone("19900000025"), SECOND_CITIZEN)
    assert slug_of(await post(stranger, word, {"word": "agreed"})) == "mandate-unknown"
    assert reason_of(await post(phone, word, {"word": "agreed"})) == "own-consent-missing"
    assert (await post(own, word, {"word": "refused"})).json()["own_word"] == "refused"
    assert (await notices(phone))[0] == "child_refused"
    assert (await post(own, word, {"word": "agreed"})).json()["own_word"] == "agreed"


async def test_guardians_read_what_was_done_for_their_child(phone: Phone, daughter: Phone) -> None:
    await phone.become_known(CITIZEN)
    child = (await post(phone, "/v1/me/children", document_of(CHILD))).json()
    await speak(phone, child["mandate_id"])
    assert [act["kind"] for act in await items(phone, f"/v1/me/acts?of={child['id']}")] == ["session_opened"]
    assert slug_of(await daughter.get(f"/v1/me/acts?of={child['id']}")) == "mandate-unknown"


async def committee(auth: AuthServices, connection: Connection, clock: ManualClock) -> Principal:
    """An official of a neighbourhood committee."""
    code = make_synthetic_credit_code(sequence=77)
    known_already = await auth.organizations.find_by_credit_code(connection, code)
    department = RegisterDepartment(name="演示居委会", credit_code=code)
    made = known_already or await auth.organizations.register_department(connection, department, actor="system")
    return Principal(
        subject_type="official",
        subject_id=uuid4(),
        session_id=uuid4(),
        client_id="staff-console",
        authenticated_at=clock.now(),
        organization_id=made.id,
    )


async def sponsor(
    auth: AuthServices, connection: Connection, who: Resident, kind: HelperKind, clock: ManualClock
) -> str:
    """A badge, by the committee."""
    request = AppointHelper(person=DocumentHolder(**document_of(who)), kind=kind, days=30)
    view = await auth.mandate_rooms.helpers.appoint(connection, await committee(auth, connection, clock), request)
    assert isinstance(view, HelperView)
    return view.badge


async def test_a_helper_s_act_is_confirmed_one_by_one(
    *, elder: Phone, daughter: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    badge = await sponsor(auth, connection, DAUGHTER, "helper", clock)
    mandate_id = await give(elder, "assisted", daughter, badge=badge, scope={"items": ["card"]})
    (held,) = await items(daughter, "/v1/me/mandates")
    assert (held["sponsor"]["name"], held["kind"]) == ("演示居委会", "assisted")
    engine, confirmations = auth.mandate_rooms.core.engine, auth.mandate_rooms.confirmations
    authority = await engine.check_mandate(
        connection,
        mandate_id=UUID(mandate_id),
        agent_id=UUID(await id_of(daughter)),
        principal_id=UUID(await id_of(elder)),
        act=Act(kind="call_app", app="a", item="card"),
        now=clock.now(),
    )
    assert isinstance(authority, Authority)
    assert authority.confirm_each

    async def use(what: bytes) -> str | None:
        refusal: Any = await confirmations.use(
            connection,
            authority,
            kind="app_acted",
            detail={"app_id": "a"},
            fingerprint=what * 32,
            now=clock.now(),
        )
        return None if refusal is None else str(refusal.why.value)

    assert [await use(b"1"), await use(b"1"), await use(b"2")] == ["confirmation-needed"] * 3
    waiting = await items(elder, "/v1/me/confirmations")
    assert len(waiting) == 2  # asked once for each act
    assert (await notices(elder)).count("confirmation_asked") == 2
    path = "/v1/me/confirmations/{}/decision"
    refused = await post(daughter, path.format(waiting[1]["id"]), {"decision": "confirmed"})
    assert slug_of(refused) == "confirmation-unknown"
    assert (await post(elder, path.format(waiting[1]["id"]), {"decision": "confirmed"})).status_code == 200
    assert (await post(elder, path.format(waiting[0]["id"]), {"decision": "declined"})).status_code == 200
    assert (
        slug_of(await post(elder, path.format(waiting[0]["id"]), {"decision": "confirmed"})) == "confirmation-unknown"
    )
    assert [await use(b"1"), await use(b"1"), await use(b"2")] == [None, "confirmation-needed", "declined"]
    clock.advance(STANDS.total_seconds())
    await elder.renew()
    assert await items(elder, "/v1/me/confirmations") == []


async def test_a_volunteer_has_one_item_two_hours_and_no_document(
    *, elder: Phone, daughter: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    badge = await sponsor(auth, connection, DAUGHTER, "volunteer", clock)
    for more, reason in (
        ({"scope": {"items": ["a", "b"]}}, "items-not-named"),
        ({}, "items-not-named"),
        ({"lasts_seconds": 7201, "scope": {"items": ["a"]}}, "lasts-too-long"),
        ({"scope": {"items": ["a"]}, "may_delegate": True}, "not-passed-on"),
    ):
        assert reason_of(await offer(elder, "volunteer", badge=badge, **more)) == reason
    mandate_id = await give(elder, "volunteer", daughter, badge=badge, lasts_seconds=7200, scope={"items": ["a"]})
    me = await id_of(elder)
    act = Act(kind="call_app", app="x", item="a")
    assert await find(auth, connection, (await id_of(daughter), me), act, clock.now()) == "yes"
    for other in (Act(kind="call_app", app="x"), Act(kind="call_app", app="x", item="b"), Act(kind="show_code")):
        assert await find(auth, connection, (await id_of(daughter), me), other, clock.now()) == "mandate-scope"
    assert (
        await find(auth, connection, (await id_of(daughter), me), act, clock.now() + timedelta(hours=2))
        == "mandate-ended"
    )
    granted: Any = await auth.mandate_rooms.core.engine.check_mandate(
        connection,
        mandate_id=UUID(mandate_id),
        agent_id=UUID(await id_of(daughter)),
        principal_id=UUID(me),
        act=act,
        now=clock.now(),
    )
    assert granted.no_documents


async def test_a_badge_taken_back_ends_what_stands_on_it(
    *, elder: Phone, daughter: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    badge = await sponsor(auth, connection, DAUGHTER, "helper", clock)
    await give(elder, "assisted", daughter, badge=badge, scope={"items": ["card"]})
    waiting = (await offer(elder, "assisted", badge=badge, scope={"items": ["card"]})).json()
    helper_id = await connection.fetchval("select id from auth.helper")
    official = await committee(auth, connection, clock)
    await auth.mandate_rooms.helpers.dismiss(connection, official, helper_id)
    assert [one["state"] for one in await items(daughter, "/v1/me/mandates")] == ["ended"]
    refused = await post(daughter, f"/v1/me/mandate-offers/{waiting['id']}/decision", {"decision": "accepted"})
    assert reason_of(refused) == "not-sponsored"
    assert reason_of(await offer(elder, "assisted", badge=badge, scope={"items": ["card"]})) == "not-sponsored"
