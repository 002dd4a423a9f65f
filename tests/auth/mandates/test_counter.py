"""At a counter: a court's decision, an elder's word, and a child whose parents are at odds."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.demo.registries import CHILD, CITIZEN, SECOND_CITIZEN, Resident
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.mandates.counter.models import EndMandate, RecordMandate, SettleCustody
from auth.mandates.counter.service import CounterMandates
from auth.mandates.errors import MandateRefused, PartyUnknown
from auth.mandates.parties import DocumentHolder, MandateView
from auth.principal import Principal
from auth.wiring import AuthServices
from tests.auth.mandates.people import DAUGHTER, ELDER, TRAINEE, document_of, items, known, notices, post
from tests.auth.mandates.test_personal import committee, speak
from tests.auth.phones import Phone

NewPhone = Callable[[str], Phone]


def holder(who: Resident) -> DocumentHolder:
    return DocumentHolder(**document_of(who))


@pytest.fixture
def counter(auth: AuthServices) -> CounterMandates:
    return auth.mandate_rooms.counter


@pytest.fixture
async def official(auth: AuthServices, connection: Connection, clock: ManualClock) -> Principal:
    return await committee(auth, connection, clock)


def decision(principal: Resident, agent: Resident, **changes: Any) -> RecordMandate:
    facts: dict[str, Any] = {
        "kind": "adult_guardian",
        "principal": holder(principal),
        "agent": holder(agent),
        "reference": "演示-2026-001",
        "lasts_seconds": 86_400,
        "documents_checked": True,
    }
    return RecordMandate(**(facts | changes))


async def test_a_court_s_decision_is_recorded_used_and_ended(
    *, counter: CounterMandates, official: Principal, connection: Connection, phone: Phone, new_phone: NewPhone
) -> None:
    ward, guardian = await known(phone, CITIZEN), await known(new_phone("19900000032"), DAUGHTER)
    made = await counter.record(connection, official, decision(CITIZEN, DAUGHTER))
    assert isinstance(made, MandateView)
    assert (made.kind, made.proof, made.role) == ("adult_guardian", "court_decision", "监护人")
    sealed = await connection.fetchval("select reference_sealed from auth.mandate")
    assert "演示-2026-001".encode() not in sealed
    assert (await speak(guardian, str(made.id))).tokens["mandate_id"] == str(made.id)
    assert "mandate_given" in await notices(ward)
    offer = {"kind": "proxy", "agent": document_of(TRAINEE), "lasts_seconds": 3600}
    assert (await post(ward, "/v1/me/mandates", offer)).json()["reason"] == "under-guardianship"
    over = EndMandate(kind="adult_guardian", principal=holder(CITIZEN), agent=holder(DAUGHTER), documents_checked=True)
    ended = await counter.end(connection, official, over)
    assert isinstance(ended, MandateView)
    assert ended.state == "ended"
    assert isinstance(await counter.end(connection, official, over), PartyUnknown)
    assert (await post(guardian, f"/v1/me/mandates/{made.id}/session")).json()["reason"] == "mandate-ended"


async def test_who_is_not_here_is_refused_and_written_down(
    counter: CounterMandates, official: Principal, connection: Connection, phone: Phone
) -> None:
    await known(phone, CITIZEN)
    for asked in (decision(CITIZEN, TRAINEE), decision(TRAINEE, CITIZEN), decision(CITIZEN, CITIZEN)):
        assert isinstance(await counter.record(connection, official, asked), PartyUnknown)
    refused = await connection.fetch(
        "select actor, subject, detail from kit.audit_entry where action = 'mandate.refused'"
    )
    subjects = Counter(row["subject"] for row in refused)
    assert sorted(subjects.values()) == [3, 3]  # the official's log, and that of the one who is here
    assert {row["actor"] for row in refused} == {official.actor}
    assert CITIZEN.document_number not in str([dict(row) for row in refused])


async def test_an_elder_s_word_is_for_elders(
    *, counter: CounterMandates, official: Principal, connection: Connection, phone: Phone, new_phone: NewPhone
) -> None:
    await known(phone, ELDER)  # who is fifty-nine today
    await known(new_phone("19900000032"), DAUGHTER)
    refused = await counter.record(connection, official, decision(ELDER, DAUGHTER, kind="family"))
    assert isinstance(refused, MandateRefused)
    assert refused.why.value == "age"


async def test_while_custody_is_disputed_nobody_acts_and_then_one_does(
    *,
    counter: CounterMandates,
    official: Principal,
    auth: AuthServices,
    connection: Connection,
    phone: Phone,
    new_phone: NewPhone,
) -> None:
    mother, father = await known(phone, CITIZEN), await known(new_phone("19900000032"), SECOND_CITIZEN)
    child = (await post(mother, "/v1/me/children", document_of(CHILD))).json()
    speaking = await speak(mother, child["mandate_id"])
    stopped = await counter.stop_guardians(connection, official, holder(CHILD))
    assert stopped.stopped == 1  # type: ignore[union-attr]  # the child is known
    later = (await post(father, "/v1/me/children", document_of(CHILD))).json()
    await auth.revoked_sessions.refresh()
    assert (await speaking.get("/v1/me")).status_code == 401
    for caller, mandate_id in ((mother, child["mandate_id"]), (father, later["mandate_id"])):
        assert [one["state"] for one in await items(caller, "/v1/me/mandates")] == ["stopped"]
        refused = await post(caller, f"/v1/me/mandates/{mandate_id}/session")
        assert refused.json()["reason"] == "mandate-stopped"
        assert await items(caller, "/v1/me/children") == []
    assert await auth.guardians.list_guardian_ids(connection, UUID(child["id"])) == []
    verdict = SettleCustody(ward=holder(CHILD), guardians=[holder(SECOND_CITIZEN)], documents_checked=True)
    settled = await counter.settle_custody(connection, official, verdict)
    assert settled.kept == 1  # type: ignore[union-attr]  # the child is known
    states = [[one["state"] for one in await items(caller, "/v1/me/mandates")] for caller in (mother, father)]
    assert states == [["ended"], ["active"]]
    assert (await notices(father))[0] == "mandate_resumed"
    other = SettleCustody(ward=holder(CHILD), guardians=[holder(CITIZEN)], documents_checked=True)
    unasked = await counter.settle_custody(connection, official, other)
    assert unasked.kept == 0  # type: ignore[union-attr]  # nothing is disputed any more, and so nothing is decided
    assert [one["state"] for one in await items(father, "/v1/me/mandates")] == ["active"]
