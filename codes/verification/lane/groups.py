"""Has what is asked at the same time answered together. Nobody waits for company: a group is whoever came meanwhile."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

Q = TypeVar("Q")
A = TypeVar("A")


class Groups(Generic[Q, A]):
    """At most `hands` groups at once, of at most `largest` questions, in the order in which they came.

    `answer` gives one answer to each question of a group, in their order. When it raises, each of the group's askers
    is told so; the next group is not touched.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], *, largest: int, hands: int) -> None:
        self._answer = answer
        self._largest = largest
        self._hands = hands
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._at_work: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer; raises whatever `answer` raised on the group."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._at_work) < self._hands:
            # A group belongs to no one request, so neither do its log lines.
            self._at_work.add(asyncio.create_task(self._work(), context=contextvars.Context()))
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._answer_group([self._waiting.popleft() for _ in range(self._next_size())])
        finally:
            # Here and not in a callback: whoever asks after the last look at the queue must find a free hand.
            self._at_work.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _next_size(self) -> int:
        return min(self._largest, len(self._waiting))

    async def _answer_group(self, group: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await self._answer([question for question, _future in group])
            told = list(zip(group, answers, strict=True))
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait have to hear of it
            for _question, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_question, future), answer in told:
            if not future.done():  # whoever left meanwhile is told nothing
                future.set_result(answer)
