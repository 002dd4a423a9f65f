"""Grouping by itself: everybody gets their own answer, whoever else is in the group."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog

from codes.verification.lane.groups import Groups


class Desk:
    """Answers twice the question, when it is let to; remembers the groups."""

    def __init__(self, *, largest: int = 4, hands: int = 1) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.at_once = 0
        self.most_at_once = 0
        self.desk = Groups(self.answer, largest=largest, hands=hands)

    async def answer(self, group: Sequence[int]) -> list[int]:
        self.groups.append(list(group))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.open.wait()
        self.at_once -= 1
        if 13 in group:
            raise ValueError
        return [2 * number for number in group]

    def ask(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.desk.ask(number)) for number in numbers]


async def turn() -> None:
    """Lets everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_alone_waits_for_nobody() -> None:
    desk = Desk()
    desk.open.set()
    assert await desk.desk.ask(21) == 42
    assert desk.groups == [[21]]


async def test_who_comes_meanwhile_makes_the_next_group_in_order_and_of_limited_size() -> None:
    desk = Desk()
    first = desk.ask(0)
    await turn()
    rest = desk.ask(*range(1, 7))
    await turn()
    desk.open.set()
    assert await asyncio.gather(*first, *rest) == [2 * number for number in range(7)]
    assert desk.groups == [[0], [1, 2, 3, 4], [5, 6]]


async def test_no_more_groups_at_once_than_hands() -> None:
    desk = Desk(largest=1, hands=3)
    asked = desk.ask(*range(10))
    await turn()
    assert len(desk.groups) == 3
    desk.open.set()
    assert await asyncio.gather(*asked) == [2 * number for number in range(10)]
    assert desk.most_at_once == 3


async def test_a_group_that_fails_tells_its_own_and_nobody_else() -> None:
    desk = Desk(largest=2)
    desk.open.set()
    told = await asyncio.gather(*desk.ask(12, 13, 14, 15), return_exceptions=True)
    assert [isinstance(answer, ValueError) for answer in told] == [True, True, False, False]
    assert told[2:] == [28, 30]


async def test_whoever_leaves_takes_nobody_along() -> None:
    desk = Desk()
    stays, leaves = desk.ask(1, 2)
    await turn()
    leaves.cancel()
    await turn()
    desk.open.set()
    assert await stays == 2
    assert await desk.desk.ask(3) == 6


async def test_whoever_asks_after_the_last_look_at_the_queue_is_answered_too() -> None:
    desk = Desk()
    desk.open.set()
    for number in range(20, 70):
        task = desk.ask(number)[0]
        # At every point at which the hand may be about to leave.
        for _ in range(number % 7):
            await asyncio.sleep(0)
        assert await asyncio.wait_for(desk.desk.ask(number), 5) == 2 * number
        assert await task == 2 * number


async def test_too_few_answers_are_told_to_everybody() -> None:
    async def answer(_group: Sequence[int]) -> list[int]:
        return []

    with pytest.raises(ValueError, match="zip"):
        await asyncio.wait_for(Groups(answer, largest=2, hands=1).ask(1), 5)


async def test_a_group_writes_its_log_lines_for_no_one_request() -> None:
    async def answer(group: Sequence[int]) -> list[object]:
        return [structlog.contextvars.get_contextvars()] * len(group)

    with structlog.contextvars.bound_contextvars(request_id="one of them"):
        assert await Groups(answer, largest=2, hands=1).ask(1) == {}
