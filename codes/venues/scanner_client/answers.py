"""What a door does with a verdict, online or offline. Forgives what it does not know: the city may be newer than it."""

from typing import Any, Literal

import msgspec

from app.kit.structs import Model
from codes.verdict import BY_HAND, INVALID, PASS, REFRESH, Door, Reason, Verdict, VerificationResult, door_of

REASONS = frozenset(Reason)


class Answer(Model):
    """As much of a result as a door needs; `VerificationResult` explains the fields."""

    verdict: Verdict
    reason: str
    retry: str
    mode: Literal["online", "offline"]
    scenario: int
    verification_id: str | None = None
    repeated: bool = False
    kind: str | None = None
    disclosed: dict[str, Any] = msgspec.field(default_factory=dict)
    withheld: list[str] = msgspec.field(default_factory=list)
    printed: dict[str, str] = msgspec.field(default_factory=dict)
    form_ticket: str | None = None
    receipt: str | None = None

    @property
    def opens(self) -> bool:
        """Whether somebody may go through: a repeated answer tells what was, and opens nothing."""
        return self.verdict is Verdict.ACCEPT and not self.repeated

    @property
    def door(self) -> Door:
        """One word and one action: 通过, 请刷新, 转人工核验 or 此码无效."""
        if self.reason in REASONS:
            return REFRESH if self.repeated else door_of(Reason(self.reason))
        if self.verdict is Verdict.ACCEPT:
            return PASS if self.opens else REFRESH
        if self.verdict is Verdict.REVIEW:
            return BY_HAND
        return REFRESH if self.retry == "refresh_code" else INVALID


def read_answer(content: bytes) -> Answer:
    """The answer of `POST /v1/verifications`; raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(content, type=Answer)


def answer_of(result: VerificationResult) -> Answer:
    """The offline verifier's result."""
    return read_answer(msgspec.json.encode(result))
