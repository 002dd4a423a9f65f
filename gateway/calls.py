"""One signed call to a department: signature, deadline, breaker and bulkhead. Used by the proxy and by home.

Refuses to wait: a department that is resting or full is answered for at once.
"""

import contextlib
import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import structs

from app.kit.clock import Clock
from app.kit.errors import RateLimited
from app.kit.structs import Model
from gateway import errors
from gateway.breakers import Breaker, Lane, Protection, RetryBudget
from gateway.exchange import Answer
from gateway.exposure import NOBODY, voice_of
from gateway.health import NoteOutcome, Outcome, note_nothing
from gateway.routing import fallback
from gateway.signature import OutgoingRequest, RequestSigner
from gateway.snapshot import CompiledApp
from gateway.uploads import Upload
from gateway.upstream import FAREWELL, LARGEST_ANSWER, OpenAnswer, OpenSocket, Upstream

LOWEST_STATUS = 200
HIGHEST_STATUS = 599
BROKEN = frozenset({502, 503, 504})
FIRST_FAULT = 500
UNAUTHENTICATED = 401
DISBELIEVED = b"urn:suishen:department:"  # how the SDK names that it did not believe a request
LEAST_SECONDS = 0.05


class Call(Model):
    """What to send. `path` is the app's own (the base path is added), `query` has its "?" or is empty.

    `body` is None for a streamed route, whose `timeout_seconds` bound the department's silence instead of the whole.
    `request_id` is 32 hexadecimal characters, new for every call, so that two departments can tie nothing together.
    """

    app: CompiledApp
    method: str
    path: str
    query: str
    request_id: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout_seconds: float
    assertion: str | None
    zone: str
    channel: str
    elder: bool = False
    """Whether the citizen chose the page for elders: the department may then show large text and few choices."""
    caller: str | None = None
    """Who calls, a person or a visitor's address; None is the city itself. Known while it lasts, kept nowhere."""
    largest_answer: int = LARGEST_ANSWER
    retry_safe: bool = False
    """Whether it may be sent a second time when the department took no notice of the first."""


