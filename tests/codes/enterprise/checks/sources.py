"""Sources that behave, and sources that do not: fakes for the port, and real servers on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from codes.enterprise.checks.ports import Fact, FactText, Question, SourceAnswer, SourceUnavailable

NORMAL = Fact(label=FactText(zh="检查", en="Check"), value=FactText(zh="合格", en="Passed"))


class Knows:
    """Answers at once, as of a given time."""

    def __init__(self, as_of: datetime) -> None:
        self.as_of = as_of
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> SourceAnswer:
        self.asked.append(question)
        return SourceAnswer(credit_code=question.credit_code, as_of=self.as_of, facts=[NORMAL])


class Fails:
    """Raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def ask(self, _question: Question) -> SourceAnswer:
        raise self.error


class Hangs:
    """Never answers."""

    async def ask(self, _question: Question) -> SourceAnswer:
        await asyncio.sleep(3600)
        raise SourceUnavailable("unreachable")


@contextlib.asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A real HTTP server for as long as the block runs; its address."""
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", answer)
    async with serving_application(application) as address:
        yield address


@contextlib.asynccontextmanager
async def serving_application(application: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site: Any = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()
