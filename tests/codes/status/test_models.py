"""Status lists: the draft's own example, bounds, and lists that are not to be believed."""

import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope.claims import SHARD_INDICES
from codes.envelope.cose import Environment
from codes.offline import status_list_key
from codes.status.models import (
    SHARD_BYTES,
    Status,
    StatusEntry,
    VerifiedStatusList,
    encode_status_list,
    inflate,
    pack,
    verify_status_list,
)
from codes.status.slots import Family, Slots, shards_until
from codes.verdict import Reason, Refused
from tests.codes.signed import ENVIRONMENT, FORMAT, GRANT_KEY, NOW, STATUS_KEY, TRUST_LIST


def a_list(*entries: StatusEntry, shard: int = 3, **changes: object) -> bytes:
    facts = {"signer": STATUS_KEY, "environment": ENVIRONMENT, "host": FORMAT.host} | changes
    return encode_status_list(pack(entries), shard=shard, now=NOW, **facts)  # type: ignore[arg-type] # bent on purpose


def believe(data: bytes, shard: int = 3) -> VerifiedStatusList:
    return verify_status_list(
        data,
        lambda message: status_list_key(TRUST_LIST, message, NOW),
        shard=shard,
        host=FORMAT.host,
        environment=ENVIRONMENT,
    )


def test_the_draft_s_example_of_two_bits() -> None:
    statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    packed = bytes.fromhex("c944f9")
    found = VerifiedStatusList(shard=0, issued_at=NOW, ttl_seconds=300, packed=packed)
    known = {0: Status.VALID, 1: Status.INVALID, 2: Status.SUSPENDED, 3: None}
    assert [found.find_status(index) for index in range(12)] == [known[status] for status in statuses]
    assert found.find_status(12) is None


@given(
    st.dictionaries(st.integers(0, SHARD_INDICES - 1), st.sampled_from([Status.INVALID, Status.SUSPENDED]), max_size=30)
)
def test_round_trip(changed: dict[int, Status]) -> None:
    entries = [StatusEntry(shard=3, index=index, status=status) for index, status in changed.items()]
    believed = believe(a_list(*entries))
    assert {index: believed.find_status(index) for index in changed} == changed
    assert believed.find_status(0) in {Status.VALID, changed.get(0)}
    assert believed.issued_at == NOW


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": GRANT_KEY},
        {"environment": Environment.PRODUCTION},
        {"host": "another.example.cn"},
        {"shard": 4},
    ],
)
def test_a_list_of_another_key_environment_host_or_shard_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refused):
        believe(a_list(**changes))  # type: ignore[arg-type] # bent on purpose


def test_a_bomb_is_not_inflated() -> None:
    with pytest.raises(Refused) as refused:
        inflate(zlib.compress(bytes(SHARD_BYTES + 1)))
    assert refused.value.reason is Reason.STATUS_UNKNOWN
    assert len(inflate(zlib.compress(bytes(SHARD_BYTES)))) == SHARD_BYTES


@pytest.mark.parametrize("data", [b"", b"nonsense", zlib.compress(b"abc")[:-1], zlib.compress(b"abc") + b"x"])
def test_what_is_not_one_zlib_stream_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        inflate(data)


@given(first=st.integers(0, 1 << 40))
def test_places_never_repeat_and_look_drawn(first: int) -> None:
    slots = Slots(bytes(32))
    for family in Family:
        places = slots.pointers(family, first, 64)
        assert len({(place.shard, place.index) for place in places}) == 64
        assert places == [slots.pointers(family, slot, 1)[0] for slot in range(first, first + 64)]
        assert {place.shard for place in places} <= set(shards_until(family, first, first + 63))
        neighbours = sum(abs(a.index - b.index) < 1000 for a, b in itertools.pairwise(places))
        assert neighbours <= 5


def test_no_place_is_drawn_twice_across_a_block_s_border() -> None:
    places = Slots(bytes(range(32))).pointers(Family.GRANT, (1 << 22) - 30_000, 60_000)
    assert len({(place.shard, place.index) for place in places}) == len(places)


def test_families_share_no_shard() -> None:
    assert not set(shards_until(Family.GRANT, 0, 1 << 24)) & set(shards_until(Family.STATIC, 0, 1 << 24))
