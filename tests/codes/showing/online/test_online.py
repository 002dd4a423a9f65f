"""Online codes from issue to verdict: accepted once a step, refused by name, guessed at seldom, ended with all else."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from codes.envelope.cose import Environment
from codes.showing.online.carriers import OnlineSecret
from codes.showing.online.models import ISSUES_PER_DAY, IssueOnlineCode, OnlineCodeView
from codes.showing.online.reader import GUESSES
from codes.verdict import Check, Reason, Verdict, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import LIBRARY, Caller, a_principal, an_official
from tests.codes.personal_city import City, a_scanner
from tests.codes.showing.online.thin_client import ThinClient

LIBRARY_ENTRY, LENDING, METRO, AGE, OFFICE, KIOSK = 301, 302, 101, 608, 602, 502

Show = Callable[..., str]
WAYS = ("token", "digits")


@pytest.fixture
def principal(city: City) -> Any:
    return a_principal("person", subject_id=city.people.add().id)


@pytest.fixture
async def thin(city: City, connection: Connection, principal: Any) -> ThinClient:
    return ThinClient(await city.codes.ladder.online_codes.issue(connection, principal, IssueOnlineCode()))


@pytest.fixture(params=WAYS)
def show(request: pytest.FixtureRequest, thin: ThinClient, clock: ManualClock) -> Show:
    """Shows the client's code now, by token and then by digits."""

    def shown(scenario: int = LIBRARY_ENTRY, **how: int) -> str:
        way: Callable[..., str] = getattr(thin, request.param)
        return way(clock.now(), scenario, **how)

    return shown


async def scan(
    city: City, connection: Connection, code: str, scenario: int = LIBRARY_ENTRY, scanner: Any = None, **request: Any
) -> VerificationResult:
    asked = VerifyCode(code=code, scenario=scenario, **request)
    return await city.codes.verifications.verify(connection, scanner or a_scanner(scenario), asked)


def results_of(result: VerificationResult) -> dict[str, str]:
    return {check.name: check.result for check in result.checks}


async def test_a_code_is_accepted_with_the_result_of_every_other_kind(
    city: City, connection: Connection, vault: Vault, principal: Any, show: Show
) -> None:
    result = await scan(city, connection, show(LENDING), LENDING)
    assert (result.verdict, result.reason, result.kind, result.mode) == ("ACCEPT", "OK", "O", "online")
    assert result.disclosed["openid"] == pairwise_id(vault, str(LIBRARY), principal.subject_id)
    checks = results_of(result)
    assert {checks.pop(step) for step in ("issuer_key", "issuer_signature")} == {"skipped"}
    assert set(checks.values()) == {"pass"}
    assert result.receipt is not None


async def test_a_step_counts_once_by_whatever_carrier(
    city: City, connection: Connection, thin: ThinClient, clock: ManualClock
) -> None:
    now = clock.now()
    assert (await scan(city, connection, thin.token(now))).reason is Reason.OK
    for again in (thin.token(now), thin.digits(now), thin.token(now, LENDING)):
        result = await scan(city, connection, again, LENDING if again == thin.token(now, LENDING) else LIBRARY_ENTRY)
        assert (result.reason, result.disclosed) == (Reason.REPLAYED, {})
    assert (await scan(city, connection, thin.digits(now, handle=1))).reason is Reason.OK
    clock.advance(15)
    assert (await scan(city, connection, thin.token(clock.now()))).reason is Reason.OK


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_a_step_off_is_accepted(city: City, connection: Connection, show: Show, steps: int) -> None:
    assert (await scan(city, connection, show(steps=steps))).reason is Reason.OK


@pytest.mark.parametrize("steps", [-2, -3, -19])
async def test_an_older_step_asks_for_a_new_one(city: City, connection: Connection, show: Show, steps: int) -> None:
    result = await scan(city, connection, show(steps=steps))
    assert (result.verdict, result.reason, result.retry) == (Verdict.REJECT, Reason.STALE_CODE, "refresh_code")
    assert results_of(result)["kind"] == "skipped"


