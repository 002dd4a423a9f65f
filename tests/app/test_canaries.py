"""Names, numbers and phones are planted, a whole day is lived, and then they are looked for where they must not be.

In the logs, in every row of every table (as text, as hexadecimal, in Base64, as a bare hash), and in refusals. What is
meant to be read stays: masked names, the last digits of a phone, an organization's public name and code.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.kit.database import Connection
from tests.fixtures.inhabited import CITIZEN, CITIZEN_PHONE, FIRE_SAFETY, OFFICE_VISITOR, OWNER_PHONE, Inhabited

OFFICER_NAME = "王\U00020089测"
CANARIES = [
    CITIZEN.name,
    CITIZEN.document_number,
    CITIZEN_PHONE,
    RESPONSIBLE.name,
    RESPONSIBLE.document_number,
    OWNER_PHONE,
    OFFICER_NAME,
]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """Everything that structlog says, from now on; the standard library's loggers are at their most talkative."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as entries:
        entries_seen: list[Any] = entries  # grows while the test runs
        yield entries_seen


def said_by_libraries(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The standard library's log, without what the tests' own HTTP client says of its own requests."""
    records = caplog.get_records("setup") + caplog.get_records("call")
    return [record.getMessage() for record in records if not record.name.startswith("httpx")]


def spellings(canary: str) -> Iterator[str]:
    """How a text may lie somewhere without being sealed."""
    data = canary.encode()
    yield canary
    yield data.hex()
    yield json.dumps(canary).strip('"')
    yield "".join(f"\\{byte:03o}" for byte in data)
    for shift in range(3):
        # The characters at the seams depend on the neighbours, those between do not.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + data).decode().rstrip("=")
            yield text[-(-8 * shift // 6) : len(text) - (1 if (shift + len(data)) % 3 else 0)]
    for hashed in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        yield hashed(data).hexdigest()


def found_in(text: str) -> set[str]:
    """The canaries that stand in a text, in whatever spelling."""
    low = text.lower()
    return {
        canary for canary in CANARIES for spelling in spellings(canary) if spelling in text or spelling.lower() in low
    }


async def dump(connection: Connection) -> dict[str, str]:
    """All rows of all tables as text, as `pg_dump` would write them."""
    tables = await connection.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema') order by 1"
    )
    dumped: dict[str, str] = {}
    for table in tables:
        rows = await connection.fetch(f"select t::text as row from {table['name']} t")
        dumped[table["name"]] = "\n".join(row["row"] for row in rows)
    return dumped


async def live_a_day(people: Inhabited) -> dict[str, Any]:
    """Grants, a scan that discloses, an inspection, an officer with a name, messages: answers to those who may read."""
    phone = people.citizen
    grants = await phone.fetch_grants()
    verdict = await people.scanner.verify(phone.present(grants[0], OFFICE_VISITOR), OFFICE_VISITOR)
    check = {"code": people.code, "scenario": FIRE_SAFETY, "inspection_id": people.known["inspection_id"][0]}
    await people.callers["inspector"].call("POST", "/v1/enterprise-checks", json=check)
    officer = {"username": "canary", "name": OFFICER_NAME, "password": uuid4().hex, "roles": ["inspector"]}
    await people.callers["system_admin"].call(
        "POST", "/v1/staff/officials", json=officer | {"organization_id": people.department}
    )
    for path in ("/v1/me", "/v1/me/messages", "/v1/codes/scans", "/v1/me/devices", "/v1/home", "/v1/me/disclosures"):
        await phone.call("GET", path)
    return verdict


async def refusals(people: Inhabited) -> list[httpx.Response]:
    """Personal data in all the wrong places."""
    name, number, phone = CITIZEN.name, CITIZEN.document_number, CITIZEN_PHONE
    bodies: list[tuple[str, str, Any]] = [
        ("anonymous", "/v1/login/otp/challenges", {"phone": f"{phone}x"}),
        ("anonymous", "/v1/login/otp/challenges", {"phone": phone, name: number}),
        ("anonymous", "/v1/login/otp/challenges", [phone, name]),
        ("anonymous", "/v1/login/otp/tokens", {"challenge_id": phone, "code": number}),
        ("anonymous", "/v1/login/password/tokens", {"username": phone, "password": number, "totp": name}),
        ("anonymous", "/v1/me/real-name", {"name": name, "document_number": number}),
        ("owner", "/v1/me/real-name", {"name": name, "document_number": number}),
        ("owner", "/v1/me/real-name", {"name": name, "document_number": RESPONSIBLE.document_number}),
        ("citizen", "/v1/me/real-name", {"name": name, "document_number": number, "document_type": number}),
        ("citizen", "/v1/me/real-name", {"name": name * 500, "document_number": f"{number}\u0000"}),
        ("citizen", "/v1/organizations", {"credit_code": number}),
        ("citizen", "/v1/organizations", {"credit_code": RESTAURANT.credit_code}),
        ("citizen", "/v1/me/consents", {"department_id": number, "purpose": name, "fields": [phone]}),
        ("citizen", "/v1/me/devices", {"name": name, "public_key": {"kty": number}, "proof": phone}),
        ("anonymous", "/v1/verifications", {"code": number, "scenario": 301}),
        ("system_admin", "/v1/staff/officials", {"username": name, "name": name, "roles": [number]}),
        ("inspector", "/v1/inspections", {"scenario": number, "purpose": name, "authority": phone}),
    ]
    answers = [await people.callers[who].send("POST", path, json=body) for who, path, body in bodies]
    broken = f'{{"name": "{name}", "document_number": {number}'.encode()
    for path in ("/v1/me/real-name", "/v1/organizations"):
        headers = {"content-type": "application/json"}
        answers.append(await people.citizen.send("POST", path, content=broken, headers=headers))
    paths = (f"/v1/me/sessions/{phone}", f"/v1/apps/{number}", f"/{phone}", f"/demo/inbox.json?phone={phone}9")
    return answers + [await people.callers["developer"].send("GET", path) for path in paths]


async def test_canaries_are_nowhere_in_clear(
    logged: list[Any], caplog: pytest.LogCaptureFixture, inhabited: Inhabited
) -> None:
    verdict = await live_a_day(inhabited)
    # They did pass through the house, to the one scanner that may know:
    assert verdict["disclosed"]["full_name"] == CITIZEN.name

    answers = await refusals(inhabited)
    for answer in answers:
        assert answer.status_code >= 400, answer.request.url
        assert found_in(answer.text) == set(), answer.text
        assert found_in(str(answer.headers)) == set()

    assert len(logged) > 0
    assert found_in(repr(logged)) == set()
    assert found_in("\n".join(said_by_libraries(caplog))) == set()

    async with inhabited.house.floor.database.acquire() as connection:
        rows = await dump(connection)
    assert sum(bool(text) for text in rows.values()) > 25
    assert {table: found for table, text in rows.items() if (found := found_in(text))} == {}


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "hidden",
    [
        lambda text: f"x{text}y",
        lambda text: repr({"a": text}),
        lambda text: f"\\x00{text.encode().hex()}00",
        lambda text: json.dumps({"a": text}),
        lambda text: base64.b64encode(f"a{text}b".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f'{{"n":"{text}"}}'.encode()).decode(),
        lambda text: hashlib.sha256(text.encode()).hexdigest(),
    ],
)
def test_search_would_find_them(canary: str, hidden: Any) -> None:
    assert canary in found_in(hidden(canary))
