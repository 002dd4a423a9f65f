"""The verdict online: its reasons in their order, what it discloses, what it remembers."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from codes.enterprise.enterprises.models import IssueCode
from codes.envelope.claims import Claims, Kind
from codes.envelope.cose import ObjectType, cose_sign1_verify, external_aad
from codes.envelope.presentation import encode_grant
from codes.envelope.static_code import encode_static_code
from codes.keys import signer_of, verifying_key_of
from codes.scenarios.errors import ScenarioUnknown
from codes.showing.grants.models import RevokeCodes
from codes.status.models import StatusPointer
from codes.verdict import Check, Reason, Verdict, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, RESTAURANT, a_principal, agent_of
from tests.codes.personal_city import SETTINGS, City, Phone, a_scanner, from_base64url
from tests.codes.signed import high_s_twin

LENDING, MUSEUM, OFFICE, LIBRARY_ENTRY, AGE, FIRE_CHECK = 302, 303, 602, 301, 608, 804


async def scan(
    city: City, connection: Connection, code: str, scenario: int = LIBRARY_ENTRY, scanner: Any = None, **request: Any
) -> VerificationResult:
    asked = VerifyCode(code=code, scenario=scenario, **request)
    return await city.codes.verifications.verify(connection, scanner or a_scanner(scenario), asked)


def result_of(result: VerificationResult, step: str) -> str:
    return next(check.result for check in result.checks if check.name == step)


async def test_a_good_code_is_accepted_and_discloses_what_the_scenario_allows(
    city: City, connection: Connection, vault: Vault
) -> None:
    phone = await city.a_phone(connection)
    result = await scan(city, connection, phone.show(LENDING), LENDING)
    assert (result.verdict, result.reason, result.retry, result.mode) == ("ACCEPT", "OK", "none", "online")
    assert result.disclosed == {"openid": pairwise_id(vault, str(LIBRARY), phone.person.id), "entitlements": []}
    assert result.withheld == []
    assert {check.result for check in result.checks} == {"pass"}
    assert result.freshness.code_age_s == 5
    assert result.freshness.trust_list_version == 1
    assert result.scanner is not None
    assert (result.scanner.org, result.scanner.site) == ("演示图书馆", "总馆")


async def test_two_organizations_know_one_person_by_two_names(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    here = await scan(city, connection, phone.show(), scanner=a_scanner(301))
    there = await scan(city, connection, phone.show(grant=1), scanner=a_scanner(301, organization_id=FIRE_RESCUE))
    assert here.disclosed["openid"] != there.disclosed["openid"]


async def test_an_office_learns_more_and_a_bar_only_yes_or_no(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    office = await scan(city, connection, phone.show(OFFICE), OFFICE)
    assert office.disclosed == {"full_name": "测试甲", "phone_tail": "0001"}
    bar = await scan(city, connection, phone.show(AGE, grant=1), AGE)
    assert bar.disclosed == {"age_over_18": True}


async def test_nothing_is_asked_of_identity_that_the_scenario_does_not_disclose(
    city: City, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    await scan(city, connection, phone.show(AGE), AGE)
    assert city.people.asked == [frozenset({"age_over_18"})]


async def test_a_receipt_proves_the_check_and_names_nobody(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    result = await scan(city, connection, phone.show(OFFICE), OFFICE)
    assert result.receipt is not None
    receipt = from_base64url(result.receipt)
    trust_list = (await city.codes.trust_lists.current(connection)).verified
    message = cose_sign1_verify(
        receipt,
        lambda read: trust_list.keys[read.protected[4]].verifying_key,
        external_aad(ObjectType.RECEIPT, SETTINGS.code_format.environment),
    )
    assert b"ACCEPT" in message.payload
    assert phone.person.id.bytes not in receipt
    assert "测试甲".encode() not in receipt


OFFLINE_REASONS: dict[str, tuple[dict[str, Any], Reason]] = {
    "46 s old": ({"age": 46}, Reason.STALE_CODE),
    "31 s ahead": ({"age": -31}, Reason.CLOCK_SKEW),
    "another scenario": ({"scenario": OFFICE}, Reason.SCENARIO_MISMATCH),
    "a nonce of another scan": ({"cnonce": b"another scan's"}, Reason.REPLAYED),
    "another place": ({"aud": "another place"}, Reason.REPLAYED),
}


@pytest.mark.parametrize(("shown", "reason"), OFFLINE_REASONS.values(), ids=OFFLINE_REASONS.keys())
async def test_refusals_disclose_nothing(
    city: City, connection: Connection, shown: dict[str, Any], reason: Reason
) -> None:
    phone = await city.a_phone(connection)
    result = await scan(city, connection, phone.show(**({"scenario": LIBRARY_ENTRY} | shown)))
    assert (result.verdict, result.reason) == (Verdict.REJECT, reason)
    assert (result.disclosed, result.withheld) == ({}, [])
    assert city.people.asked == []


@pytest.mark.parametrize("age", [45, 0, -30])
async def test_the_edges_of_freshness_are_accepted(city: City, connection: Connection, age: int) -> None:
    phone = await city.a_phone(connection)
    assert (await scan(city, connection, phone.show(age=age))).reason is Reason.OK


async def test_a_mismatch_names_the_scenario_that_is_needed(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    result = await scan(city, connection, phone.show(0), OFFICE)
    assert Check(name="scenario", result="fail", needed=OFFICE) in result.checks
    assert result_of(result, "scanner") == "skipped"


async def test_a_code_without_context_tells_entitlements_only(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    result = await scan(city, connection, phone.show(0))
    assert result.reason is Reason.OK
    assert result.disclosed.keys() <= {"openid", "entitlements"}


@pytest.mark.parametrize("code", ["", "SSM1:AAA", "x" * 801, "\x00", "SSM1:" + "码" * 20, "HTTPS://127.0.0.1:8000/1/"])
async def test_a_malformed_code_is_a_verdict(city: City, connection: Connection, code: str) -> None:
    result = await scan(city, connection, code)
    assert result.verdict is Verdict.REJECT
    assert result.kind is None


async def test_an_unknown_scenario_is_an_error_of_the_request(city: City, connection: Connection) -> None:
    with pytest.raises(ScenarioUnknown):
        await scan(city, connection, "", 999)


async def test_the_same_code_at_two_scanners(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    code = phone.show()
    first = await scan(city, connection, code, request_id="request-0001")
    second = await scan(city, connection, code, request_id="request-0001")
    assert (first.reason, second.reason) == (Reason.OK, Reason.REPLAYED)
    assert second.disclosed == {}
    assert second.retry == "refresh_code"
    assert second.door.word.zh == "请刷新"


async def test_the_high_s_twin_is_a_replay(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    code = phone.show()
    assert (await scan(city, connection, code)).reason is Reason.OK
    assert (await scan(city, connection, high_s_twin(code))).reason is Reason.REPLAYED


async def test_another_signature_of_the_same_second_is_a_replay(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    assert (await scan(city, connection, phone.show(LIBRARY_ENTRY))).reason is Reason.OK
    assert (await scan(city, connection, phone.show(LENDING), LENDING)).reason is Reason.REPLAYED
    assert (await scan(city, connection, phone.show(LENDING, age=4), LENDING)).reason is Reason.OK


async def test_a_repeated_request_gets_the_stored_answer(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    phone, scanner = await city.a_phone(connection), a_scanner(OFFICE)
    code = phone.show(OFFICE)
    first = await scan(city, connection, code, OFFICE, scanner, request_id="request-0001")
    again = await scan(city, connection, code, OFFICE, scanner, request_id="request-0001")
    assert again == msgspec.structs.replace(first, repeated=True)
    clock.advance(300)
    late = await scan(city, connection, code, OFFICE, scanner, request_id="request-0001")
    assert late == again
    assert (await scan(city, connection, code, OFFICE, scanner)).reason is Reason.STALE_CODE
    assert await connection.fetchval("select count(*) from codes.verification where verdict = 'ACCEPT'") == 1


SCANNERS_THAT_CHANGED: dict[str, dict[str, Any]] = {
    "revoked": {"state": "revoked"},
    "without the scenario": {"scenarios": frozenset({LIBRARY_ENTRY})},
}


@pytest.mark.parametrize("changes", SCANNERS_THAT_CHANGED.values(), ids=SCANNERS_THAT_CHANGED.keys())
@pytest.mark.parametrize("seconds", [1, 300])
@pytest.mark.parametrize("asked", [OFFICE, LIBRARY_ENTRY])
async def test_a_scanner_that_may_not_ask_any_more_gets_no_stored_answer(
    *, city: City, connection: Connection, clock: ManualClock, changes: dict[str, Any], seconds: int, asked: int
) -> None:
    phone, scanner = await city.a_phone(connection), a_scanner(OFFICE, LIBRARY_ENTRY)
    code = phone.show(OFFICE)
    first = await scan(city, connection, code, OFFICE, scanner, request_id="request-0001")
    assert first.disclosed
    clock.advance(seconds)
    changed = msgspec.structs.replace(scanner, **changes)
    again = await scan(city, connection, code, asked, changed, request_id="request-0001")
    assert (again.verdict, again.repeated, again.disclosed) == (Verdict.REJECT, False, {})


async def test_the_same_request_id_in_another_scenario_is_another_request(city: City, connection: Connection) -> None:
    phone, scanner = await city.a_phone(connection), a_scanner(LIBRARY_ENTRY, MUSEUM)
    code = phone.show(0)
    assert (await scan(city, connection, code, LIBRARY_ENTRY, scanner, request_id="request-0001")).disclosed
    other = await scan(city, connection, code, MUSEUM, scanner, request_id="request-0001")
    assert (other.reason, other.disclosed) == (Reason.REPLAYED, {})


@pytest.mark.parametrize("request_id", [None, "request-0002"])
async def test_another_request_of_the_same_scanner_is_a_replay(
    city: City, connection: Connection, request_id: str | None
) -> None:
    phone, scanner = await city.a_phone(connection), a_scanner(LIBRARY_ENTRY)
    code = phone.show()
    await scan(city, connection, code, scanner=scanner, request_id="request-0001")
    again = await scan(city, connection, code, scanner=scanner, request_id=request_id)
    assert again.reason is Reason.REPLAYED


async def test_revoked_codes(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    await city.codes.grants.revoke(connection, phone.principal, RevokeCodes(device_id=phone.id))
    result = await scan(city, connection, phone.show())
    assert (result.reason, result.verdict) == (Reason.REVOKED, Verdict.REJECT)


async def test_a_revoked_device(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = await city.a_phone(connection)
    await city.codes.grants.device_revoked(connection, phone.id, clock.now())
    assert (await scan(city, connection, phone.show())).reason is Reason.REVOKED


async def test_suspended_then_restored(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = await city.a_phone(connection)
    place = place_of(city, await connection.fetchval("select max(number) from codes.grant_batch"))
    await city.codes.statuses.suspend(connection, [place], expires_at=clock.now() + timedelta(days=1), now=clock.now())
    suspended = await scan(city, connection, phone.show())
    assert (suspended.reason, suspended.verdict) == (Reason.SUSPENDED, Verdict.REVIEW)
    assert await city.codes.statuses.restore(connection, place)
    assert (await scan(city, connection, phone.show())).reason is Reason.OK


def place_of(city: City, batch: int) -> StatusPointer:
    return city.codes.statuses.pointers_of_batch(batch)[0]


async def test_a_closed_account(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    city.people.by_id[phone.person.id] = msgspec.structs.replace(phone.person, status="closed")
    result = await scan(city, connection, phone.show())
    assert result.reason is Reason.REVOKED
    assert result_of(result, "holder") == "fail"


async def test_an_identity_that_was_not_checked_well_enough(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection, identity_level=1)
    assert (await scan(city, connection, phone.show())).reason is Reason.OK
    result = await scan(city, connection, phone.show(OFFICE, grant=1), OFFICE)
    assert (result.reason, result.verdict) == (Reason.HOLDER_CHECK_REQUIRED, Verdict.REVIEW)
    assert result.disclosed == {}


async def test_a_scanner_asks_only_what_it_is_enrolled_for(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    other = await scan(city, connection, phone.show(), scanner=a_scanner(OFFICE))
    ended = await scan(city, connection, phone.show(), scanner=a_scanner(LIBRARY_ENTRY, state="revoked"))
    assert (other.reason, ended.reason) == (Reason.SCANNER_NOT_ALLOWED, Reason.SCANNER_NOT_REGISTERED)
    assert other.door.word.zh == "转人工核验"
    assert (await scan(city, connection, phone.show())).reason is Reason.OK


async def test_a_pointer_that_was_not_sealed_here(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    assert (await scan(city, connection, forged_inside(city, phone, cti=bytes(16)))).reason is Reason.MALFORMED


async def test_a_pointer_to_no_batch_or_no_grant(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    pointers = city.codes.verifications._standings._pointers
    number = await connection.fetchval("select max(number) from codes.grant_batch")
    for cti in (pointers.seal(1 << 40, 1)[0], pointers.seal(number, 9)[8]):
        result = await scan(city, connection, forged_inside(city, phone, cti=cti))
        assert (result.reason, result.verdict) == (Reason.STATUS_UNKNOWN, Verdict.REVIEW)


def forged_inside(city: City, phone: Phone, **changes: Any) -> str:
    """A grant that the city's own key signed, over claims that the city never made."""
    signer = phone.grants[0][1]
    claims = Claims(
        expires_at=int(city.clock.now().timestamp()) + 3600,
        cti=bytes(16),
        shard=0,
        index=0,
        kind=Kind.P,
        device_key=signer.private_key.public_key(),
    )
    key = signer_of(city.codes.grants._keyring.active("grant"))
    grant = encode_grant(msgspec.structs.replace(claims, **changes), key, SETTINGS.code_format.environment)
    phone.grants[0] = (grant.data, signer)
    return phone.show()


