"""A phone at a door, without a network: whose sticker is it, where am I, what may I be asked, for which nonce."""

import contextlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from codes.envelope.claims import Claims, Kind
from codes.envelope.profiles import ES256, Signer
from codes.envelope.static_code import encode_static_code
from codes.keys import signer_of
from codes.offline import status_list_key
from codes.places.choosing import (
    LONGEST_CHALLENGE,
    ScannedPlace,
    challenge_prefix,
    encode_challenge,
    parse_challenge,
    read_place,
)
from codes.places.facts import PlaceFacts, encode_facts, parse_facts
from codes.places.models import printed_number
from codes.status.models import verify_status_list
from codes.verdict import Reason, Refused
from tests.codes.enterprise_city import Caller, Device
from tests.codes.personal_city import SETTINGS, City
from tests.codes.places.conftest import KEEPER, SITE, register

PREFIX = "SSM1:"
FORMAT = SETTINGS.code_format


async def scan(city: City, floor: Floor, connection: Connection, text: str) -> ScannedPlace:
    """With the lists that the city publishes at this moment, and nothing else."""
    await city.codes.status_steps.take_when_due()
    now = floor.clock.now()
    trust_list = (await city.codes.trust_lists.current(connection)).verified
    lists = {}
    for shard in await city.codes.statuses.list_shards(connection):
        body = (await city.codes.statuses.publish(connection, shard)).body
        lists[shard] = verify_status_list(
            body,
            lambda message: status_list_key(trust_list, message, now),
            shard=shard,
            host=FORMAT.host,
            environment=FORMAT.environment,
        )
    return read_place(text, trust_list=trust_list, status_lists=lists, code_format=FORMAT, now=now)


async def test_a_phone_learns_the_place_and_its_scenarios_from_the_sticker_alone(
    city: City, floor: Floor, connection: Connection, door: dict[str, Any]
) -> None:
    scanned = await scan(city, floor, connection, door["carrier"])
    assert scanned.reason is Reason.OK
    assert scanned.facts == PlaceFacts(site_id=UUID(door["site_id"]), scenarios=(301, 302))
    assert scanned.facts.aud == door["site_id"]


async def test_a_revoked_sticker_names_no_place(
    city: City, floor: Floor, connection: Connection, door: dict[str, Any]
) -> None:
    await city.codes.places.revoke(connection, KEEPER, UUID(door["id"]))
    assert await scan(city, floor, connection, door["carrier"]) == ScannedPlace(reason=Reason.REVOKED)


async def test_an_expired_sticker_names_no_place(
    city: City, floor: Floor, connection: Connection, door: dict[str, Any], clock: ManualClock
) -> None:
    clock.advance(timedelta(days=365).total_seconds())
    await floor.keyring.load(connection)
    await city.codes.trust_lists.publish_when_due()
    assert await scan(city, floor, connection, door["carrier"]) == ScannedPlace(reason=Reason.GRANT_EXPIRED)


def a_sticker(signer: Signer, **changes: Any) -> str:
    facts = {1: bytes(16), 2: [301]}
    content: dict[str, Any] = {"expires_at": 1_900_000_000, "cti": bytes(16), "shard": 0, "index": 7, "kind": Kind.V}
    return encode_static_code(Claims(**({"facts": facts} | content | changes)), signer, FORMAT.environment, FORMAT.host)


