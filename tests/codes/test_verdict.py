"""Every reason has a verdict, something to try next, and one of four words at the door."""

import msgspec
import pytest

from codes.scenarios.catalogue import load_scenarios
from codes.verdict import (
    Check,
    Freshness,
    Reason,
    Retry,
    Verdict,
    VerificationResult,
    door_of,
    retry_of,
    verdict_of,
)
from codes.verification.models import GENERAL_ATTRIBUTES, attributes_allowed

WORDS = {"通过", "请刷新", "转人工核验", "此码无效"}


@pytest.mark.parametrize("reason", Reason)
def test_only_ok_opens(reason: Reason) -> None:
    opens = reason is Reason.OK
    assert (verdict_of(reason) is Verdict.ACCEPT) == opens
    assert (retry_of(reason) is Retry.NONE) == opens
    assert (door_of(reason).word.zh == "通过") == opens
    assert door_of(reason).word.zh in WORDS
    assert door_of(reason).word.en
    assert door_of(reason).action.en


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.REPLAYED, "请刷新"),
        (Reason.STALE_CODE, "请刷新"),
        (Reason.CLOCK_SKEW, "请刷新"),
        (Reason.SUSPENDED, "转人工核验"),
        (Reason.HOLDER_CHECK_REQUIRED, "转人工核验"),
        (Reason.BAD_ISSUER_SIGNATURE, "此码无效"),
        (Reason.REVOKED, "此码无效"),
    ],
)
def test_words_at_the_door(reason: Reason, word: str) -> None:
    assert door_of(reason).word.zh == word


def test_a_phone_that_is_ahead_is_told_to_set_its_clock() -> None:
    assert "时间" in door_of(Reason.CLOCK_SKEW).action.zh
    assert door_of(Reason.CLOCK_SKEW) != door_of(Reason.STALE_CODE)


def test_the_public_json_has_every_field() -> None:
    result = VerificationResult(
        verification_id=None,
        verdict=Verdict.REJECT,
        reason=Reason.SCENARIO_MISMATCH,
        retry=Retry.REFRESH_CODE,
        mode="offline",
        scenario=301,
        checks=[Check(name="format", result="pass"), Check(name="scenario", result="fail", needed=301)],
        freshness=Freshness(),
    )
    told = msgspec.json.decode(msgspec.json.encode(result))
    assert told["checks"] == [
        {"name": "format", "result": "pass"},
        {"name": "scenario", "result": "fail", "needed": 301},
    ]
    assert (told["disclosed"], told["withheld"], told["sources"], told["receipt"]) == ({}, [], [], None)


def test_a_code_without_context_never_names_anybody() -> None:
    for scenario in load_scenarios():
        assert attributes_allowed(scenario, 0) <= GENERAL_ATTRIBUTES
        assert attributes_allowed(scenario, scenario.number) == set(scenario.discloses)
        assert attributes_allowed(scenario, None) == set(scenario.discloses)
