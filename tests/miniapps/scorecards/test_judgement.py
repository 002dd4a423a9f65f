"""The verdict: the same for the same facts, never worse for better ones, and nothing without evidence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.scorecards.models import Facts, Judgement, Scorecard, judge
from miniapps.scorecards.rendering import as_csv, as_table

NOW = datetime(2026, 12, 1, tzinfo=UTC)
GOOD = Facts(
    published_at=NOW - timedelta(days=400),
    now=NOW,
    ending=False,
    users=5000,
    calls=100_000,
    success=99.9,
    p95_ms=200,
    promised_p95_ms=500,
    promised_availability=99.5,
    ratings=200,
    satisfied=96.0,
    replies_due=20,
    punctual=100.0,
    calls_back_open=0,
    accessibility="AA",
    elder_mode=True,
    conformance="passed",
    same_items_as=None,
)


def judged(**changes: Any) -> tuple[str, tuple[str, ...]]:
    found = judge(msgspec.structs.replace(GOOD, **changes))
    return found.verdict, found.reasons


@pytest.mark.parametrize(
    ("changes", "verdict", "reasons"),
    [
        ({}, "keep", ()),
        ({"users": 9}, "retire", ("unused",)),
        ({"users": None, "calls": 0, "success": None, "p95_ms": None}, "keep", ()),
        ({"users": 9, "published_at": NOW - timedelta(days=179)}, "keep", ("young",)),
        ({"users": 99}, "merge", ("little_used",)),
        ({"same_items_as": "cn.example.big"}, "merge", ("same_items",)),
        ({"users": 9, "ending": True}, "retire", ("ending",)),
        ({"success": 80.0, "satisfied": 30.0}, "retire", ("failing", "unreliable", "dissatisfying")),
        ({"success": 80.0, "satisfied": 30.0, "ratings": 29}, "keep", ("unreliable",)),
        ({"success": 99.4}, "keep", ("unreliable",)),
        ({"success": 99.4, "promised_availability": None}, "keep", ()),
        ({"success": 0.0, "calls": 99}, "keep", ()),
        ({"p95_ms": 800}, "keep", ("slow",)),
        ({"p95_ms": None}, "keep", ("slow",)),
        ({"p95_ms": None, "promised_p95_ms": None}, "keep", ()),
        ({"punctual": 50.0}, "keep", ("late_replies",)),
        ({"punctual": 50.0, "replies_due": 4}, "keep", ()),
        ({"accessibility": "none", "elder_mode": False}, "keep", ("not_accessible",)),
        ({"conformance": "failed"}, "keep", ("not_conforming",)),
        ({"conformance": None}, "keep", ()),
    ],
)
def test_verdicts(changes: dict[str, Any], verdict: str, reasons: tuple[str, ...]) -> None:
    assert judged(**changes) == (verdict, reasons)


SHARES = st.none() | st.floats(0, 100)
FACTS = st.builds(
    msgspec.structs.replace,
    st.just(GOOD),
    users=st.integers(0, 1000),
    calls=st.integers(0, 1000),
    success=SHARES,
    p95_ms=st.none() | st.integers(1, 6400),
    ratings=st.integers(0, 100),
    satisfied=SHARES,
    punctual=SHARES,
    conformance=st.sampled_from([None, "passed", "failed"]),
    same_items_as=st.none() | st.just("cn.example.big"),
    published_at=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
)
ORDER = ("keep", "merge", "retire")


@given(FACTS, st.integers(0, 1000), st.floats(0, 100))
def test_better_facts_never_give_a_worse_verdict(facts: Facts, users: int, more: float) -> None:
    better = msgspec.structs.replace(
        facts,
        users=(facts.users or 0) + users,
        success=None if facts.success is None else min(100.0, facts.success + more),
        satisfied=None if facts.satisfied is None else min(100.0, facts.satisfied + more),
        same_items_as=None,
        conformance="passed",
    )
    now, before = judge(better), judge(facts)
    assert ORDER.index(now.verdict) <= ORDER.index(before.verdict)
    if now.verdict == before.verdict:
        assert set(now.reasons) <= set(before.reasons)


def test_a_spreadsheet_runs_nothing_that_a_department_wrote() -> None:
    card = Scorecard(
        app_id="cn.example.library",
        name="图书馆",
        department='=HYPERLINK("x"),演示',
        since=NOW,
        facts=GOOD,
        judgement=Judgement(verdict="keep", reasons=()),
    )
    lines = as_csv([card]).splitlines()
    assert lines[0].startswith("app_id,department,verdict")
    assert lines[1].startswith("cn.example.library,\"'=HYPERLINK(")
    assert as_table([card]).splitlines()[1].split()[2] == "keep"
