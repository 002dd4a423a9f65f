"""From a raw path to a published route, and the live table that every worker keeps. Matches bytes, decodes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast
from urllib.parse import unquote
from uuid import UUID

import asyncpg
import structlog

from app.kit.errors import SuishenError, TemporarilyUnavailable
from app.kit.structs import Model, Text
from gateway import errors
from gateway.snapshot import Branch, CompiledApp, CompiledRoute, Entry, RouteSnapshot, choose, compile_snapshot
from miniapps.releases.models import GrayApp, PublishedApp

log = structlog.get_logger()

PREFIX: Final = "/apps/"
OF_THE_CITY: Final = ".ssb"
"""Where a department takes the city's own word: no parameter stands for it, so that nobody else gets there."""
LONGEST_CASE: Final = 128
CHANNEL: Final = "miniapps_release"
POLL_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 2
DATABASE_AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Target(Model):
    """What a raw path under `/apps/` asks for; `path` begins with "/"."""

    app_id: str
    path: str


class Match(Model):
    """A published route that fits."""

    app: CompiledApp
    route: CompiledRoute
    path: str

    @property
    def case_id(self) -> str | None:
        """The case that the call is about, where the route names one."""
        return None if self.route.case_at is None else unquote(self.path[1:].split("/")[self.route.case_at])


def parse_target(raw_path: str) -> Target | None:
    """The app and its path, or None when this is no path of an app: `/apps/{app_id}/…`."""
    if not raw_path.startswith(PREFIX):
        return None
    app_id, slash, rest = raw_path[len(PREFIX) :].partition("/")
    return Target(app_id=app_id, path="/" + rest) if app_id and slash else None


def find_entry(snapshot: RouteSnapshot, app_id: str) -> Entry | SuishenError:
    """What there is of the app, or the reason why there is nothing. A suspended app says so before anything else."""
    entry = snapshot.entries.get(app_id)
    if entry is None:
        return errors.UnknownService(app_id=app_id)
    if entry.suspension is not None:
        return suspended(entry)
    return entry


def find_route(
    snapshot: RouteSnapshot, method: str, target: Target, subject_id: UUID | None = None, zone: str | None = None
) -> Match | SuishenError:
    """The route for `target` in the release that serves this subject, or the reason why there is none."""
    entry = find_entry(snapshot, target.app_id)
    if isinstance(entry, SuishenError):
        return entry
    app = choose(entry, subject_id, zone)
    if app is None:
        return errors.UnknownService(app_id=target.app_id)
    return match_route(app, method, target.path)


def match_route(app: CompiledApp, method: str, path: str) -> Match | SuishenError:
    """The route of this very release; visits as many branches as the path has segments, however many apps there are."""
    segments = () if path == "/" else tuple(path[1:].split("/"))
    if segments and segments[0] == OF_THE_CITY:
        return errors.UnknownServicePath(app_id=app.app_id)
    branch = cast("Branch", app.routes).find(segments)
    if branch is None:
        return errors.UnknownServicePath(app_id=app.app_id)
    route = branch.routes.get(method)
    if route is None:
        return errors.MethodRefused(allow=", ".join(sorted(branch.routes)))
    if route.case_at is not None and len(segments[route.case_at]) > LONGEST_CASE:
        return errors.UnknownServicePath(app_id=app.app_id)
    return Match(app=app, route=route, path=path)


def suspended(entry: Entry) -> errors.ServiceSuspended:
    """The named refusal, with the reason and the other ways."""
    assert entry.suspension is not None
    return errors.ServiceSuspended(
        entry.suspension.reason,
        app_id=entry.app_id,
        reason=entry.suspension.reason,
        since=entry.suspension.since,
        fallback=entry.suspension.fallback,
    )


def fallback(app: CompiledApp) -> Text:
    """What the citizen can do instead, in one text."""
    return Text(
        zh="；".join([app.fallback.zh, *(channel.zh for channel in app.alt_channels)]),
        en="; ".join([app.fallback.en, *(channel.en for channel in app.alt_channels)]),
    )


class RouteTable:
    """The snapshot in force. Readers take `snapshot` once per request; `refresh` swaps it in one step.

    `find_edition` names what is exposed by a number that grows with every change: while it stands still nothing is
    read, so that looking every second costs one row, however many apps the city has.
    """

    def __init__(
        self,
        list_exposed: Callable[[], Awaitable[Sequence[PublishedApp | GrayApp]]],
        find_edition: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._list_exposed = list_exposed
        self._find_edition = find_edition
        self._edition: int | None = None
        self._stale = True
        self._rounds = 0
        self._first: asyncio.Task[None] | None = None
        self.loaded = False
        self.snapshot = RouteSnapshot()
        self.exposed: Sequence[PublishedApp | GrayApp] = ()
        """What the snapshot was compiled from, for whoever tells of services instead of calling them."""

    def mark_stale(self, _payload: str | None = None) -> None:
        """Something was published or suspended somewhere: the next `refresh` reads anew."""
        self._stale = True

    async def refresh(self) -> None:
        """Reads what is exposed and swaps the snapshot. On any failure the last good one stays in force."""
        self._stale = False
        try:
            edition = await self._ask_edition()  # before the reading, so that a change in between is read again
            exposed = await self._list_exposed()
            compilation = compile_snapshot(exposed, self.snapshot)
        except BaseException:
            self._stale = True
            raise
        self.snapshot, self.loaded, self._edition = compilation.snapshot, True, edition
        self.exposed = exposed
        for rejection in compilation.rejections:
            log.warning("snapshot.rejected", app_id=rejection.app_id, reason=rejection.reason)

    async def ready(self) -> None:
        """Returns once anything was read at all; raises `TemporarilyUnavailable` while the database is away.

        A worker that has not read yet knows no service, which must not look like there being none. All who wait share
        one reading, and the next who asks after a failed one begins another.
        """
        if self.loaded:
            return
        if self._first is None or self._first.done():
            self._first = asyncio.create_task(self.refresh())
        try:
            await asyncio.shield(self._first)  # a caller who leaves takes nobody's answer away
        except DATABASE_AWAY:
            raise TemporarilyUnavailable(retry_after=RETRY_SECONDS) from None

    async def refresh_when_due(self) -> None:
        """A periodic job, five times a second: reads when told to, and every second even when nobody told.

        A reading that fails is logged and tried again next time: it must not keep a worker from starting either.
        """
        self._rounds += 1
        if not self._stale and self._rounds % ROUNDS_A_POLL:
            return
        try:
            if self._stale or not await self._stands_still():
                await self.refresh()
        except Exception as error:  # noqa: BLE001 - whatever one reading met, the last good snapshot stays in force
            log.warning("snapshot.not_read", error=type(error).__name__)

    async def _stands_still(self) -> bool:
        edition = await self._ask_edition()
        return edition is not None and edition == self._edition

    async def _ask_edition(self) -> int | None:
        return None if self._find_edition is None else await self._find_edition()


ROUND_SECONDS: Final = 0.2
ROUNDS_A_POLL: Final = round(POLL_SECONDS / ROUND_SECONDS)
