"""A city with departments for the tests of the home page."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from app.kit.floor import Floor
from tests.gateway.conftest import KnownCitizens, KnownConsents
from tests.gateway.home.city import City


@pytest.fixture
async def city(floor: Floor, citizens: KnownCitizens, consents: KnownConsents) -> AsyncIterator[City]:
    async with contextlib.AsyncExitStack() as stack:
        yield City(stack, floor, citizens, consents)