async def test_an_enterprise_code_at_an_enterprise_gate(city: City, connection: Connection) -> None:
    code = await city.codes.enterprise_codes.issue(
        connection, agent_of(RESTAURANT), RESTAURANT, IssueCode(label="前门")
    )
    result = await scan(city, connection, code.carrier, FIRE_CHECK)
    assert result.reason is Reason.OK
    assert (result.kind, result.disclosed["organization_name"]) == ("E", "演示餐饮有限公司")
    assert result_of(result, "device_signature") == "skipped"
    again = await scan(city, connection, code.carrier, FIRE_CHECK)
    assert again.reason is Reason.OK, "a sticker may be read as often as anybody likes"
    at_library = await scan(city, connection, code.carrier)
    assert at_library.reason is Reason.WRONG_CARRIER
    await city.codes.enterprise_codes.revoke(connection, agent_of(RESTAURANT), RESTAURANT, code.id)
    assert (await scan(city, connection, code.carrier, FIRE_CHECK)).reason is Reason.REVOKED


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [("suspended", Reason.SUSPENDED, Verdict.REVIEW), ("closed", Reason.REVOKED, Verdict.REJECT)],
)
async def test_the_code_of_an_organization_that_is_not_active(
    city: City, connection: Connection, status: str, reason: Reason, verdict: Verdict
) -> None:
    issued = IssueCode(label="前门")
    code = await city.codes.enterprise_codes.issue(connection, agent_of(RESTAURANT), RESTAURANT, issued)
    city.organizations.change(RESTAURANT, status)
    result = await scan(city, connection, code.carrier, FIRE_CHECK)
    assert (result.reason, result.verdict, result.disclosed) == (reason, verdict, {})
    assert result_of(result, "holder") == "fail"
    city.organizations.change(RESTAURANT, "active")
    assert (await scan(city, connection, code.carrier, FIRE_CHECK)).reason is Reason.OK


