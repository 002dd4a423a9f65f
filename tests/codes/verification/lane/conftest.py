"""A door of the fast lane: the trust list is known, the scanner works in its scenario already."""

import pytest

from app.kit.database import Connection
from codes.venues.scanners.models import Scanner
from tests.codes.personal_city import City, Phone, a_scanner
from tests.codes.verification.lane.door import at_work


@pytest.fixture
async def scanner(city: City, connection: Connection) -> Scanner:
    await city.codes.trust_lists.publish_when_due()
    return await at_work(connection, a_scanner(301), 301)


@pytest.fixture
async def phone(city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)
