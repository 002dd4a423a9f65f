"""Whoever would be told of an ending."""

import pytest

from miniapps.wiring import MiniappsServices
from tests.miniapps.centre import Centre


@pytest.fixture
def centre(services: MiniappsServices) -> Centre:
    centre = Centre()
    services.stewardship.tellers.speak_through(centre, centre)
    services.stewardship.sunsets.end_consents_in(centre)
    return centre
