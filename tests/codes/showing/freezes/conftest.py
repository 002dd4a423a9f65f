"""A counter over HTTP, with real tables, real status lists and real scans."""

import pytest

from app.kit.floor import Floor
from tests.codes.family_city import FamilyCity


@pytest.fixture
def city(floor: Floor) -> FamilyCity:
    return FamilyCity(floor)
