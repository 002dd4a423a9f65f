"""A national provider that is slow, silent or says too much holds nobody up for longer than its deadline."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import pytest
from aiohttp import web

from app.kit.clock import ManualClock
from app.kit.keyring import Keyring
from app.kit.processes import free_port
from auth.login.upstream.national import LONGEST_ANSWER, NationalProvider
from auth.login.upstream.oidc import NationalRequest
from auth.registries.errors import RegistryUnavailable

SECONDS = 0.3
ASKED = NationalRequest(redirect_uri="http://city.test/back", state="s", nonce="n", verifier="v")

Handler = Callable[[web.Request], Awaitable[Any]]
Begin = Callable[[Handler], Awaitable[NationalProvider]]


@pytest.fixture
async def begin(clock: ManualClock, keyring: Keyring) -> AsyncIterator[Begin]:
    runners: list[web.AppRunner] = []
    providers: list[NationalProvider] = []

    async def begin(handler: Handler) -> NationalProvider:
        application = web.Application()
        application.router.add_get("/.well-known/openid-configuration", handler)
        runners.append(web.AppRunner(application, access_log=None, shutdown_timeout=0.1))
        await runners[-1].setup()
        port = free_port()
        await web.TCPSite(runners[-1], "127.0.0.1", port).start()
        providers.append(
            NationalProvider(
                issuer=f"http://127.0.0.1:{port}",
                client_id="city",
                levels={},
                keyring=keyring,
                clock=clock,
                timeout_seconds=SECONDS,
                production=False,
            )
        )
        return providers[-1]

    yield begin
    for provider in providers:
        await provider.close()
    for runner in runners:
        await runner.cleanup()


async def test_eight_who_ask_a_silent_house_at_once_do_not_wait_one_after_the_other(begin: Begin) -> None:
    asked: list[str] = []

    async def silent(request: web.Request) -> Any:
        asked.append(request.path)
        await asyncio.sleep(60)

    provider = await begin(silent)
    began = monotonic()
    answers = await asyncio.gather(*(provider.push(ASKED) for _ in range(8)), return_exceptions=True)
    assert all(isinstance(answer, RegistryUnavailable) for answer in answers), answers
    assert len(asked) == 1
    assert monotonic() - began < SECONDS * 4
    with pytest.raises(RegistryUnavailable):
        await provider.push(ASKED)
    assert len(asked) == 2  # who comes later asks anew


async def test_of_an_answer_without_an_end_no_more_is_read_than_one_may_be_long(begin: Begin) -> None:
    sent: list[int] = []

    async def endless(request: web.Request) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(400):
            await response.write(b" " * LONGEST_ANSWER)
            sent.append(LONGEST_ANSWER)
        return response

    provider = await begin(endless)
    with pytest.raises(RegistryUnavailable) as refused:
        await provider.push(ASKED)
    assert refused.value.extensions["state"] == "malformed"
    assert sum(sent) < 200 * LONGEST_ANSWER