async def test_a_personal_code_at_an_enterprise_gate(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    assert (await scan(city, connection, phone.show(FIRE_CHECK), FIRE_CHECK)).reason is Reason.WRONG_CARRIER


async def test_a_sticker_that_nobody_issued(city: City, connection: Connection) -> None:
    claims = Claims(expires_at=int(city.clock.now().timestamp()) + 3600, cti=bytes(16), shard=1, index=0, kind=Kind.E)
    key = signer_of(city.codes.enterprise_codes._keyring.active("enterprise_code"))
    code_format = SETTINGS.code_format
    text = encode_static_code(claims, key, code_format.environment, code_format.host)
    assert (await scan(city, connection, text, FIRE_CHECK)).reason is Reason.STATUS_UNKNOWN


async def test_every_scan_is_remembered_and_only_what_was_told(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    await scan(city, connection, phone.show(OFFICE), OFFICE)
    await scan(city, connection, phone.show(age=60, grant=1))
    await scan(city, connection, "nonsense")
    rows = await connection.fetch("select * from codes.verification order by id")
    assert [row["reason"] for row in rows] == ["OK", "STALE_CODE", "MALFORMED"]
    assert [row["subject_id"] for row in rows] == [phone.person.id, phone.person.id, None]
    assert [row["guard_cti"] is not None for row in rows] == [True, False, False]
    assert "full_name" in rows[0]["disclosed"]
    assert rows[1]["disclosed"] == []
    dump = b"".join(str(tuple(row.values())).encode() + (row["answer_sealed"] or b"") for row in rows)
    for canary in ("测试甲", "190000199001010011"):
        assert canary.encode() not in dump


async def test_the_citizen_reads_who_scanned(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = await city.a_phone(connection)
    for age in (5, 4, 3):
        await scan(city, connection, phone.show(age=age))
        clock.advance(0.01)
    page = await city.codes.scan_records.list_scans(connection, phone.principal, after=None, limit=2)
    assert [view.verdict for view in page.items] == ["ACCEPT", "ACCEPT"]
    assert page.items[0].scanner.org == "演示图书馆"
    assert page.items[0].scenario.names.zh == "图书馆入馆"
    assert page.items[0].disclosed == ["entitlements", "openid"]
    rest = await city.codes.scan_records.list_scans(connection, phone.principal, after=page.next, limit=2)
    assert len(rest.items) == 1
    assert rest.next is None
    stranger = a_principal("person")
    foreign = await city.codes.scan_records.list_scans(connection, stranger, after=None, limit=20)
    assert foreign.items == []
    same_id_as_organization = a_principal("organization", subject_id=phone.person.id, agent_id=new_id())
    foreign = await city.codes.scan_records.list_scans(connection, same_id_as_organization, after=None, limit=20)
    assert foreign.items == []


async def test_answers_are_forgotten_after_a_day(city: City, connection: Connection, clock: ManualClock) -> None:
    phone, scanner = await city.a_phone(connection), a_scanner(OFFICE)
    code = phone.show(OFFICE)
    await scan(city, connection, code, OFFICE, scanner, request_id="request-0001")
    clock.advance(25 * 3600)
    await city.codes.upkeep.run()
    row = await connection.fetchrow("select answer_sealed, disclosed from codes.verification")
    assert row is not None
    assert row["answer_sealed"] is None
    assert row["disclosed"]
    again = await scan(city, connection, code, OFFICE, scanner, request_id="request-0001")
    assert again.verdict is not Verdict.ACCEPT
    assert again.disclosed == {}


async def test_days_get_their_partitions_and_old_ones_go(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    await city.codes.upkeep.run()
    await city.codes.upkeep.run()
    assert await partitions(connection) == [
        "verification_20260302",
        "verification_20260303",
        "verification_20260304",
        "verification_20260305",
    ]
    phone = await city.a_phone(connection)
    await scan(city, connection, phone.show())
    assert await connection.fetchval("select count(*) from codes.verification_20260302") == 1
    clock.advance((3 * 365 + 2) * 86400)
    await city.codes.upkeep.run()
    assert "verification_20260302" not in await partitions(connection)
    assert await connection.fetchval("select count(*) from codes.verification") == 0


async def partitions(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = 'codes.verification'::regclass order by 1"
    )
    return [name for row in rows if (name := row["name"].removeprefix("codes.")) != "verification_other"]


async def test_a_stale_trust_list_closes_or_opens_by_scenario(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    await city.codes.trust_lists.current(connection)
    clock.advance(25 * 3600)
    phone = await city.a_phone(connection)
    closed = await scan(city, connection, phone.show(OFFICE), OFFICE)
    assert (closed.reason, closed.verdict) == (Reason.TRUST_LIST_STALE, Verdict.REVIEW)
    opened = await scan(city, connection, phone.show(grant=1))
    assert opened.reason is Reason.OK
    assert result_of(opened, "trust_list") == "stale"


async def test_the_keys_of_the_trust_list_are_the_keyring_s(city: City, connection: Connection) -> None:
    trust_list = (await city.codes.trust_lists.current(connection)).verified
    key = city.codes.grants._keyring.active("grant")
    listed = trust_list.keys[bytes.fromhex(key.kid)]
    assert listed.verifying_key.public_key == verifying_key_of(key).public_key
    assert listed.kinds == frozenset({Kind.P, Kind.F})
    assert isinstance(trust_list.issued_at, datetime)
