"""The verifier that doors embed: it takes what the city signed, keeps the newest, and never raises on a code."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.offline import Challenge
from codes.offline_verifier import OfflineVerifier, Refused, RootUnreadable, TrustListRefused
from codes.status.changes import encode_changes
from codes.status.models import Status, StatusEntry, encode_status_list, pack
from codes.verdict import Reason, Verdict
from tests.codes.signed import (
    COUNTER,
    ENVIRONMENT,
    FORMAT,
    HOTEL,
    LIBRARY,
    NOW,
    RACE,
    SHARD,
    STATUS_KEY,
    TRUST_LIST,
    a_claims,
    a_paper,
    a_personal_code,
)
from tests.codes.vectors.generate import a_trust_list, root

INDEX = 70_000
LATER = NOW + timedelta(seconds=40)


def a_root(**changes: Any) -> bytes:
    return msgspec.json.encode(root() | changes)


def a_list(status: Status = Status.VALID, *, step: int = 4, issued_at: Any = NOW, shard: int = SHARD) -> bytes:
    entries = [StatusEntry(shard=shard, index=INDEX, status=status)] if status else []
    return encode_status_list(
        pack(entries),
        shard=shard,
        host=FORMAT.host,
        now=issued_at,
        signer=STATUS_KEY,
        environment=ENVIRONMENT,
        step=step,
    )


def some_changes(status: Status = Status.INVALID, *, after: int = 4, until: int = 6) -> bytes:
    return encode_changes(
        [StatusEntry(shard=SHARD, index=INDEX, status=status)],
        after=after,
        until=until,
        host=FORMAT.host,
        now=LATER,
        signer=STATUS_KEY,
        environment=ENVIRONMENT,
    )


@pytest.fixture
def verifier() -> OfflineVerifier:
    """With everything that it needs."""
    verifier = OfflineVerifier(a_root())
    verifier.take_trust_list(a_trust_list(), NOW)
    verifier.take_status_list(SHARD, a_list(), NOW)
    return verifier


def reason(verifier: OfflineVerifier, code: str | None = None, scenario: int = LIBRARY.number, **more: Any) -> Reason:
    return verifier.verify(code or a_personal_code(), scenario=scenario, now=NOW, **more).reason


def test_before_anything_was_pulled_a_person_looks() -> None:
    result = OfflineVerifier(a_root()).verify(a_personal_code(), scenario=LIBRARY.number, now=NOW)
    assert (result.verdict, result.reason) == (Verdict.REVIEW, Reason.TRUST_LIST_STALE)


def test_a_scenario_that_the_list_does_not_know_is_no_scenario(verifier: OfflineVerifier) -> None:
    assert reason(verifier, scenario=999) is Reason.TRUST_LIST_STALE


def test_without_a_status_list_the_scenario_decides() -> None:
    verifier = OfflineVerifier(a_root())
    verifier.take_trust_list(a_trust_list(), NOW)
    assert reason(verifier) is Reason.OK, "the library fails open"
    assert reason(verifier, a_personal_code(scenario=HOTEL.number), HOTEL.number) is Reason.STATUS_UNKNOWN


def test_lists_that_came_before_the_trust_list_are_refused() -> None:
    verifier = OfflineVerifier(a_root())
    with pytest.raises(Refused):
        verifier.take_status_list(SHARD, a_list(), NOW)
    with pytest.raises(Refused):
        verifier.take_changes(some_changes(), NOW)


def test_changes_carry_the_list_forward_and_older_ones_are_refused(verifier: OfflineVerifier) -> None:
    assert verifier.changes_after == 4
    verifier.take_changes(some_changes(), NOW)
    assert (reason(verifier), verifier.changes_after, verifier.step) == (Reason.REVOKED, 6, 6)
    with pytest.raises(Refused, match="rolled back"):
        verifier.take_changes(some_changes(Status.VALID, until=5), NOW)
    assert reason(verifier) is Reason.REVOKED
    verifier.take_changes(some_changes(Status.VALID, after=6, until=7), NOW)
    assert reason(verifier) is Reason.OK


def test_an_older_list_of_the_same_shard_changes_nothing(verifier: OfflineVerifier) -> None:
    verifier.take_status_list(SHARD, a_list(Status.INVALID, step=5, issued_at=LATER), NOW)
    verifier.take_status_list(SHARD, a_list(), NOW)
    assert reason(verifier) is Reason.REVOKED


def test_a_list_of_another_shard_is_not_taken_for_this_one(verifier: OfflineVerifier) -> None:
    with pytest.raises(Refused):
        verifier.take_status_list(SHARD, a_list(shard=SHARD + 2), NOW)


def test_what_an_earlier_run_believed_binds_the_next(verifier: OfflineVerifier) -> None:
    verifier.take_changes(some_changes(), NOW)
    again = OfflineVerifier(a_root(), last_version=verifier.version, last_step=verifier.step)
    again.take_trust_list(a_trust_list(), NOW)
    again.take_status_list(SHARD, a_list(), NOW)
    with pytest.raises(Refused, match="rolled back"):
        again.take_changes(some_changes(until=5), NOW)
    newer = OfflineVerifier(a_root(), last_version=TRUST_LIST.version + 1)
    with pytest.raises(TrustListRefused, match="rolled back"):
        newer.take_trust_list(a_trust_list(), NOW)
    assert newer.version == TRUST_LIST.version + 1


def test_a_list_of_another_city_is_refused() -> None:
    strange = root()["keys"][0] | {"kid": "00000000"}
    with pytest.raises(TrustListRefused):
        OfflineVerifier(a_root(keys=[strange])).take_trust_list(a_trust_list(), NOW)
    with pytest.raises(TrustListRefused):
        OfflineVerifier(a_root(environment="production")).take_trust_list(a_trust_list(), NOW)


def test_the_door_s_challenge_and_the_look_at_the_holder_are_handed_on(verifier: OfflineVerifier) -> None:
    challenge = Challenge(aud="gate-1", cnonce=bytes(8))
    code = a_personal_code(scenario=RACE.number, aud="gate-1", cnonce=bytes(8))
    assert reason(verifier, code, RACE.number, challenge=challenge) is Reason.OK
    assert reason(verifier, code, RACE.number, challenge=Challenge(aud="gate-2", cnonce=bytes(8))) is Reason.REPLAYED
    assert reason(verifier, a_paper(), COUNTER.number) is Reason.HOLDER_CHECK_REQUIRED
    assert reason(verifier, a_paper(), COUNTER.number, holder_checked=True) is Reason.OK


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"null", b"[]", a_root(keys=[{}]), a_root(environment="mars"), a_root(keys=[{"kid": "zz"}])],
)
def test_what_is_no_root_is_told_so(data: bytes) -> None:
    with pytest.raises(RootUnreadable):
        OfflineVerifier(data)


@given(code=st.text(max_size=60), prefix=st.sampled_from(["", FORMAT.prefix, "HTTPS://CODE.EXAMPLE.CN/1/"]))
def test_no_code_raises(code: str, prefix: str) -> None:
    verifier = OfflineVerifier(a_root())
    verifier.take_trust_list(a_trust_list(), NOW)
    result = verifier.verify(prefix + code, scenario=LIBRARY.number, now=NOW)
    assert result.verdict is not Verdict.ACCEPT
    assert result.disclosed == {}


def test_a_suspended_code_and_a_code_of_nobody(verifier: OfflineVerifier) -> None:
    verifier.take_changes(some_changes(Status.SUSPENDED), NOW)
    assert reason(verifier) is Reason.SUSPENDED
    assert reason(verifier, a_personal_code(claims=a_claims(index=INDEX + 1))) is Reason.OK