class Departments:
    """Calls departments and watches over them."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        signer: RequestSigner,
        protection: Protection,
        clock: Clock,
        note: NoteOutcome = note_nothing,
    ) -> None:
        self._upstream = upstream
        self._signer = signer
        self._protection = protection
        self._clock = clock
        self._note = note

    async def call(self, call: Call) -> Answer:
        """The department's whole answer; raises a `DepartmentFault` or `DepartmentBusy`."""
        # Written out, as the most frequent thing that the gateway does: context managers took a tenth of its own time.
        lane, started = self._protection.lane(call.app.lane), time.monotonic()
        _enter(lane, call, started)
        try:
            answer = await self._send_or_again(call, lane.budget, started)
            ended = time.monotonic()
            _judge(answer.status, lane.breaker, call, ended)
        except errors.DepartmentFault as fault:
            raise self._failed(fault, lane.breaker, call, started) from None
        except BaseException:
            lane.breaker.abandoned()
            raise
        finally:
            lane.bulkhead.leave(call.caller)
        self._note_end(call, _outcome_of(answer), ended - started)
        return answer

    @contextlib.asynccontextmanager
    async def open(self, call: Call, upload: Upload | None) -> AsyncIterator[OpenAnswer]:
        """The department's answer while its body comes, in a place of its own until the end.

        Raises as `call`, and what stopped the upload if that was not the department.
        """
        started = time.monotonic()
        with self._watched(call) as breaker, _blamed(upload):
            answer = await self._open(call, upload)
            try:
                _judge(answer.status, breaker, call, time.monotonic())
                self._note_end(call, _outcome_of_status(answer.status), time.monotonic() - started)
                yield answer
            finally:
                answer.close()

    @contextlib.asynccontextmanager
    async def talk(self, call: Call, protocols: Sequence[str]) -> AsyncIterator[OpenSocket]:
        """A conversation with the department, in a place of its own until the end; raises as `call`.

        Raises `DepartmentDeclined` when the department does not want one.
        """
        started = time.monotonic()
        with self._watched(call) as breaker:
            path = call.app.base_path + call.path
            department = await self._upstream.talk(
                call.app.base_url + path + call.query,
                headers=self._headers(call, path, self._clock.now()),
                protocols=protocols,
                timeout_seconds=call.timeout_seconds,
            )
            try:
                breaker.succeeded(time.monotonic())
                self._note_end(call, "ok", time.monotonic() - started)
                yield department
            finally:
                await department.close(FAREWELL)

    def note_unusable(self, call: Call) -> None:
        """What came back whole could not be passed on: a fault of this release, though its server is well."""
        self._note_end(call, "department_fault", 0.0)

    def failing_since(self, app: CompiledApp) -> float | None:
        """Seconds since the department of `app` began to fail, None when it does not."""
        since = self._protection.lane(app.lane).breaker.failing_since
        return None if since is None else time.monotonic() - since

    @contextlib.contextmanager
    def _watched(self, call: Call) -> Iterator[Breaker]:
        """A place with the department, and its breaker, which learns of every fault; so does the release."""
        lane, started = self._protection.lane(call.app.lane), time.monotonic()
        _enter(lane, call, started)
        try:
            yield lane.breaker
        except errors.DepartmentFault as fault:
            raise self._failed(fault, lane.breaker, call, started) from None
        except BaseException:
            lane.breaker.abandoned()
            raise
        finally:
            lane.bulkhead.leave(call.caller)

    def _note_end(self, call: Call, outcome: Outcome, seconds: float) -> None:
        # What everybody uses is not told apart: nobody is left out where people decide.
        voice = voice_of(call.caller, call.app.release_id) if call.app.gray else NOBODY
        self._note(call.app.release_id, outcome, seconds, voice)

    def _failed(
        self, fault: errors.DepartmentFault, breaker: Breaker, call: Call, started: float
    ) -> errors.DepartmentFault:
        """The fault as the citizen is told of it; breaker and release have heard of it."""
        now = time.monotonic()
        breaker.failed(now, call.caller)
        outcome: Outcome = "timeout" if isinstance(fault, errors.DepartmentTimedOut) else "department_fault"
        self._note_end(call, outcome, now - started)
        return type(fault)(app_id=call.app.app_id, fallback=fallback(call.app))

    async def _send_or_again(self, call: Call, budget: RetryBudget, started: float) -> Answer:
        """Once more, within the same time, when the connection gave no answer at all."""
        budget.earn()
        try:
            return await self._send(call)
        except (errors.DepartmentUnreachable, errors.DepartmentHungUp):
            left = call.timeout_seconds - (time.monotonic() - started)
            if not call.retry_safe or left < LEAST_SECONDS or not budget.spend():
                raise
        return await self._send(structs.replace(call, timeout_seconds=left))

    async def _send(self, call: Call) -> Answer:
        path = call.app.base_path + call.path
        return await self._upstream.call(
            call.method,
            call.app.base_url + path + call.query,
            headers=self._headers(call, path, self._clock.now()),
            body=call.body or b"",
            timeout_seconds=call.timeout_seconds,
            largest_answer=call.largest_answer,
        )

    async def _open(self, call: Call, upload: Upload | None) -> OpenAnswer:
        path = call.app.base_path + call.path
        return await self._upstream.open(
            call.method,
            call.app.base_url + path + call.query,
            headers=self._headers(call, path, self._clock.now()),
            upload=upload,
            silence_seconds=call.timeout_seconds,
        )

    def _headers(self, call: Call, path: str, now: datetime) -> dict[str, str]:
        headers = {
            **call.headers,
            "x-request-id": call.request_id,
            "traceparent": f"00-{call.request_id}-{call.request_id[-16:]}-01",
            "ssb-app": call.app.app_id,
            "ssb-zone": call.zone,
            "ssb-channel": call.channel,
        }
        if call.body is not None:
            headers["ssb-deadline-ms"] = str(int(call.timeout_seconds * 1000))
        if call.elder:
            headers["ssb-elder"] = "1"
        if call.assertion is not None:
            headers["ssb-assertion"] = call.assertion
        request = OutgoingRequest(
            method=call.method,
            authority=call.app.authority,
            path=path,
            query=call.query,
            headers=headers,
            body=call.body,
        )
        return self._signer.sign(request, now)


def _enter(lane: Lane, call: Call, now: float) -> None:
    """Takes a place with the department; raises `DepartmentBusy` when it is full or resting.

    Raises `RateLimited` for who has their own part of the places under way already.
    """
    if not lane.bulkhead.enter(call.caller):
        raise RateLimited(retry_after=1) if lane.bulkhead.is_used_up(call.caller) else _busy(call.app, 1)
    wait = lane.breaker.wait_seconds(now, call.caller)
    if wait > 0:
        lane.bulkhead.leave(call.caller)
        raise _busy(call.app, wait)


@contextlib.contextmanager
def _blamed(upload: Upload | None) -> Iterator[None]:
    """What stopped the upload is not the department's fault, although it looks so from its connection."""
    try:
        yield
    except errors.DepartmentFault:
        if upload is not None and upload.refusal is not None:
            raise upload.refusal from None
        raise


def _judge(status: int, breaker: Breaker, call: Call, now: float) -> None:
    if not LOWEST_STATUS <= status <= HIGHEST_STATUS:
        raise errors.DepartmentMisbehaved
    if status in BROKEN:
        breaker.failed(now, call.caller)
    else:
        breaker.succeeded(now)


def _outcome_of(answer: Answer) -> Outcome:
    if answer.status == UNAUTHENTICATED and DISBELIEVED in answer.body:
        return "bad_signature"
    return _outcome_of_status(answer.status)


def _outcome_of_status(status: int) -> Outcome:
    return "department_fault" if status >= FIRST_FAULT else "ok"


def _busy(app: CompiledApp, wait: float) -> errors.DepartmentBusy:
    return errors.DepartmentBusy(retry_after=max(1, math.ceil(wait)), app_id=app.app_id, fallback=fallback(app))