async def test_a_sticker_that_is_not_the_city_s_is_an_answer(city: City, floor: Floor, connection: Connection) -> None:
    own = floor.keyring.active("enterprise_code")
    forged = Signer(profile=ES256, private_key=ec.generate_private_key(ec.SECP256R1()), kid=bytes.fromhex(own.kid))
    stranger = Signer(profile=ES256, private_key=forged.private_key, kid=bytes(4))
    seen = {
        "forged": a_sticker(forged),
        "a stranger's key": a_sticker(stranger),
        "a key for people's grants": a_sticker(signer_of(floor.keyring.active("grant"))),
        "another host": a_sticker(signer_of(own)).replace("127.0.0.1", "127.0.0.2"),
        "an advertisement": "HTTPS://EXAMPLE.COM/1/AAAA",
        "a personal code": "SSM1:AAAA",
        "nothing": "",
    }
    reasons = {name: (await scan(city, floor, connection, text)).reason.value for name, text in seen.items()}
    assert reasons == {
        "forged": "BAD_ISSUER_SIGNATURE",
        "a stranger's key": "UNKNOWN_KEY",
        "a key for people's grants": "KEY_NOT_FOR_KIND",
        "another host": "MALFORMED",
        "an advertisement": "MALFORMED",
        "a personal code": "MALFORMED",
        "nothing": "MALFORMED",
    }


async def test_another_kind_of_code_is_no_place(city: City, floor: Floor, connection: Connection) -> None:
    signer = signer_of(floor.keyring.active("enterprise_code"))
    for kind in (Kind.E, Kind.I):
        assert (await scan(city, floor, connection, a_sticker(signer, kind=kind))).reason is Reason.WRONG_CARRIER


ODD_FACTS = [
    None,
    {},
    {1: bytes(16)},
    {2: [301]},
    {1: bytes(15), 2: [301]},
    {1: "x" * 16, 2: [301]},
    {1: bytes(16), 2: []},
    {1: bytes(16), 2: list(range(101, 110))},
    {1: bytes(16), 2: [301, 301]},
    {1: bytes(16), 2: [0]},
    {1: bytes(16), 2: [-1]},
    {1: bytes(16), 2: [True]},
    {1: bytes(16), 2: [65536]},
    {1: bytes(16), 2: ["301"]},
    {1: bytes(16), 2: 301},
    {1: bytes(16), 2: [[301]]},
    {1: bytes(16), 2: [301], 3: "disclose everything"},
    [bytes(16), [301]],
]


@pytest.mark.parametrize("facts", ODD_FACTS, ids=str)
async def test_facts_of_any_other_shape_are_refused_also_when_the_city_signed_them(
    city: City, floor: Floor, connection: Connection, facts: Any
) -> None:
    signer = signer_of(floor.keyring.active("enterprise_code"))
    scanned = await scan(city, floor, connection, a_sticker(signer, facts=facts))
    assert scanned == ScannedPlace(reason=Reason.MALFORMED)


@given(st.uuids(), st.lists(st.integers(1, 0xFFFF), min_size=1, max_size=8, unique=True))
def test_facts_survive_the_sticker(site_id: UUID, scenarios: list[int]) -> None:
    facts = PlaceFacts(site_id=site_id, scenarios=tuple(scenarios))
    assert parse_facts(encode_facts(facts)) == facts


@given(st.binary(min_size=8, max_size=32))
def test_a_shown_nonce_is_read_back_and_is_no_code(cnonce: bytes) -> None:
    text = encode_challenge(cnonce, PREFIX)
    assert parse_challenge(text, PREFIX) == cnonce
    assert not text.startswith(PREFIX)


@given(st.one_of(st.text(max_size=100), st.text("0123456789ABCDEF $%*+-./:", max_size=100).map("SSM1N:".__add__)))
def test_whatever_else_is_shown_is_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        assert encode_challenge(parse_challenge(text, PREFIX), PREFIX) == text


@pytest.mark.parametrize(
    "text",
    [
        encode_challenge(bytes(7), PREFIX),
        encode_challenge(bytes(33), PREFIX),
        encode_challenge(bytes(16), PREFIX).lower(),
        encode_challenge(bytes(16), "OTHER1:"),
        encode_challenge(bytes(16), PREFIX) + "0" * LONGEST_CHALLENGE,
        challenge_prefix(PREFIX),
        PREFIX + "0000",
    ],
)
def test_a_nonce_too_short_too_long_or_of_another_city_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse_challenge(text, PREFIX)