async def test_a_token_ahead_of_time_asks_for_the_clock_to_be_set(
    city: City, connection: Connection, thin: ThinClient, clock: ManualClock
) -> None:
    assert (await scan(city, connection, thin.token(clock.now(), steps=2))).reason is Reason.CLOCK_SKEW
    digits = await scan(city, connection, thin.digits(clock.now(), steps=2))
    assert digits.reason is Reason.BAD_DEVICE_SIGNATURE  # they carry no step: nobody looks into the future for one


async def test_the_same_request_is_told_its_answer_again(
    city: City, connection: Connection, show: Show, clock: ManualClock
) -> None:
    scanner, code = a_scanner(LENDING), show(LENDING)
    first = await scan(city, connection, code, LENDING, scanner, request_id="request-0001")
    assert first.disclosed
    again = await scan(city, connection, code, LENDING, scanner, request_id="request-0001")
    clock.advance(60)
    late = await scan(city, connection, code, LENDING, scanner, request_id="request-0001")
    assert again == late == msgspec.structs.replace(first, repeated=True)
    other = await scan(city, connection, code, LENDING, scanner, request_id="request-0002")
    assert (other.reason, other.disclosed) == (Reason.STALE_CODE, {})


async def test_a_mismatch_names_the_scenario_that_is_needed(city: City, connection: Connection, show: Show) -> None:
    result = await scan(city, connection, show(METRO), AGE)
    assert result.reason is Reason.SCENARIO_MISMATCH
    assert Check(name="scenario", result="fail", needed=AGE) in result.checks


async def test_a_code_without_context_tells_entitlements_only(
    city: City, connection: Connection, thin: ThinClient, clock: ManualClock
) -> None:
    general = await scan(city, connection, thin.token(clock.now(), 0))
    assert general.reason is Reason.OK
    assert general.disclosed.keys() <= {"openid", "entitlements"}
    named = await scan(city, connection, thin.token(clock.now(), 0, handle=1), AGE)
    assert (named.reason, named.disclosed) == (Reason.SCENARIO_MISMATCH, {})


async def test_a_scenario_without_online_codes_refuses_them(city: City, connection: Connection, show: Show) -> None:
    result = await scan(city, connection, show(OFFICE), OFFICE)
    assert (result.verdict, result.reason) == (Verdict.REJECT, Reason.WRONG_CARRIER)


@pytest.mark.parametrize(
    "bent",
    [
        lambda thin: msgspec.structs.replace(thin.secret, key=bytes(32)),
        lambda thin: msgspec.structs.replace(thin.secret, environment=Environment.PRODUCTION),
    ],
    ids=["another secret", "another environment"],
)
@pytest.mark.parametrize("way", WAYS)
async def test_a_wrong_tag_and_an_unknown_handle_are_the_same_answer(
    *,
    city: City,
    connection: Connection,
    thin: ThinClient,
    clock: ManualClock,
    bent: Callable[[ThinClient], OnlineSecret],
    way: str,
) -> None:
    stranger = ThinClient(
        msgspec.structs.replace(
            thin.told, handles=[msgspec.structs.replace(thin.told.handles[0], handle="A" * 11, digits="0" * 10)]
        )
    )
    thin.secret = bent(thin)
    wrong = await scan(city, connection, getattr(thin, way)(clock.now()))
    unknown = await scan(city, connection, getattr(stranger, way)(clock.now()))
    assert (wrong.reason, wrong.verdict) == (Reason.BAD_DEVICE_SIGNATURE, Verdict.REJECT)
    assert wrong.checks == unknown.checks
    assert (wrong.reason, wrong.kind, wrong.freshness) == (unknown.reason, unknown.kind, unknown.freshness)


async def test_misread_digits_are_malformed_and_no_guess(
    city: City, connection: Connection, thin: ThinClient, clock: ManualClock
) -> None:
    scanner, digits = a_scanner(LIBRARY_ENTRY), thin.digits(clock.now())
    misread = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    for _ in range(GUESSES.tries + 1):
        assert (await scan(city, connection, misread, scanner=scanner)).reason is Reason.MALFORMED
    assert (await scan(city, connection, digits, scanner=scanner)).reason is Reason.OK


