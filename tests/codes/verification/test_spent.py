"""High value: a presentation made for a place and a nonce counts there alone, and its grant never again anywhere."""

import base64
import random
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, Verdict, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.personal_city import City, Phone, a_scanner

LIBRARY_ENTRY, KIOSK = 301, 502
NONCE, OTHER_NONCE = b"nonce of one scan", b"nonce of another"


def as_text(nonce: bytes) -> str:
    return base64.urlsafe_b64encode(nonce).decode().rstrip("=")


@pytest.fixture
def kiosk() -> Scanner:
    return a_scanner(KIOSK)


@pytest.fixture
def door() -> Scanner:
    return a_scanner(LIBRARY_ENTRY)


async def scan(
    city: City, connection: Connection, scanner: Scanner, code: str, scenario: int = KIOSK, **request: Any
) -> VerificationResult:
    asked = VerifyCode(code=code, scenario=scenario, **request)
    return await city.codes.verifications.verify(connection, scanner, asked)


def for_kiosk(phone: Phone, kiosk: Scanner, nonce: bytes = NONCE, **shown: Any) -> str:
    return phone.show(KIOSK, aud=str(kiosk.site_id), cnonce=nonce, **shown)


async def test_what_was_made_for_this_place_and_nonce_is_accepted(
    city: City, connection: Connection, kiosk: Scanner
) -> None:
    phone = await city.a_phone(connection)
    result = await scan(city, connection, kiosk, for_kiosk(phone, kiosk), cnonce=as_text(NONCE))
    assert (result.verdict, result.reason) == (Verdict.ACCEPT, Reason.OK)


BENT: dict[str, tuple[dict[str, Any], dict[str, Any], Reason]] = {
    "no place and no nonce": ({"aud": None, "cnonce": None}, {}, Reason.HOLDER_CHECK_REQUIRED),
    "no nonce": ({"cnonce": None}, {}, Reason.HOLDER_CHECK_REQUIRED),
    "no place": ({"aud": None}, {}, Reason.HOLDER_CHECK_REQUIRED),
    "another place": ({"aud": "elsewhere"}, {}, Reason.REPLAYED),
    "another nonce": ({"cnonce": OTHER_NONCE}, {}, Reason.REPLAYED),
    "a nonce cut short": ({}, {"cnonce": as_text(NONCE)[:-3]}, Reason.REPLAYED),
    "a nonce of no length": ({}, {"cnonce": "A" * 13}, Reason.REPLAYED),
    "no nonce shown": ({}, {"cnonce": None}, Reason.REPLAYED),
}


@pytest.mark.parametrize(("shown", "asked", "reason"), BENT.values(), ids=BENT.keys())
async def test_what_was_made_for_another_is_refused_and_spends_nothing(
    *,
    city: City,
    connection: Connection,
    kiosk: Scanner,
    shown: dict[str, Any],
    asked: dict[str, Any],
    reason: Reason,
) -> None:
    phone = await city.a_phone(connection)
    code = phone.show(KIOSK, **({"aud": str(kiosk.site_id), "cnonce": NONCE} | shown))
    refused = await scan(city, connection, kiosk, code, **({"cnonce": as_text(NONCE)} | asked))
    assert (refused.reason, refused.disclosed) == (reason, {})
    assert await connection.fetchval("select count(*) from codes.spent_grant") == 0
    good = await scan(city, connection, kiosk, for_kiosk(phone, kiosk, age=4), cnonce=as_text(NONCE))
    assert good.reason is Reason.OK


async def test_a_grant_that_answered_a_nonce_is_spent_in_every_window_and_scenario(
    city: City, connection: Connection, kiosk: Scanner, door: Scanner, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    assert (await scan(city, connection, kiosk, for_kiosk(phone, kiosk), cnonce=as_text(NONCE))).reason is Reason.OK
    for seconds in (0, 60, 6 * 3600):
        clock.advance(seconds)
        again = await scan(
            city, connection, kiosk, for_kiosk(phone, kiosk, OTHER_NONCE, age=3), cnonce=as_text(OTHER_NONCE)
        )
        plain = await scan(city, connection, door, phone.show(age=2), LIBRARY_ENTRY)
        assert {again.reason, plain.reason} == {Reason.REPLAYED}
        assert (again.disclosed, plain.disclosed) == ({}, {})
        assert [check.result for check in plain.checks if check.name == "replay"] == ["fail"]
    assert (await scan(city, connection, door, phone.show(grant=1), LIBRARY_ENTRY)).reason is Reason.OK


async def test_a_grant_that_was_shown_without_a_nonce_is_not_spent(
    city: City, connection: Connection, kiosk: Scanner, door: Scanner
) -> None:
    phone = await city.a_phone(connection)
    for age in (5, 4, 3):
        assert (await scan(city, connection, door, phone.show(age=age), LIBRARY_ENTRY)).reason is Reason.OK
    high = await scan(city, connection, kiosk, for_kiosk(phone, kiosk, age=2), cnonce=as_text(NONCE))
    assert high.reason is Reason.OK


async def test_the_same_request_is_told_its_answer_again(
    city: City, connection: Connection, kiosk: Scanner, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    code = for_kiosk(phone, kiosk)
    asked: dict[str, Any] = {"cnonce": as_text(NONCE), "request_id": "request-0001"}
    first = await scan(city, connection, kiosk, code, **asked)
    assert first.reason is Reason.OK
    assert await scan(city, connection, kiosk, code, **asked) == msgspec.structs.replace(first, repeated=True)
    clock.advance(300)
    assert await scan(city, connection, kiosk, code, **asked) == msgspec.structs.replace(first, repeated=True)
    other = await scan(city, connection, kiosk, code, **(asked | {"request_id": "request-0002"}))
    assert other.verdict is Verdict.REJECT


async def test_spent_grants_are_forgotten_after_their_end_and_no_sooner(
    city: City, connection: Connection, kiosk: Scanner, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    await scan(city, connection, kiosk, for_kiosk(phone, kiosk), cnonce=as_text(NONCE))
    clock.advance(24 * 3600)
    await city.codes.verifications.forget_spent(connection)
    assert await connection.fetchval("select count(*) from codes.spent_grant") == 1
    clock.advance(25 * 3600)
    await city.codes.verifications.forget_spent(connection)
    assert await connection.fetchval("select count(*) from codes.spent_grant") == 0


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_shown_in_whatever_order(
    *, city: City, connection: Connection, kiosk: Scanner, door: Scanner, clock: ManualClock, seed: int
) -> None:
    """Against the rule in two sets: a second is used once, and a nonce uses up the grant."""
    draw, phone = random.Random(seed), await city.a_phone(connection)
    used: set[tuple[int, int]] = set()
    spent: set[int] = set()
    for _ in range(25):
        grant, age, high = draw.randrange(3), draw.randrange(6), draw.random() < 0.4
        second = int(clock.now().timestamp()) - age
        code = for_kiosk(phone, kiosk, grant=grant, age=age) if high else phone.show(grant=grant, age=age)
        if high:
            result = await scan(city, connection, kiosk, code, KIOSK, cnonce=as_text(NONCE))
        else:
            result = await scan(city, connection, door, code, LIBRARY_ENTRY)
        expected = grant not in spent and (grant, second) not in used
        assert (result.reason is Reason.OK) == expected
        assert expected or result.reason is Reason.REPLAYED
        if expected:
            used.add((grant, second))
            spent |= {grant} if high else set()
        clock.advance(draw.randrange(3))
