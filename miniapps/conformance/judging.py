"""What a case found, in one word and a few more; and the questions that many cases ask of an answer. Pure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from app.kit.structs import Model, Text
from miniapps.conformance.models import Group, Outcome
from miniapps.conformance.ports import Answer
from miniapps.conformance.trial import Trial

UNBELIEVED = frozenset({400, 401, 403})
SERVER_FAULT = 500
NOT_FOUND, METHOD_NOT_ALLOWED = 404, 405
GOOD = range(200, 300)
ELSEWHERE = range(300, 400)


class Judgement(Model):
    """`seen` is a status or a stable word, never a piece of an answer."""

    outcome: Outcome
    seen: str


Judge: TypeAlias = Callable[[Trial], Awaitable[Judgement]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a department must do or refuse, and what its developer does when it does not.

    `live` cases harm nobody where real citizens are served: they read, or they are refused.
    """

    id: str
    group: Group
    title: Text
    advice: Text
    judge: Judge
    live: bool = False


def passed(seen: str) -> Judgement:
    """As it should be."""
    return Judgement(outcome="passed", seen=seen)


def failed(seen: str) -> Judgement:
    """Not as it should be."""
    return Judgement(outcome="failed", seen=seen)


def warned(seen: str) -> Judgement:
    """Allowed, and worth a look."""
    return Judgement(outcome="warned", seen=seen)


def skipped(why: str) -> Judgement:
    """There is nothing to try here."""
    return Judgement(outcome="skipped", seen=why)


def refused(answer: Answer) -> Judgement:
    """Whether the department did not believe."""
    return (passed if answer.status in UNBELIEVED else failed)(str(answer.status))


def believed(answer: Answer, *, has_parameter: bool) -> Judgement:
    """Whether it believed a good request. A made-up parameter may name nothing, so 404 says nothing there."""
    status = answer.status
    missing = status == METHOD_NOT_ALLOWED or (status == NOT_FOUND and not has_parameter)
    if status in {401, 403} or status >= SERVER_FAULT or status in ELSEWHERE or missing:
        return failed(str(status))
    return passed(str(status))
