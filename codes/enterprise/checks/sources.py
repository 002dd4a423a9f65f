"""Asks all sources of a scenario side by side, under one deadline. Whatever one does, the others are shown in time."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from app.kit.structs import Text
from codes.enterprise.checks.models import SourceReport
from codes.enterprise.checks.ports import Cause, EnterpriseSource, Question, SourceAnswer, SourceUnavailable
from codes.enterprise.registers.catalogue import Registers

CLOCKS_DIFFER = timedelta(minutes=5)
HOUR = timedelta(hours=1)

log = structlog.get_logger()


class SourceDesk:
    """The registers that this city has connected, and how old an answer of each may be."""

    def __init__(
        self,
        sources: Mapping[str, EnterpriseSource],
        registers: Registers,
        *,
        deadline_seconds: float,
        stale_after: timedelta,
    ) -> None:
        """`stale_after` is for a register that the city connected and no file describes."""
        self._sources = sources
        self._registers = registers
        self._deadline_seconds = deadline_seconds
        self._stale_after = stale_after

    async def ask_all(self, names: Sequence[str], question: Question, now: datetime) -> list[SourceReport]:
        """One report for each name, in that order, at the latest after the deadline; never raises."""
        return list(await asyncio.gather(*(self._ask(name, question, now) for name in names)))

    async def _ask(self, name: str, question: Question, now: datetime) -> SourceReport:
        begin = time.monotonic()
        answer = await self._answer_of(name, question)
        report = self._report_on(name, answer, now)
        if report.cause is not None:
            log.warning("enterprise_source.missing", source=name, cause=report.cause)
        return msgspec.structs.replace(report, took_ms=round((time.monotonic() - begin) * 1000))

    async def _answer_of(self, name: str, question: Question) -> SourceAnswer | Cause:
        source = self._sources.get(name)
        if source is None:
            return "not_connected"
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await source.ask(question)
        except SourceUnavailable as unavailable:
            return unavailable.cause
        except TimeoutError:
            return "deadline"
        except Exception as error:  # noqa: BLE001 - one source, whatever is wrong with it, blocks nobody
            log.warning("enterprise_source.failed", source=name, error=type(error).__name__)
            return "failed"

    def _report_on(self, name: str, answer: SourceAnswer | Cause, now: datetime) -> SourceReport:
        """An old answer says that it is old; one from the future is none."""
        register = self._registers.find(name)
        names = register.names if register else Text(zh=name, en=name)
        if not isinstance(answer, SourceAnswer):
            return SourceReport(name=name, names=names, state="missing", cause=answer)
        if answer.as_of > now + CLOCKS_DIFFER:
            return SourceReport(name=name, names=names, state="missing", cause="not_understood")
        stale_after = self._registers.stale_after(name, self._stale_after)
        return SourceReport(
            name=name,
            names=names,
            state="stale" if now - answer.as_of > stale_after else "ok",
            as_of=answer.as_of,
            stale_after_hours=int(stale_after / HOUR),
            facts=answer.facts,
        )
