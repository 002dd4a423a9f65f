"""A door's program in one object: asks the city what a code is, and goes by the lists while the city cannot be asked.

Holds the rules that every door has to keep: one request id for one showing, a repeated answer opens nothing, what was
decided offline is on the disk before it is told. Decides nothing else.
"""

import base64
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

import httpx
import msgspec

from app.kit.clock import Clock, SystemClock
from codes.offline_verifier import Challenge
from codes.venues.scanner_client.answers import Answer, read_answer
from codes.venues.scanner_client.device import ScannerDevice
from codes.venues.scanner_client.keystrokes import LONGEST_TYPED, normalise
from codes.venues.scanner_client.lists import Lists
from codes.venues.scanner_client.logbook import Entry, Logbook

ASK_SECONDS: Final = 3.0
"""A queue does not wait longer for the city; the lists answer instead."""
TRIES: Final = 2
LISTS_FOLDER, LOGBOOK_FILE, DEVICE_FILE = "lists", "logbook.jsonl", "device.json"
BUSY: Final = frozenset({429, 500, 502, 503, 504})


class CityUnreachable(Exception):
    """No answer came, or none that is the city's last word."""


class RequestRefused(Exception):
    """The city says that the request itself is wrong: not enrolled, not signed, not understood."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.problem = _problem_of(answer)
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {self.slug}")

    @property
    def slug(self) -> str:
        """The stable name of the refusal."""
        return str(self.problem.get("type", "")).removeprefix("/problems/")


class ScannerClient:
    """One enrolled device. Close it, or use it with `async with`."""

    def __init__(
        self, device: ScannerDevice, folder: Path, *, http: httpx.AsyncClient | None = None, clock: Clock | None = None
    ) -> None:
        self.device = device
        self.clock = clock or SystemClock()
        self.lists = Lists(folder / LISTS_FOLDER, device.origin, self.clock)
        self.logbook = Logbook(folder / LOGBOOK_FILE)
        self._own = httpx.AsyncClient(base_url=device.origin, timeout=ASK_SECONDS) if http is None else None
        self._http = http or self._own

    @classmethod
    def open(
        cls, folder: Path, *, http: httpx.AsyncClient | None = None, clock: Clock | None = None
    ) -> "ScannerClient":
        """The device that `ScannerDevice.save` left in `folder`, with its lists and its logbook."""
        return cls(ScannerDevice.read(folder / DEVICE_FILE), folder, http=http, clock=clock)

    async def verify(
        self,
        typed: str,
        scenario: int,
        *,
        holder_checked: bool = False,
        challenge: Challenge | None = None,
    ) -> Answer:
        """What the door does with what its gun typed. Raises `RequestRefused`, never for what a code says.

        An answer that was lost is asked for once more, which opens nothing; then the lists decide, and the logbook
        remembers. `challenge` is what this door showed the phone beforehand.
        """
        asked: dict[str, Any] = {"code": _sendable(typed), "scenario": scenario, "request_id": str(uuid4())}
        asked |= {"cnonce": _text_of(challenge.cnonce)} if challenge and challenge.cnonce else {}
        asked |= {"holder_checked": True} if holder_checked else {}
        with contextlib.suppress(CityUnreachable, msgspec.MsgspecError):
            return read_answer(await self.ask_twice("/v1/verifications", asked))
        return self._decide_alone(asked, challenge)

    async def sign_on(self, **who: str) -> dict[str, Any]:
        """Puts an operator on duty here: `badge=…`, or `number=…` and `pin=…`."""
        told = {name: normalise(text) for name, text in who.items()}
        duty: dict[str, Any] = msgspec.json.decode(await self.ask("POST", "/v1/scanners/me/operator", told))
        return duty

    async def sign_off(self) -> None:
        """Nobody is on duty here any more."""
        await self.ask("DELETE", "/v1/scanners/me/operator")

    async def bring_logbook(self) -> list[dict[str, Any]]:
        """Uploads what was decided offline, and forgets what the city has answered; returns its answers.

        Raises `CityUnreachable` and `RequestRefused`; whatever was not answered stays.
        """
        answers: list[dict[str, Any]] = []
        while batch := self.logbook.next_batch():
            body = {"entries": msgspec.to_builtins(batch)}
            items = msgspec.json.decode(await self.ask("POST", "/v1/verifications/batch", body))["items"]
            answered = {item["entry_id"] for item in items} & {entry.entry_id for entry in batch}
            if not answered:
                raise CityUnreachable("no entry was answered")
            self.logbook.drop(answered)
            answers += items
        return answers

    async def ask_twice(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The answer to a request that carries its own id, and so may be sent again. Raises as `ask` does."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(CityUnreachable):
                return await self.ask("POST", path, body)
        return await self.ask("POST", path, body)

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """One signed request; raises `CityUnreachable` and `RequestRefused`."""
        content = b"" if body is None else msgspec.json.encode(body)
        headers = self.device.signed_headers(method, path, content, self.clock.now())
        assert self._http is not None
        try:
            answer = await self._http.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise CityUnreachable(type(error).__name__) from None
        if answer.status_code in BUSY:
            raise CityUnreachable(f"status {answer.status_code}")
        if answer.is_error:
            raise RequestRefused(answer)
        return answer.content

    async def close(self) -> None:
        """Closes the connections that are this object's own."""
        if self._own is not None:
            await self._own.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _decide_alone(self, asked: Mapping[str, Any], challenge: Challenge | None) -> Answer:
        holder_checked = "holder_checked" in asked
        answer = self.lists.verify(asked["code"], asked["scenario"], challenge, holder_checked=holder_checked)
        entry = Entry(
            entry_id=asked["request_id"],
            code=asked["code"],
            scenario=asked["scenario"],
            scanned_at=self.clock.now(),
            verdict=answer.verdict,
            reason=answer.reason,
            cnonce=asked.get("cnonce"),
            holder_checked=holder_checked,
        )
        self.logbook.add(entry)
        return answer


def _sendable(typed: str) -> str:
    """As UTF-8 can carry it, and no longer than it takes to be refused for its length."""
    return normalise(typed)[: LONGEST_TYPED + 1].encode("utf-8", "replace").decode()


def _text_of(cnonce: bytes) -> str:
    return base64.urlsafe_b64encode(cnonce).rstrip(b"=").decode()


def _problem_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
