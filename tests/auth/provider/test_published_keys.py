"""Keys that a client publishes at its own address: fetched beside the requests, believed for a while, never in one."""

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.errors import TemporarilyUnavailable
from app.kit.floor import Floor
from auth.keys import PublicJwk
from auth.provider.clients.published_keys.models import KeysUnreadable, read_keys
from auth.wiring import AuthServices
from tests.auth.phones import Key
from tests.auth.provider.city import Department, Register

ADDRESS = "https://library.example/jwks.json"


class Site:
    """The client's own server: what stands there, and how often it was read."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.reads = 0

    def publish(self, **keys: Key) -> None:
        self.documents[ADDRESS] = document_of([key.jwk | {"kid": kid} for kid, key in keys.items()])

    async def get_document(self, url: str) -> bytes:
        self.reads += 1
        if url not in self.documents:
            raise TemporarilyUnavailable
        return self.documents[url]


def document_of(keys: list[dict[str, str]]) -> bytes:
    return msgspec.json.encode({"keys": keys})


@pytest.fixture
def site(auth: AuthServices, library: Department, register: Register) -> Site:
    site = Site()
    site.publish(k1=library.key)
    auth.provider.keys.fetch_through(site)
    register.clients["library"] = replace(register.clients["library"], keys={}, jwks_uri=ADDRESS)
    return site


async def lets_in(library: Department, *, key: Key | None = None, **header: str | None) -> bool:
    answer = await library.push(client_assertion=library.assertion(key=key, header=header or None))
    assert answer.status_code in {201, 401}, answer.text
    return answer.status_code == 201


async def test_keys_are_asked_for_by_the_first_request_and_known_to_the_next(
    library: Department, site: Site, floor: Floor
) -> None:
    assert not await lets_in(library)
    assert site.reads == 0  # not within the request
    await floor.outbox.deliver_due()
    assert await lets_in(library)
    assert site.reads == 1


async def test_a_new_key_counts_after_it_was_asked_for(
    library: Department, site: Site, floor: Floor, clock: ManualClock
) -> None:
    await lets_in(library)
    await floor.outbox.deliver_due()
    new = Key()
    site.publish(k1=library.key, k2=new)
    clock.advance(11)
    assert not await lets_in(library, key=new, kid="k2")
    await floor.outbox.deliver_due()
    assert await lets_in(library, key=new, kid="k2")
    assert await lets_in(library)


async def test_names_that_nobody_knows_ask_once_in_ten_seconds(
    library: Department, site: Site, floor: Floor, clock: ManualClock
) -> None:
    for number in range(20):
        assert not await lets_in(library, kid=f"unknown-{number}")
        await floor.outbox.deliver_due()
    assert site.reads == 1
    clock.advance(10)
    await lets_in(library, kid="unknown")
    await floor.outbox.deliver_due()
    assert site.reads == 2


async def test_a_key_taken_away_is_good_for_five_minutes_and_one_use(
    library: Department, site: Site, floor: Floor, clock: ManualClock
) -> None:
    await lets_in(library)
    await floor.outbox.deliver_due()
    site.publish(k2=Key())
    clock.advance(300)
    assert await lets_in(library)
    clock.advance(1)
    assert await lets_in(library)
    await floor.outbox.deliver_due()
    assert not await lets_in(library)


async def test_a_site_that_does_not_answer_is_done_without_for_a_day(
    library: Department, site: Site, floor: Floor, clock: ManualClock
) -> None:
    await lets_in(library)
    await floor.outbox.deliver_due()
    site.documents.clear()
    clock.advance(24 * 3600)
    assert await lets_in(library)
    await floor.outbox.deliver_due()
    clock.advance(1)
    assert not await lets_in(library)


async def test_another_address_begins_anew(library: Department, site: Site, floor: Floor, register: Register) -> None:
    await lets_in(library)
    await floor.outbox.deliver_due()
    moved = "https://library.example/other.json"
    register.clients["library"] = replace(register.clients["library"], jwks_uri=moved)
    assert not await lets_in(library)
    site.documents[moved] = site.documents[ADDRESS]
    await floor.outbox.deliver_due()
    assert await lets_in(library)


async def test_a_spoiled_document_changes_nothing(
    library: Department, site: Site, floor: Floor, clock: ManualClock
) -> None:
    await lets_in(library)
    await floor.outbox.deliver_due()
    site.documents[ADDRESS] = b"<html>"
    clock.advance(301)
    assert await lets_in(library)
    await floor.outbox.deliver_due()
    assert await lets_in(library)


async def test_a_client_that_is_gone_is_not_visited(
    library: Department, site: Site, floor: Floor, register: Register
) -> None:
    await lets_in(library)
    del register.clients["library"]
    await floor.outbox.deliver_due()
    assert site.reads == 0


GOOD = Key().jwk | {"kid": "k1"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b'{"keys":{}}',
        b'{"keys":[1]}',
        b'{"keys":' + b"[" * 50_000,
        b"\xff",
        document_of([GOOD] * 17),
        document_of([GOOD, GOOD]),
        document_of([{name: value for name, value in GOOD.items() if name != "kid"}]),
        document_of([GOOD | {"kid": ""}]),
        document_of([GOOD | {"kid": "k" * 65}]),
        document_of([GOOD | {"d": "AA"}]),
        document_of([GOOD, {"kty": "oct", "k": "AA"}]),
        document_of([GOOD | {"x": "A" * 43}]),
        document_of([GOOD | {"x": "short"}]),
    ],
)
def test_what_is_no_set_of_keys_is_refused_whole(document: bytes) -> None:
    with pytest.raises(KeysUnreadable):
        read_keys(document)


def test_keys_for_other_things_are_passed_over() -> None:
    others = [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
        GOOD | {"kid": "enc", "use": "enc"},
        GOOD | {"kid": "es384", "alg": "ES384"},
        GOOD | {"kid": "p384", "crv": "P-384"},
    ]
    assert read_keys(document_of([GOOD | {"use": "sig", "alg": "ES256", "x5c": "…"}, *others])) == {
        "k1": PublicJwk(**GOOD)
    }


@settings(max_examples=50)
@given(st.one_of(st.binary(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(msgspec.json.encode)))
def test_whatever_stands_there_is_keys_or_refused_by_name(document: bytes) -> None:
    with contextlib.suppress(KeysUnreadable):
        assert isinstance(read_keys(document), dict)