async def show(http: httpx.AsyncClient, gate: Device, code: str, scenario: int, **facts: Any) -> tuple[str, str]:
    content = msgspec.json.encode({"code": code, "scenario": scenario} | facts)
    headers = {"content-type": "application/json"} | gate.signed("POST", "/v1/verifications", content)
    answer = await http.post("/v1/verifications", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["verdict"], answer.json()["reason"]


KIOSK = 502
NONCE = bytes(range(16))
NONCE_TEXT = "AAECAwQFBgcICQoLDA0ODw"


@pytest.fixture
async def kiosk(http: httpx.AsyncClient, caller: Caller, gate: Device) -> str:
    """The sticker of a terminal where much is at stake, by its carrier."""
    place = {"site": SITE, "label": "自助终端", "scenarios": [KIOSK]}
    return str((await register(http, caller, place))["carrier"])


async def test_a_code_for_this_place_and_nonce_passes_where_much_is_at_stake(
    http: httpx.AsyncClient, city: City, floor: Floor, gate: Device, kiosk: str
) -> None:
    async with floor.database.acquire() as connection:
        scanned = await scan(city, floor, connection, kiosk)
        phone = await city.a_phone(connection)
    assert scanned.facts is not None
    cnonce = parse_challenge(encode_challenge(NONCE, PREFIX), PREFIX)
    shown = phone.show(KIOSK, aud=scanned.facts.aud, cnonce=cnonce)
    assert await show(http, gate, shown, KIOSK, cnonce=NONCE_TEXT) == ("ACCEPT", "OK")


async def test_a_code_that_was_made_elsewhere_or_for_nobody_is_refused_where_much_is_at_stake(
    http: httpx.AsyncClient, city: City, connection: Connection, gate: Device, door: dict[str, Any]
) -> None:
    phone = await city.a_phone(connection)
    here = door["site_id"]
    elsewhere = "0198c0de-0000-7000-8000-000000000009"
    relayed = phone.show(KIOSK, grant=0, aud=elsewhere, cnonce=NONCE)
    other_nonce = phone.show(KIOSK, grant=1, aud=here, cnonce=NONCE[::-1])
    placeless = phone.show(KIOSK, grant=2, cnonce=NONCE)
    nonceless = phone.show(KIOSK, grant=3, aud=here)
    plain = phone.show(KIOSK, grant=4)
    asked = {"cnonce": NONCE_TEXT}
    assert await show(http, gate, relayed, KIOSK, **asked) == ("REJECT", "REPLAYED")
    assert await show(http, gate, other_nonce, KIOSK, **asked) == ("REJECT", "REPLAYED")
    for shown in (placeless, nonceless, plain):
        assert await show(http, gate, shown, KIOSK, **asked) == ("REVIEW", "HOLDER_CHECK_REQUIRED")


async def test_a_code_for_this_place_is_good_at_its_ordinary_door_and_at_no_other(
    http: httpx.AsyncClient, city: City, connection: Connection, gate: Device, door: dict[str, Any]
) -> None:
    phone = await city.a_phone(connection)
    there = phone.show(301, grant=0, aud="0198c0de-0000-7000-8000-000000000009")
    assert await show(http, gate, there, 301) == ("REJECT", "REPLAYED")
    assert await show(http, gate, phone.show(301, grant=1, aud=door["site_id"]), 301) == ("ACCEPT", "OK")


@given(st.integers(1, 10**10))
def test_a_misread_number_is_noticed(number: int) -> None:
    printed = printed_number(number)
    assert len(printed) >= 10
    for position in range(1, len(printed)):
        for digit in "0123456789":
            if digit != printed[position]:
                assert not is_right(printed[:position] + digit + printed[position + 1 :])
    assert is_right(printed)


def is_right(printed: str) -> bool:
    """Luhn's check as the standard words it: from the right, every second digit doubled, tens and units added."""
    values = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(printed[1:]))]
    return sum(value // 10 + value % 10 for value in values) % 10 == 0
