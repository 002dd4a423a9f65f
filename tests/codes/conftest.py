"""A city for the tests of personal codes."""

import pytest

from app.kit.floor import Floor
from tests.codes.personal_city import City


@pytest.fixture
def city(floor: Floor) -> City:
    return City(floor)
