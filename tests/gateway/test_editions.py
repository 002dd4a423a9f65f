"""Looking every second costs one number: the table reads again when the number is another, and at once when told."""

from collections.abc import Callable, Sequence

from gateway.routing import ROUNDS_A_POLL, RouteTable
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.publications import LIBRARY, published


class Registry:
    """What is exposed, by edition; counts who asks."""

    def __init__(self) -> None:
        self.edition = 1
        self.exposed: list[PublishedApp | GrayApp] = [published()]
        self.readings = 0
        self.looks = 0
        self.between: Callable[[], None] = lambda: None

    async def find_edition(self) -> int:
        self.looks += 1
        return self.edition

    async def list_exposed(self) -> Sequence[PublishedApp | GrayApp]:
        self.readings += 1
        found = list(self.exposed)
        self.between()
        return found

    def change(self, *exposed: PublishedApp) -> None:
        self.exposed, self.edition = list(exposed), self.edition + 1


async def rounds(table: RouteTable, count: int = ROUNDS_A_POLL) -> None:
    for _ in range(count):
        await table.refresh_when_due()


async def test_nothing_is_read_while_nothing_changes() -> None:
    registry = Registry()
    table = RouteTable(registry.list_exposed, registry.find_edition)
    await rounds(table, 10 * ROUNDS_A_POLL)
    assert registry.readings == 1
    assert 10 <= registry.looks <= 11
    assert LIBRARY in table.snapshot.entries


async def test_a_change_that_nobody_told_is_read_within_a_second() -> None:
    registry = Registry()
    table = RouteTable(registry.list_exposed, registry.find_edition)
    await rounds(table)
    registry.change()
    await rounds(table)
    assert registry.readings == 2
    assert table.snapshot.entries == {}


async def test_whoever_is_told_reads_at_once_whatever_the_number_says() -> None:
    registry = Registry()
    table = RouteTable(registry.list_exposed, registry.find_edition)
    await rounds(table)
    registry.exposed = []
    table.mark_stale()
    await rounds(table, 1)
    assert table.snapshot.entries == {}


async def test_a_change_in_the_middle_of_a_reading_is_read_after_it() -> None:
    registry = Registry()
    table = RouteTable(registry.list_exposed, registry.find_edition)

    def change_once() -> None:
        registry.between = lambda: None
        registry.change()

    registry.between = change_once
    await rounds(table, 1)
    assert LIBRARY in table.snapshot.entries
    await rounds(table)
    assert table.snapshot.entries == {}


async def test_a_reading_that_failed_is_tried_again_at_the_next_round() -> None:
    registry = Registry()
    table = RouteTable(registry.list_exposed, registry.find_edition)

    def fail_once() -> None:
        registry.between = lambda: None
        raise OSError

    await rounds(table)
    registry.change()
    registry.between = fail_once
    await rounds(table, ROUNDS_A_POLL + 1)
    assert table.snapshot.entries == {}
