"""Runs every case against one backend, one after the other, and writes the report."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from app.kit.structs import Text
from miniapps.conformance.catalogue import CASES
from miniapps.conformance.judging import Case, Judgement, failed, skipped
from miniapps.conformance.models import CaseResult, ConformanceReport, Environment, Told, outcome_of
from miniapps.conformance.ports import Network, Unanswered
from miniapps.conformance.trial import Trial, place_of
from miniapps.manifest import decode_canonical
from miniapps.sandbox.signing import CityKeys, Signer

PATIENCE: Final = 8
"""After so many time-outs the rest is not tried: a department that hangs must not hold whoever tries it."""
LONGEST_SECONDS: Final = 240.0
"""So long a run takes at most, however slowly each answer comes: less than after which another worker takes it over."""
GAVE_UP: Final = "gave-up-waiting"


class BackendSilent(Exception):
    """Nothing answers at the backend's address, so that there is nothing to judge."""


async def examine(
    canonical: bytes,
    *,
    manifest_hash: str,
    backend: str,
    issuer: str,
    keys: CityKeys,
    network: Network,
    environment: Environment,
    now: Callable[[], datetime],
) -> ConformanceReport:
    """The report on the backend at `backend` (a sound base URL) for the manifest of these canonical bytes.

    Raises `BackendSilent` when not even the health check is answered. On `live` only such cases are tried as read
    or are refused.
    """
    manifest, place = decode_canonical(canonical), place_of(backend)
    signer = Signer(
        issuer=issuer,
        app_id=manifest.app_id,
        authority=place.authority,
        zone=min(manifest.zones),
        keys=keys,
        now=lambda: now().timestamp(),
    )
    trial = Trial(manifest=manifest, place=place, signer=signer, network=network, live=environment == "live")
    await _knock(trial)
    made_at, started = now(), time.perf_counter()
    ends_at = started + LONGEST_SECONDS
    cases = tuple([await _try(case, trial, ends_at) for case in CASES if case.live or not trial.live])
    return ConformanceReport(
        app_id=manifest.app_id,
        version_code=manifest.version.code,
        manifest_hash=manifest_hash,
        environment=environment,
        backend=backend,
        made_at=made_at,
        milliseconds=_since(started),
        outcome=outcome_of(cases),
        cases=cases,
    )


async def _knock(trial: Trial) -> None:
    try:
        await trial.health()
    except Unanswered as unanswered:
        if unanswered.trouble in {"unreachable", "not-allowed"}:
            raise BackendSilent(unanswered.trouble) from None


async def _try(case: Case, trial: Trial, ends_at: float) -> CaseResult:
    started = time.perf_counter()
    try:
        judgement = await _judge(case, trial, ends_at - started)
    except Unanswered as unanswered:
        judgement = failed(unanswered.trouble)
    return CaseResult(
        id=case.id,
        group=case.group,
        outcome=judgement.outcome,
        title=_told(case.title),
        seen=judgement.seen,
        advice=None if _is_well(judgement) else _told(case.advice),
        milliseconds=_since(started),
    )


async def _judge(case: Case, trial: Trial, seconds: float) -> Judgement:
    """The case's own word, unless the run's time is over."""
    if trial.timed_out >= PATIENCE:
        return skipped(GAVE_UP)
    if seconds <= 0:
        return failed(GAVE_UP)
    try:
        async with asyncio.timeout(seconds):
            return await case.judge(trial)
    except TimeoutError:
        return failed(GAVE_UP)


def _told(text: Text) -> Told:
    return Told(zh=text.zh, en=text.en)


def _is_well(judgement: Judgement) -> bool:
    return judgement.outcome in {"passed", "skipped"}


def _since(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)
