"""Asks all sources of a scenario side by side, under one deadline. Whatever one does, the others are shown in time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from codes.enterprise_checks.models import SourceReport
from codes.enterprise_checks.ports import EnterpriseSource, Question, SourceUnavailable

CLOCKS_DIFFER = timedelta(minutes=5)

log = structlog.get_logger()


async def ask_all(
    names: Sequence[str],
    sources: Mapping[str, EnterpriseSource],
    question: Question,
    *,
    deadline_seconds: float,
    stale_after: timedelta,
    now: datetime,
) -> list[SourceReport]:
    """One report for each name, in that order, at the latest after `deadline_seconds`; never raises."""
    answers = [_ask(name, sources.get(name), question, deadline_seconds) for name in names]
    return [_dated(report, stale_after, now) for report in await asyncio.gather(*answers)]


async def _ask(name: str, source: EnterpriseSource | None, question: Question, deadline_seconds: float) -> SourceReport:
    if source is None:
        return SourceReport(name=name, state="missing")
    try:
        async with asyncio.timeout(deadline_seconds):
            answer = await source.ask(question)
    except SourceUnavailable as unavailable:
        log.warning("enterprise_source.missing", source=name, cause=str(unavailable))
        return SourceReport(name=name, state="missing")
    except Exception as error:  # noqa: BLE001 - one source, whatever is wrong with it, blocks nobody
        log.warning("enterprise_source.missing", source=name, cause=type(error).__name__)
        return SourceReport(name=name, state="missing")
    return SourceReport(name=name, state="ok", as_of=answer.as_of, facts=answer.facts)


def _dated(report: SourceReport, stale_after: timedelta, now: datetime) -> SourceReport:
    """An old answer says that it is old; one from the future is none."""
    if report.as_of is None:
        return report
    if report.as_of > now + CLOCKS_DIFFER:
        return SourceReport(name=report.name, state="missing")
    stale = now - report.as_of > stale_after
    return SourceReport(name=report.name, state="stale" if stale else "ok", as_of=report.as_of, facts=report.facts)
