"""The page behind a sticker: what anybody with a camera learns, and everything that is not a sticker of ours."""

import base64
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.structs import Text
from codes.envelope.claims import Claims, Kind
from codes.envelope.cose import Environment
from codes.envelope.profiles import ES256, Signer
from codes.envelope.static_code import encode_static_code
from codes.keys import signer_of
from codes.stickers.page import PageMaker
from codes.stickers.routes import wants_json
from tests.codes.enterprise_city import OTHER_COMPANY, RESTAURANT, Caller, EnterpriseRooms, agent_of

JSON = {"accept": "application/json"}
LONG_AGO = 1_800_000_000


def path_of(carrier: str) -> str:
    return carrier.removeprefix("HTTP://127.0.0.1:8000")


def some_claims(**changes: Any) -> Claims:
    facts: dict[str, Any] = {"expires_at": LONG_AGO, "cti": bytes(16), "shard": 1, "index": 7, "kind": Kind.E}
    return Claims(**(facts | changes))


def encode(claims: Claims, signer: Signer, environment: str = "development") -> str:
    return path_of(encode_static_code(claims, signer, Environment(environment), "http://127.0.0.1:8000"))


def is_not_ours(answer: httpx.Response) -> bool:
    return answer.status_code == 404 and "此码无效" in answer.text and "演示" not in answer.text


