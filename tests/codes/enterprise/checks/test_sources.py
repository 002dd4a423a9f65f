"""Sources side by side: each report says its state, why it is missing, how old it may be and how long asking took."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from codes.enterprise.checks.models import SourceReport
from codes.enterprise.checks.ports import Question, SourceUnavailable
from codes.enterprise.checks.sources import SourceDesk
from codes.enterprise.registers.catalogue import load_registers
from tests.codes.enterprise.checks.sources import Fails, Hangs, Knows

QUESTION = Question(check_id=uuid4(), credit_code="911900000000000001", scenario=804)
REGISTERS = load_registers(["fire"])
OTHERWISE = timedelta(days=2)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def report_on(name: str, source: Any, clock: ManualClock) -> SourceReport:
    sources = {} if source is None else {name: source}
    desk = SourceDesk(sources, REGISTERS, deadline_seconds=0.05, stale_after=OTHERWISE)
    (report,) = await desk.ask_all([name], QUESTION, clock.now())
    return report


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (None, "not_connected"),
        (Hangs(), "deadline"),
        (Fails(TimeoutError()), "deadline"),
        (Fails(SourceUnavailable("ConnectError", "unreachable")), "unreachable"),
        (Fails(SourceUnavailable("status 503", "refused")), "refused"),
        (Fails(SourceUnavailable("another enterprise")), "not_understood"),
        (Fails(RuntimeError("a bug")), "failed"),
        (Fails(asyncio.InvalidStateError()), "failed"),
    ],
)
async def test_missing_source_says_why_and_tells_no_facts(clock: ManualClock, source: Any, cause: str) -> None:
    report = await report_on("fire", source, clock)
    assert (report.state, report.cause, report.as_of, report.facts) == ("missing", cause, None, [])
    assert report.names.zh == "消防监督"


async def test_asking_takes_its_time_and_says_so(clock: ManualClock) -> None:
    assert 40 <= (await report_on("fire", Hangs(), clock)).took_ms < 1000
    assert (await report_on("fire", Knows(clock.now()), clock)).took_ms < 40


@given(
    name=st.sampled_from(["fire", "food", "licences", "somebody_elses"]),
    age=st.floats(min_value=-3600, max_value=400 * 86400, allow_nan=False),
)
async def test_answer_is_old_by_its_own_registers_measure(name: str, age: float) -> None:
    clock = ManualClock(NOW)
    as_of = clock.now() - timedelta(seconds=age)
    report = await report_on(name, Knows(as_of), clock)
    allowed = REGISTERS.stale_after(name, OTHERWISE)
    if age < -300:
        assert (report.state, report.cause) == ("missing", "not_understood")
    else:
        assert report.state == ("stale" if timedelta(seconds=age) > allowed else "ok")
        assert (report.as_of, report.stale_after_hours) == (as_of, allowed // timedelta(hours=1))
        assert report.facts  # an old fact is shown as old, not hidden


async def test_one_deadline_for_all_and_reports_in_the_order_of_the_scenario(clock: ManualClock) -> None:
    names = ["fire", "food", "licences", "credit"]
    sources = dict.fromkeys(names, Hangs()) | {"food": Knows(clock.now())}
    desk = SourceDesk(sources, REGISTERS, deadline_seconds=0.2, stale_after=OTHERWISE)
    async with asyncio.timeout(0.6):
        reports = await desk.ask_all(names, QUESTION, clock.now())
    assert [report.name for report in reports] == names
    assert [report.state for report in reports] == ["missing", "ok", "missing", "missing"]
