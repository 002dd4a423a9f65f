"""A city's own scenario file, read while the program runs: a better edition replaces the one in force, on all workers.

A file that breaks a rule, renumbers a scenario, or is older than what is in force, changes nothing, not even by a
restart: the last good edition is in the database.
"""

from pathlib import Path
from typing import Final, TypeAlias

import structlog

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from codes.scenarios import repository
from codes.scenarios.catalogue import Scenarios, check_scenarios, load_scenarios, read_scenarios
from codes.scenarios.errors import CatalogueInvalid
from codes.scenarios.models import renumbered
from codes.scenarios.repository import StoredEdition

LARGEST_FILE: Final = 4 * 1024 * 1024

Mark: TypeAlias = tuple[int, int, int]
NEVER_LOOKED: Final = (-1, -1, -1)

log = structlog.get_logger()


class ScenarioEditions:
    """Keeps `scenarios` at the latest edition. Without a file it stays what ships with the program."""

    def __init__(self, scenarios: Scenarios, file: Path | None, database: Database, clock: Clock) -> None:
        self._scenarios = scenarios
        self._file = file
        self._database = database
        self._clock = clock
        self._seen: Mark | None = NEVER_LOOKED
        self._in_force = 0
        self._fault = ""

    async def open(self) -> None:
        """Takes the latest edition; raises `CatalogueInvalid` when there is neither a good file nor an earlier one."""
        await self.refresh()
        if self._file is not None and not self._in_force:
            raise CatalogueInvalid(self._fault)

    async def refresh(self) -> None:
        """Offers the file if it changed, then takes the edition in force; a periodic job of every worker."""
        if self._file is None:
            return
        await self._offer_file(self._file)
        async with self._database.acquire() as connection:
            if await repository.find_latest_number(connection) != self._in_force:
                await self._take_latest(connection)

    async def _offer_file(self, file: Path) -> None:
        mark = _mark_of(file)
        if mark == self._seen:
            return
        try:
            await self._offer(_read(file))
        except CatalogueInvalid as error:
            self._refuse(str(error))
        self._seen = mark

    async def _offer(self, body: bytes) -> None:
        offered = check_scenarios(body)
        async with self._database.transaction() as connection:
            await repository.lock_editions(connection)
            latest = await repository.find_latest(connection)
            if latest is None or latest.version != offered.version:
                await self._adopt(connection, offered, body, latest)

    async def _adopt(
        self, connection: Connection, offered: Scenarios, body: bytes, latest: StoredEdition | None
    ) -> None:
        if latest is not None and offered.edition <= latest.edition:
            raise CatalogueInvalid(f"Edition {offered.edition} must be above {latest.edition}, which is in force.")
        taken = {} if latest is None else latest.slugs
        if faults := renumbered(taken, offered.slugs):
            raise CatalogueInvalid(" ".join(faults))
        now = self._clock.now()
        stored = StoredEdition(
            edition=offered.edition,
            version=offered.version,
            body=body,
            slugs=taken | offered.slugs,
            adopted_at=now,
        )
        await repository.insert_edition(connection, stored)
        await audit.record(
            connection,
            clock_now=now,
            actor="system",
            action="scenarios.adopted",
            subject=f"scenarios:{offered.edition}",
            detail={"version": offered.version, "scenarios": len(offered)},
        )

    async def _take_latest(self, connection: Connection) -> None:
        latest = await repository.find_latest(connection)
        if latest is None:
            return
        self._scenarios.adopt(read_scenarios(latest.body))
        self._in_force = latest.edition
        log.info("scenarios.taken", edition=latest.edition, version=latest.version)

    def _refuse(self, fault: str) -> None:
        if fault != self._fault:
            log.error("scenarios.file_refused", fault=fault, in_force=self._in_force)
        self._fault = fault


async def read_in_force(connection: Connection, *, own_file: bool) -> Scenarios:
    """The catalogue that a city with or without a file of its own goes by, for whoever looks from beside it."""
    latest = await repository.find_latest(connection) if own_file else None
    return load_scenarios() if latest is None else read_scenarios(latest.body)


def _mark_of(file: Path) -> Mark | None:
    """Changes when the file does; None when there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            body = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CatalogueInvalid(f"{file} cannot be read: {error.strerror}.") from None
    if len(body) > LARGEST_FILE:
        raise CatalogueInvalid(f"{file} is larger than any catalogue.")
    return body
