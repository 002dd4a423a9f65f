"""The signed changes between two lists: they carry a list forward exactly; bent, old or foreign ones are refused."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import cbor, cose
from codes.envelope.claims import SHARD_INDICES
from codes.envelope.cose import Environment, ObjectType, external_aad
from codes.offline import status_list_key
from codes.status.changes import (
    MOST_DECOYS,
    SMALLEST_STEP,
    TYPE,
    VerifiedChanges,
    apply_changes,
    changes_uri,
    decoys_for,
    encode_changes,
    verify_changes,
)
from codes.status.models import NO_STEP, Status, StatusEntry, VerifiedStatusList, pack
from codes.verdict import Refused
from tests.codes.signed import ENVIRONMENT, FORMAT, GRANT_KEY, NOW, NOW_SECONDS, SHARD, STATUS_KEY, TRUST_LIST

LATER = NOW + timedelta(seconds=40)
places = st.tuples(st.integers(0, 70), st.integers(0, SHARD_INDICES - 1))


def entry(index: int, status: Status = Status.INVALID, shard: int = SHARD) -> StatusEntry:
    return StatusEntry(shard=shard, index=index, status=status)


def a_document(*entries: StatusEntry, **changes: Any) -> bytes:
    facts: dict[str, Any] = {"after": 4, "until": 9, "host": FORMAT.host, "now": LATER, "signer": STATUS_KEY}
    return encode_changes(entries, **({"environment": ENVIRONMENT} | facts | changes))


def believe(data: bytes, last_until: int = 0) -> VerifiedChanges:
    return verify_changes(
        data,
        lambda message: status_list_key(TRUST_LIST, message, NOW),
        host=FORMAT.host,
        environment=ENVIRONMENT,
        last_until=last_until,
    )


def a_list(*entries: StatusEntry, step: int = 4) -> VerifiedStatusList:
    return VerifiedStatusList(shard=SHARD, issued_at=NOW, ttl_seconds=300, packed=pack(entries), step=step)


@given(st.dictionaries(places, st.sampled_from(Status), max_size=40))
def test_round_trip(changed: dict[tuple[int, int], Status]) -> None:
    found = believe(a_document(*(entry(index, status, shard) for (shard, index), status in changed.items())))
    read = {(shard, index): status for shard, each in found.statuses.items() for index, status in each.items()}
    assert (found.after, found.until, found.issued_at, read) == (4, 9, LATER, changed)


indices = st.integers(0, 300)
histories = st.lists(st.dictionaries(indices, st.sampled_from(Status), max_size=12), min_size=1, max_size=6)


@given(history=histories, begin=st.integers(0, 5))
def test_a_list_and_what_changed_after_it_are_the_list_of_now(history: list[dict[int, Status]], begin: int) -> None:
    begin = min(begin, len(history))
    truth = [state_after(history, step) for step in range(len(history) + 1)]
    old = a_list(*(entry(index, status) for index, status in truth[begin].items()), step=begin)
    since: dict[int, Status] = {}
    for step in history[begin:]:
        since |= step
    changes = believe(a_document(*(entry(*each) for each in since.items()), after=begin, until=len(history)))
    carried = apply_changes(old, changes)
    assert {index: carried.find_status(index) for index in range(301)} == {
        index: truth[-1].get(index, Status.VALID) for index in range(301)
    }
    assert (carried.step, carried.issued_at) == (len(history), LATER)


def state_after(history: list[dict[int, Status]], steps: int) -> dict[int, Status]:
    state: dict[int, Status] = {}
    for step in history[:steps]:
        state |= step
    return state


def test_changes_with_a_gap_before_them_make_a_list_safer_but_not_younger() -> None:
    carried = apply_changes(a_list(step=3), believe(a_document(entry(7))))
    assert carried.find_status(7) is Status.INVALID
    assert (carried.step, carried.issued_at) == (3, NOW)


def test_a_list_without_a_step_only_grows_safer() -> None:
    carried = apply_changes(a_list(step=NO_STEP), believe(a_document(entry(7), after=0)))
    assert carried.find_status(7) is Status.INVALID
    assert carried.issued_at == NOW


def test_changes_older_than_the_list_are_left_out() -> None:
    newer = a_list(step=10)
    assert apply_changes(newer, believe(a_document(entry(7)))) is newer


def test_changes_of_other_shards_touch_nothing_but_the_age() -> None:
    old = a_list(entry(1))
    carried = apply_changes(old, believe(a_document(entry(2, shard=SHARD + 2))))
    assert carried.packed == old.packed
    assert carried.issued_at == LATER


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": GRANT_KEY},
        {"environment": Environment.PRODUCTION},
        {"host": "another.example.cn"},
        {"after": 10, "until": 9},
        {"after": -1},
        {"until": 1 << 60},
    ],
)
def test_a_document_of_another_key_environment_host_or_order_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        believe(a_document(**changes))


def test_a_document_older_than_the_last_one_is_refused() -> None:
    assert believe(a_document(), last_until=9).until == 9
    with pytest.raises(Refused, match="rolled back"):
        believe(a_document(), last_until=10)


def test_a_status_list_is_no_document_of_changes() -> None:
    payload = cbor.encode(content({}))
    aad = external_aad(ObjectType.STATUS_LIST, ENVIRONMENT)
    with pytest.raises(Refused):
        believe(cose.cose_sign1_sign(payload, STATUS_KEY, aad=aad, protected={16: TYPE}))
    aad = external_aad(ObjectType.STATUS_CHANGES, ENVIRONMENT)
    with pytest.raises(Refused):
        believe(cose.cose_sign1_sign(payload, STATUS_KEY, aad=aad, protected={16: "application/statuslist+cwt"}))


def content(shards: Any, **changes: Any) -> dict[int, Any]:
    return {2: changes_uri(FORMAT.host), 6: NOW_SECONDS, 65534: 30, -70030: 4, -70031: 9, -70032: shards}


@pytest.mark.parametrize(
    "shards",
    [
        [],
        {-1: {1: [5]}},
        {1 << 32: {1: [5]}},
        {3: [5]},
        {3: {3: [5]}},
        {3: {1: 5}},
        {3: {1: [SHARD_INDICES]}},
        {3: {1: [-1]}},
        {3: {1: [True]}},
        {3: {1: [5, 5]}},
        {3: {1: [5], 2: [5]}},
        {3: {"1": [5]}},
    ],
)
def test_changes_out_of_form_are_refused(shards: Any) -> None:
    aad = external_aad(ObjectType.STATUS_CHANGES, ENVIRONMENT)
    with pytest.raises(Refused):
        believe(cose.cose_sign1_sign(cbor.encode(content(shards)), STATUS_KEY, aad=aad, protected={16: TYPE}))


@given(st.binary(max_size=300))
def test_no_bytes_are_believed_or_raise_anything_else(data: bytes) -> None:
    aad = external_aad(ObjectType.STATUS_CHANGES, ENVIRONMENT)
    for tried in (data, cose.cose_sign1_sign(data, STATUS_KEY, aad=aad, protected={16: TYPE})):
        with pytest.raises(Refused):
            believe(tried)


@given(st.integers(1, 3000))
def test_decoys_are_at_least_half_and_the_size_says_little(changes: int) -> None:
    size = changes + decoys_for(changes)
    assert decoys_for(changes) >= min(changes, MOST_DECOYS)
    assert size >= SMALLEST_STEP
    assert decoys_for(changes) == MOST_DECOYS or size & (size - 1) == 0


def test_a_full_step_stays_small() -> None:
    spread = {shard: 1_000_003 * shard % SHARD_INDICES for shard in range(SMALLEST_STEP)}
    assert len(a_document(*(entry(index, shard=shard % 4) for shard, index in spread.items()))) < 400
