"""One person, every kind of code they can show: one freeze stops all, one thaw brings all back, one call ends all."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.showing.freezes.models import FreezeView, LiftFreeze
from codes.showing.freezes.service import Freezes
from codes.showing.grants.models import RevokeCodes
from codes.showing.online.models import IssueOnlineCode
from codes.showing.paper.models import IssuePaperCode
from codes.status.models import Status, StatusPointer
from codes.venues.documents.models import VerifyDocument
from codes.verdict import VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import LIBRARY, an_official
from tests.codes.family_city import FamilyCity, freezing
from tests.codes.personal_city import Phone, a_scanner
from tests.codes.showing.online.thin_client import ThinClient
from tests.codes.venues.documents.test_documents import NUMBER, a_desk

LIBRARY_ENTRY = 301
OFFICIAL, COLLEAGUE = an_official("counter", organization_id=LIBRARY), an_official("counter", organization_id=LIBRARY)
KINDS = ("phone", "token", "digits", "paper", "document")

Verdicts = dict[str, str]
Ask = Callable[[], Awaitable[Verdicts]]


@pytest.fixture
def freezes(city: FamilyCity) -> Freezes:
    assert city.codes.counter.freezes is not None
    return city.codes.counter.freezes


@pytest.fixture
async def phone(city: FamilyCity, connection: Connection) -> Phone:
    return await city.a_phone(connection)


@pytest.fixture
async def ask(city: FamilyCity, connection: Connection, phone: Phone, clock: ManualClock) -> Ask:
    """What a door says to each kind of code now."""
    thin = ThinClient(await city.codes.ladder.online_codes.issue(connection, phone.principal, IssueOnlineCode()))
    paper = await city.codes.ladder.paper_codes.issue(connection, phone.principal, IssuePaperCode())

    city.people.by_document[NUMBER] = phone.person.id
    desk = await a_desk(connection, LIBRARY_ENTRY)

    async def type_document() -> VerificationResult:
        request = VerifyDocument(document_number=NUMBER, scenario=LIBRARY_ENTRY, holder_checked=True)
        return await city.codes.typed_documents.verify(connection, desk, request)

    async def scan(code: str) -> VerificationResult:
        request = VerifyCode(code=code, scenario=LIBRARY_ENTRY, holder_checked=True)
        return await city.codes.verifications.verify(connection, a_scanner(), request)

    async def asked() -> Verdicts:
        clock.advance(60)
        now = clock.now()
        shown: dict[str, Any] = {
            "phone": phone.show(LIBRARY_ENTRY),
            "token": thin.token(now, LIBRARY_ENTRY),
            "digits": thin.digits(now, LIBRARY_ENTRY, handle=1),
            "paper": paper.carrier,
        }
        said = {kind: str((await scan(code)).reason) for kind, code in shown.items()}
        return said | {"document": str((await type_document()).reason)}

    return asked


def every(reason: str) -> Verdicts:
    return dict.fromkeys(KINDS, reason)


async def freeze(freezes: Freezes, city: FamilyCity, connection: Connection, phone: Phone) -> FreezeView:
    answer = await freezes.freeze(connection, OFFICIAL, freezing(city, phone.person))
    assert isinstance(answer, FreezeView)
    return answer


async def test_one_freeze_stops_every_kind_and_one_thaw_brings_all_back(
    *, freezes: Freezes, city: FamilyCity, connection: Connection, phone: Phone, ask: Ask
) -> None:
    assert await ask() == every("OK")
    frozen = await freeze(freezes, city, connection, phone)
    assert await ask() == every("SUSPENDED")
    await freezes.lift(connection, COLLEAGUE, frozen.id, LiftFreeze(because="已找回", holder_checked=True))
    assert await ask() == every("OK")


async def test_one_call_ends_every_kind(city: FamilyCity, connection: Connection, phone: Phone, ask: Ask) -> None:
    ended = await city.codes.grants.revoke(connection, phone.principal, RevokeCodes())
    assert ended.grants == 8
    assert ended.other_codes >= 2
    said = await ask()
    assert said.pop("document") == "OK"  # no code: it stands in a wallet, and only a freeze reaches it
    assert "OK" not in said.values()
    assert (said["phone"], said["paper"]) == ("REVOKED", "REVOKED")


async def test_what_was_ended_under_a_freeze_does_not_come_back(
    *, freezes: Freezes, city: FamilyCity, connection: Connection, phone: Phone, ask: Ask
) -> None:
    frozen = await freeze(freezes, city, connection, phone)
    await city.codes.grants.revoke(connection, phone.principal, RevokeCodes())
    await freezes.lift(connection, COLLEAGUE, frozen.id, LiftFreeze(because="已找回", holder_checked=True))
    said = await ask()
    assert said.pop("document") == "OK"
    assert "OK" not in said.values()


@pytest.mark.usefixtures("ask")
async def test_paper_is_suspended_where_offline_verifiers_look(
    freezes: Freezes, city: FamilyCity, connection: Connection, phone: Phone
) -> None:
    await freeze(freezes, city, connection, phone)
    row = await connection.fetchrow("select shard, index from codes.paper_code")
    assert row is not None
    place = StatusPointer(shard=row["shard"], index=row["index"])
    assert await city.codes.statuses.find_status(connection, place) is Status.SUSPENDED