async def test_a_scanner_guesses_only_so_often(
    city: City, connection: Connection, thin: ThinClient, clock: ManualClock
) -> None:
    scanner, right = a_scanner(LIBRARY_ENTRY), thin.digits(clock.now())
    thin.secret, good = msgspec.structs.replace(thin.secret, key=bytes(32)), thin.secret
    for _ in range(GUESSES.tries):
        guess = thin.digits(clock.now())
        assert (await scan(city, connection, guess, scanner=scanner)).reason is Reason.BAD_DEVICE_SIGNATURE
    limited = await scan(city, connection, right, scanner=scanner)
    assert (limited.verdict, limited.reason, limited.retry) == (Verdict.REVIEW, Reason.RATE_LIMITED, "later")
    assert set(results_of(limited).values()) == {"skipped", "fail"}
    assert (await scan(city, connection, right)).reason is Reason.OK, "another scanner has tries of its own"
    clock.advance(GUESSES.seconds)
    thin.secret = good
    assert (await scan(city, connection, thin.digits(clock.now()), scanner=scanner)).reason is Reason.OK


async def test_codes_that_are_right_use_no_guess_up(
    city: City, connection: Connection, thin: ThinClient, clock: ManualClock
) -> None:
    scanner = a_scanner(LIBRARY_ENTRY)
    for _ in range(GUESSES.tries + 2):
        assert (await scan(city, connection, thin.digits(clock.now()), scanner=scanner)).reason is Reason.OK
        clock.advance(15)


async def test_a_code_ends_with_everything_else_of_its_person(
    city: City, connection: Connection, principal: Any, show: Show, clock: ManualClock
) -> None:
    online = city.codes.ladder.online_codes
    assert await online.end_codes(connection, new_id(), clock.now()) == 0
    assert (await scan(city, connection, show())).reason is Reason.OK
    assert await online.end_codes(connection, principal.subject_id, clock.now()) == 1
    result = await scan(city, connection, show(handle=1))
    assert (result.reason, result.disclosed) == (Reason.REVOKED, {})
    assert await online.end_codes(connection, principal.subject_id, clock.now()) == 0


