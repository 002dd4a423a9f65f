"""Asks departments for cards, each with its own deadline, so that none can delay or break the page of another."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import structs

from app.kit.clock import Clock
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from auth.principal import Principal
from gateway import errors
from gateway.assertion import Assertions
from gateway.calls import Call, Departments
from gateway.exchange import Answer
from gateway.home.models import AskForCards, Card, CardsUnacceptable, Degraded, Trouble, Why, read_cards
from gateway.routing import fallback
from gateway.snapshot import CompiledApp
from miniapps.manifest import Widget

PATH: Final = "/.ssb/cards"
LARGEST_ANSWER: Final = 64 * 1024
OK: Final = 200
CHANNEL: Final = "home"


class CardsMissing(Exception):
    """No cards from this department this time, and which trouble it is in."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class CardSource:
    """The department's side of the home page."""

    def __init__(self, *, departments: Departments, assertions: Assertions, clock: Clock, most_seconds: float) -> None:
        self._departments = departments
        self._assertions = assertions
        self._clock = clock
        self._most_seconds = most_seconds

    async def fetch(
        self,
        app: CompiledApp,
        widgets: Mapping[str, Widget],
        *,
        principal: Principal | None,
        zone: str,
        why: Why,
        elder: bool = False,
    ) -> list[Card]:
        """The app's cards in `zone`, for `principal` or for everybody; raises `CardsMissing`."""
        call = self._call(app, widgets, zone=zone, elder=elder)
        if principal is not None:
            assertion = await self._assertions.issue(principal, app, (), self._clock.now())
            call = structs.replace(call, assertion=assertion, caller=principal.person_id.hex)
        try:
            answer = await self._departments.call(call)
        except errors.DepartmentTimedOut:
            raise CardsMissing("timeout") from None
        except (errors.DepartmentBusy, RateLimited):
            raise CardsMissing("busy") from None
        except errors.DepartmentMisbehaved:
            raise CardsMissing("unacceptable") from None
        except errors.DepartmentFault:
            raise CardsMissing("unreachable") from None
        return self._read(answer, app, widgets, why)

    def degraded(self, app: CompiledApp, trouble: Trouble) -> Degraded:
        """What the page says in place of the cards."""
        now = self._clock.now()
        if app.suspension is not None:
            since = datetime.fromisoformat(app.suspension.since) if app.suspension.since else now
            return Degraded(
                app_id=app.app_id, name=app.name, reason="suspended", since=since, fallback=app.suspension.fallback
            )
        failing = self._departments.failing_since(app)
        return Degraded(
            app_id=app.app_id,
            name=app.name,
            reason=trouble,
            since=now - timedelta(seconds=failing or 0),
            fallback=fallback(app),
        )

    def _call(self, app: CompiledApp, widgets: Mapping[str, Widget], *, zone: str, elder: bool) -> Call:
        slowest = max(widget.timeout_ms for widget in widgets.values()) / 1000
        return Call(
            app=app,
            method="POST",
            path=PATH,
            query="",
            request_id=new_id().hex,
            headers={"content-type": "application/json", "accept": "application/json"},
            body=msgspec.json.encode(AskForCards(widgets=list(widgets), zone=zone)),
            timeout_seconds=min(slowest, self._most_seconds),
            assertion=None,
            zone=zone,
            elder=elder,
            channel=CHANNEL,
            largest_answer=LARGEST_ANSWER,
        )

    def _read(self, answer: Answer, app: CompiledApp, widgets: Mapping[str, Widget], why: Why) -> list[Card]:
        if answer.status != OK:
            raise CardsMissing("unreachable")
        try:
            return read_cards(answer.body, app, widgets, why=why, now=self._clock.now())
        except CardsUnacceptable:
            raise CardsMissing("unacceptable") from None
