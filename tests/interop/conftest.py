"""One running city for all clients of this folder."""

import asyncio
import warnings
from collections.abc import Iterator

import authlib.deprecate
import pytest

from tests.interop.city import Browser, City, running_city

with warnings.catch_warnings():
    # Authlib would rather have httpx2, which gives one user's answer to the next as httpx does; here it makes no odds.
    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    import authlib.integrations.httpx_client


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    with running_city() as city:
        asyncio.run(city.publish())
        yield city


@pytest.fixture
def browser(city: City) -> Iterator[Browser]:
    browser = Browser(city.issuer)
    yield browser
    browser.http.close()
