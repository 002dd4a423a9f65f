"""Reads online codes at a scan: finds the handle, tries its tag, and says what an acceptance would use up.

An unknown handle and a wrong tag are the same answer, and both count as a guess of the scanner.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from app.kit.database import Connection
from app.kit.vault import Vault
from codes.attempts import Allowance, give_attempt_back, take_attempt
from codes.envelope.claims import CTI_BYTES, Kind
from codes.envelope.presentation import Presentation
from codes.offline import GENERAL, Examined, Shown, StatusFound
from codes.scenarios.catalogue import Scenarios
from codes.showing.online import repository
from codes.showing.online.carriers import (
    STEP_SECONDS,
    OnlineDigits,
    OnlineSecret,
    OnlineToken,
    is_digits,
    is_token,
    parse_digits,
    parse_token,
    step_of,
)
from codes.showing.online.models import STEPS_AROUND, STEPS_REMEMBERED, KnownHandle, Match
from codes.status.models import Status
from codes.trust.models import CodeFormat
from codes.verdict import Reason, Refused
from codes.verification.ports import Holder, Scans
from codes.verification.reading import Guard, Reading, unread
from codes.verification.standing import NOT_READ, Standing

SEAL_PURPOSE = "codes.online"
GUESSES = Allowance(tries=20, seconds=600)
"""A guess at 20 digits is right once in 16 million (three steps, two scenarios), if the handle is."""
NOT_JUDGED = ("kind", "trust_list", "status", "validity")
NOBODY_S = bytes(32)

Shape: TypeAlias = OnlineToken | OnlineDigits


class OnlineReader:
    """The carrier `O`, as a `ReadsCodes`."""

    def __init__(self, *, vault: Vault, scenarios: Scenarios, code_format: CodeFormat) -> None:
        self._vault = vault
        self._scenarios = scenarios
        self._format = code_format

    def recognises(self, text: str) -> bool:
        """By its length alone."""
        return is_digits(text) or is_token(text, self._format.prefix)

    async def read(self, connection: Connection, scanner: Scans, text: str, scenario: int, now: datetime) -> Reading:
        """What this token or these digits are worth; RATE_LIMITED when the scanner was wrong too often."""
        try:
            shape = parse_digits(text) if is_digits(text) else parse_token(text, self._format.prefix)
        except Refused as refused:
            return Reading(examined=Examined(reason=refused.reason, failed_step="format"), standing=NOT_READ)
        if not await take_attempt(connection, scanner.id, "online", GUESSES, now):
            return unread(Reason.RATE_LIMITED, "scanner", Shown(kind=Kind.O))
        known = await _find(connection, shape)
        match = self._match(shape, known, scenario, step_of(now))
        if known is None or match is None:
            return _wrong()
        await give_attempt_back(connection, scanner.id, "online", GUESSES, now)
        return _reading(known, match, now)

    def _match(self, shape: Shape, known: KnownHandle | None, scenario: int, step: int) -> Match | None:
        """Under which step and scenario the tag is right. The tag of nobody's handle is tried no less."""
        key = NOBODY_S if known is None else self._open(known)
        secret = OnlineSecret(key=key, environment=self._format.environment)
        found = next((match for match in self._candidates(shape, scenario, step) if _fits(secret, shape, match)), None)
        return None if known is None else found

    def _candidates(self, shape: Shape, scenario: int, step: int) -> Iterator[Match]:
        """First what would be accepted; then what only explains: an older step, another scenario."""
        near = [step, *(step + way * far for far in range(1, STEPS_AROUND + 1) for way in (-1, 1))]
        older = range(step - STEPS_AROUND - 1, step - STEPS_REMEMBERED, -1)
        steps = [shape.step] if isinstance(shape, OnlineToken) else [*near, *older]
        for tried in steps:
            yield Match(step=tried, scenario=scenario)
            yield Match(step=tried, scenario=GENERAL)
        others = [other.number for other in self._scenarios if other.number != scenario]
        for tried in steps[: len(near)]:
            yield from (Match(step=tried, scenario=other) for other in others)

    def _open(self, known: KnownHandle) -> bytes:
        return self._vault.open(SEAL_PURPOSE, known.secret_sealed, context=known.online_code_id.bytes)


async def _find(connection: Connection, shape: Shape) -> KnownHandle | None:
    if isinstance(shape, OnlineToken):
        return await repository.find_by_handle(connection, shape.handle)
    return await repository.find_by_digits(connection, shape.handle)


def _fits(secret: OnlineSecret, shape: Shape, match: Match) -> bool:
    if isinstance(shape, OnlineToken):
        return hmac.compare_digest(secret.tag(shape.handle, match.step, match.scenario), shape.tag)
    return hmac.compare_digest(secret.digits_tag(shape.handle, match.step, match.scenario), shape.tag)


def _wrong() -> Reading:
    examined = Examined(reason=Reason.BAD_DEVICE_SIGNATURE, failed_step="device_signature", shown=Shown(kind=Kind.O))
    return Reading(examined=examined, standing=NOT_READ)


def _reading(known: KnownHandle, match: Match, now: datetime) -> Reading:
    begins = match.step * STEP_SECONDS
    shown = Shown(
        kind=Kind.O,
        expires_at=int(known.expires_at.timestamp()),
        presentation=Presentation(iat=begins, scenario=match.scenario),
    )
    guard = Guard(cti=pointer_of(known.handle), iat=datetime.fromtimestamp(begins, UTC))
    late = _reason_of_step(match.step, step_of(now))
    if late is not Reason.OK:
        examined = Examined(reason=late, failed_step="freshness", shown=shown)
        return Reading(examined=examined, standing=NOT_READ, guard=guard, skipped=NOT_JUDGED)
    status = Status.VALID if known.revoked_at is None else Status.INVALID
    standing = Standing(
        holder=Holder(subject_type="person", subject_id=known.person_id),
        status=StatusFound(status=status, as_of=now),
    )
    return Reading(examined=Examined(reason=Reason.OK, failed_step=None, shown=shown), standing=standing, guard=guard)


def _reason_of_step(step: int, now: int) -> Reason:
    if step > now + STEPS_AROUND:
        return Reason.CLOCK_SKEW
    return Reason.STALE_CODE if step < now - STEPS_AROUND else Reason.OK


def pointer_of(handle: bytes) -> bytes:
    """What stands in the guard against replays: the same for the token and the digits of a handle."""
    return hashlib.sha256(b"suishen:online-handle:" + handle).digest()[:CTI_BYTES]
