"""A city with a national platform beside it: the stand-in, on a real socket, by the tests' clock."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from app.demo.national import CLIENT_ID, LEVELS, NationalProvider, build_application
from app.demo.network_numbers import NetworkNumbers
from app.kit.clock import ManualClock
from app.kit.keyring import Keyring, public_jwk
from app.kit.processes import free_port
from auth.login.upstream.national import KEY_PURPOSE
from auth.settings import AuthSettings
from tests.auth.login.upstream.national import National
from tests.auth.phones import ISSUER


@pytest.fixture
async def national(clock: ManualClock, keyring: Keyring) -> AsyncIterator[National]:
    async def keys() -> dict[str, Any]:
        return {"keys": [public_jwk(key) for key in keyring.all(KEY_PURPOSE)]}

    port = free_port()
    provider = NationalProvider(f"http://127.0.0.1:{port}", keys, clock.now)
    runner = web.AppRunner(build_application(provider, NetworkNumbers()), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    national = National(provider)
    yield national
    await national.http.aclose()
    await runner.cleanup()


@pytest.fixture
def auth_settings(registries_url: str, national: National) -> AuthSettings:
    return AuthSettings(
        issuer=ISSUER,
        population_registry_url=registries_url,
        enterprise_registry_url=registries_url,
        face_service_url=registries_url,
        national_identity_issuer=national.provider.issuer,
        national_identity_client_id=CLIENT_ID,
        national_identity_levels=dict(LEVELS),
        network_identity_url=national.provider.issuer,
    )