async def test_page_of_a_sticker_shows_the_registered_facts(city: httpx.AsyncClient, carrier: str) -> None:
    answer = await city.get(path_of(carrier), headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for shown in ("演示餐饮有限公司", "91190000", "前厅", "2026-03-02", "2027-03-02", "真实有效", "genuine and valid"):
        assert shown in answer.text


async def test_page_brings_nothing_from_outside_and_is_not_kept(city: httpx.AsyncClient, carrier: str) -> None:
    answer = await city.get(path_of(carrier))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for outside in ("<script", "http://", "https://", "src=", "url(", "style="):
        assert outside not in answer.text


async def test_page_escapes_what_an_organization_is_called(city: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = agent_of(OTHER_COMPANY)
    body = {"label": "<b>&\"'"}
    issued = (await city.post(f"/v1/organizations/{OTHER_COMPANY}/codes", json=body)).json()
    text = (await city.get(path_of(issued["carrier"]))).text
    assert "<书>" not in text
    assert "演示&lt;书&gt;店" in text
    assert "&lt;b&gt;&amp;&quot;&#x27;" in text


async def test_page_as_json_when_asked(city: httpx.AsyncClient, carrier: str) -> None:
    answer = await city.get(path_of(carrier), headers=JSON)
    body = answer.json()
    assert (body["valid"], body["kind"], body["name"]) == (True, "E", "演示餐饮有限公司")
    assert set(body) == {
        "valid", "kind", "name", "credit_code", "in_business", "label", "issued_at", "expires_at"
    }  # fmt: skip


async def test_page_of_a_company_that_was_dissolved_says_so(
    city: httpx.AsyncClient, carrier: str, rooms: EnterpriseRooms
) -> None:
    known = rooms.organizations.by_id
    known[RESTAURANT] = msgspec.structs.replace(known[RESTAURANT], status="dissolved")
    assert "已非存续" in (await city.get(path_of(carrier))).text
    assert (await city.get(path_of(carrier), headers=JSON)).json()["in_business"] is False


async def test_page_of_a_revoked_sticker_is_gone_at_once(
    city: httpx.AsyncClient, caller: Caller, carrier: str, connection: Connection
) -> None:
    caller.principal = agent_of(RESTAURANT)
    code_id = await connection.fetchval("select id from codes.enterprise_code")
    await city.delete(f"/v1/organizations/{RESTAURANT}/codes/{code_id}")
    caller.principal = None
    page, problem = await city.get(path_of(carrier)), await city.get(path_of(carrier), headers=JSON)
    assert (page.status_code, problem.status_code) == (410, 410)
    assert "撤销" in page.text
    assert "演示餐饮" not in page.text
    assert problem.json()["type"] == "/problems/code-ended"


async def test_page_of_an_expired_sticker_is_gone(city: httpx.AsyncClient, carrier: str, clock: ManualClock) -> None:
    clock.advance(timedelta(days=365).total_seconds())
    page = await city.get(path_of(carrier))
    assert page.status_code == 410
    assert "有效期" in page.text


@pytest.mark.parametrize("kind", [Kind.V, Kind.I])
async def test_page_of_another_kind_of_code_is_not_an_enterprise(
    city: httpx.AsyncClient, floor: Floor, kind: Kind
) -> None:
    signer = signer_of(floor.keyring.active("enterprise_code"))
    assert is_not_ours(await city.get(encode(some_claims(kind=kind), signer)))


async def test_page_of_a_code_that_we_signed_and_never_booked_is_refused(city: httpx.AsyncClient, floor: Floor) -> None:
    signer = signer_of(floor.keyring.active("enterprise_code"))
    assert is_not_ours(await city.get(encode(some_claims(), signer)))


@pytest.mark.parametrize("purpose", ["grant", "status_list", "receipt", "trust_list"])
async def test_page_of_a_code_under_a_key_for_something_else_is_refused(
    city: httpx.AsyncClient, floor: Floor, purpose: str
) -> None:
    assert is_not_ours(await city.get(encode(some_claims(), signer_of(floor.keyring.active(purpose)))))


async def test_page_of_a_forged_code_is_refused(city: httpx.AsyncClient, floor: Floor) -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    own = Signer(profile=ES256, private_key=private_key, kid=bytes(4))
    ours = Signer(
        profile=ES256, private_key=private_key, kid=bytes.fromhex(floor.keyring.active("enterprise_code").kid)
    )
    assert is_not_ours(await city.get(encode(some_claims(), own)))
    assert is_not_ours(await city.get(encode(some_claims(), ours)))


async def test_page_of_a_code_of_another_environment_is_refused(city: httpx.AsyncClient, floor: Floor) -> None:
    signer = signer_of(floor.keyring.active("enterprise_code"))
    assert is_not_ours(await city.get(encode(some_claims(), signer, "production")))


@pytest.mark.parametrize(
    "path",
    [
        "/1/A",
        "/1/0189",
        "/1/====",
        "/1/<script>alert(1)</script>",
        "/1/%3Cscript%3E",
        "/1/%00",
        "/1/%FF%FE",
        "/1/" + "A" * 5000,
        "/1/" + "%E9%9A%8F" * 50,
        "/1/null",
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_page_of_anything_else_is_plainly_not_ours(city: httpx.AsyncClient, path: str, accept: str) -> None:
    answer = await city.get(path, headers={"accept": accept})
    assert answer.status_code == 404
    assert "<script" not in answer.text
    assert accept == "text/html" or answer.json()["type"] in {"/problems/code-not-ours", "/problems/not-found"}


async def test_page_with_a_lower_case_or_padded_or_longer_code_is_refused(
    city: httpx.AsyncClient, carrier: str
) -> None:
    path = path_of(carrier)
    bent = ["/1/" + path[3:].lower(), path + "=", path + "A", path[:-1], path + "%20", path + "%0A"]
    for one in bent:
        assert is_not_ours(await city.get(one)), one


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
async def test_page_of_a_sticker_with_any_bit_flipped_is_refused(
    city: httpx.AsyncClient, carrier: str, data: st.DataObject
) -> None:
    text = path_of(carrier)[3:]
    raw = bytearray(base64.b32decode(text + "=" * (-len(text) % 8)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert is_not_ours(await city.get("/1/" + base64.b32encode(bytes(raw)).decode().rstrip("=")))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.text(max_size=80), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", max_size=300)))
async def test_page_of_any_text_is_an_answer_and_never_ours(rooms: EnterpriseRooms, floor: Floor, text: str) -> None:
    async with floor.database.transaction() as connection:
        sticker = await rooms.services.public_reader.read(connection, f"HTTP://127.0.0.1:8000/1/{text}")
    assert sticker.description is None
    page = PageMaker(Text(zh="随申办", en="Suishen"), timedelta(hours=8)).show(sticker)
    assert page.status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_page_is_only_read(city: httpx.AsyncClient, carrier: str, method: str) -> None:
    assert (await city.request(method, path_of(carrier))).status_code == 405


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/json", True),
        ("APPLICATION/JSON; charset=utf-8", True),
        ("application/json, text/html", True),
        ("text/html,application/json", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("*/*", False),
        ("", False),
        ("application/problem+json", False),
    ],
)
def test_json_is_for_those_who_name_it(accept: str, json: bool) -> None:
    assert wants_json(accept) is json