async def test_a_code_ends_with_the_device_it_was_given_to(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    thin = ThinClient(await city.codes.ladder.online_codes.issue(connection, phone.principal, IssueOnlineCode()))
    assert await city.codes.ladder.online_codes.end_codes_of_device(connection, new_id(), clock.now()) == 0
    assert (await scan(city, connection, thin.token(clock.now()))).reason is Reason.OK
    assert await city.codes.ladder.online_codes.end_codes_of_device(connection, phone.id, clock.now()) == 1
    assert (await scan(city, connection, thin.token(clock.now(), handle=1))).reason is Reason.REVOKED


async def test_a_code_ends_after_a_day(city: City, connection: Connection, show: Show, clock: ManualClock) -> None:
    clock.advance(24 * 3600 - 16)
    assert (await scan(city, connection, show())).reason is Reason.OK
    clock.advance(16)
    assert (await scan(city, connection, show())).reason is Reason.GRANT_EXPIRED
    clock.advance(25 * 3600)
    await city.codes.ladder.online_codes.forget_expired(connection)
    assert await connection.fetchval("select count(*) from codes.online_handle") == 0
    assert (await scan(city, connection, show())).reason is Reason.BAD_DEVICE_SIGNATURE


async def test_a_closed_account_and_a_scanner_that_may_not_ask(
    city: City, connection: Connection, principal: Any, show: Show
) -> None:
    assert (await scan(city, connection, show(), scanner=a_scanner(LENDING))).reason is Reason.SCANNER_NOT_ALLOWED
    person = city.people.by_id[principal.subject_id]
    city.people.by_id[person.id] = msgspec.structs.replace(person, status="closed")
    assert (await scan(city, connection, show(handle=1))).reason is Reason.REVOKED


async def test_the_secret_is_stored_sealed_and_told_once(city: City, connection: Connection, thin: ThinClient) -> None:
    row = await connection.fetchrow("select * from codes.online_code")
    assert row is not None
    assert thin.secret.key not in row["secret_sealed"]
    kept = await connection.fetch("select detail::text from kit.audit_entry where action = 'online_code.issued'")
    assert [thin.told.secret in entry["detail"] for entry in kept] == [False]


async def test_no_two_issues_share_a_secret_or_a_handle(
    city: City, connection: Connection, principal: Any, thin: ThinClient
) -> None:
    other = await city.codes.ladder.online_codes.issue(connection, principal, IssueOnlineCode())
    assert other.secret != thin.told.secret
    handles = [*thin.told.handles, *other.handles]
    assert len({handle.handle for handle in handles}) == len({handle.digits for handle in handles}) == 16


# By HTTP: who may ask, and for what.


async def ask(http: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await http.post("/v1/codes/online", json={}, headers=headers)


async def test_a_client_is_told_all_that_it_needs(
    *, http: httpx.AsyncClient, caller: Caller, principal: Any, city: City, connection: Connection, clock: ManualClock
) -> None:
    caller.principal = principal
    answer = await ask(http)
    assert answer.status_code == 201
    told = msgspec.json.decode(answer.content, type=OnlineCodeView)
    assert (told.step_seconds, told.version, len(told.handles)) == (15, 1, 8)
    assert isinstance(told.expires_at, datetime)
    assert (await scan(city, connection, ThinClient(told).digits(clock.now()))).reason is Reason.OK


async def test_a_repeated_request_is_one_issue(http: httpx.AsyncClient, caller: Caller, principal: Any) -> None:
    caller.principal = principal
    first, again = [(await ask(http, **{"Idempotency-Key": "k1"})).json() for _ in range(2)]
    assert first == again


STRANGERS: dict[str, tuple[Callable[[City], Any], int]] = {
    "nobody": (lambda _city: None, 401),
    "an official": (lambda _city: an_official("reviewer"), 403),
    "an agent": (lambda _city: a_principal("organization", agent_id=new_id()), 403),
    "a number alone": (lambda city: a_principal("person", subject_id=city.people.add().id, ial=1), 403),
    "a device that is unknown": (
        lambda city: a_principal("person", subject_id=city.people.add().id, device_id=new_id()),
        404,
    ),
}


@pytest.mark.parametrize(("who", "status"), STRANGERS.values(), ids=STRANGERS.keys())
async def test_strangers_get_no_code(
    *, http: httpx.AsyncClient, caller: Caller, city: City, who: Callable[[City], Any], status: int
) -> None:
    caller.principal = who(city)
    assert (await ask(http)).status_code == status


async def test_a_revoked_device_gets_no_code(
    http: httpx.AsyncClient, caller: Caller, city: City, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    city.devices.change(phone.id, "revoked")
    caller.principal = phone.principal
    answer = await ask(http)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/device-not-ready")


async def test_who_is_frozen_gets_no_code(
    http: httpx.AsyncClient, caller: Caller, principal: Any, connection: Connection
) -> None:
    caller.principal = principal
    await connection.execute(
        "insert into codes.freeze (id, person_id, reason, explanation_sealed, frozen_at, frozen_by, organization_id)"
        " values ($1, $2, 'loss', ''::bytea, '2026-03-02', $1, $1)",
        new_id(),
        principal.subject_id,
    )
    answer = await ask(http)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/codes-frozen")


async def test_a_day_has_so_many_issues(http: httpx.AsyncClient, caller: Caller, principal: Any) -> None:
    caller.principal = principal
    statuses = [(await ask(http)).status_code for _ in range(ISSUES_PER_DAY + 1)]
    assert statuses == [201] * ISSUES_PER_DAY + [429]


@pytest.mark.parametrize("body", [{"seconds": 60}, {"hours": 0}, {"hours": 25}, {"hours": 1.5}, []])
async def test_a_bent_request_is_refused(
    http: httpx.AsyncClient, caller: Caller, principal: Any, body: dict[str, Any]
) -> None:
    caller.principal = principal
    assert (await http.post("/v1/codes/online", json=body)).status_code == 400


async def test_a_code_for_an_hour_ends_after_an_hour(
    city: City, connection: Connection, principal: Any, clock: ManualClock
) -> None:
    thin = ThinClient(await city.codes.ladder.online_codes.issue(connection, principal, IssueOnlineCode(hours=1)))
    clock.advance(3599)
    assert (await scan(city, connection, thin.token(clock.now()))).reason is Reason.OK
    clock.advance(1)
    assert (await scan(city, connection, thin.token(clock.now()))).reason is Reason.GRANT_EXPIRED
