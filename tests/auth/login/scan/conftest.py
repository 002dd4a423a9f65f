"""The provider's browsers and departments, and phones that scan; all at one and the same application."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from tests.auth.login.scan.people import BoundPhone
from tests.auth.phones import Phone
from tests.auth.provider.city import Browser
from tests.auth.provider.conftest import department_id, library, register

__all__ = ["department_id", "library", "register"]

NewBoundPhone = Callable[[str], Awaitable[BoundPhone]]


@pytest.fixture
async def new_browser(client: httpx.AsyncClient, floor: Floor) -> AsyncIterator[Callable[[str], Browser]]:
    opened: list[httpx.AsyncClient] = []

    def make(number: str) -> Browser:
        opened.append(httpx.AsyncClient(transport=client._transport, base_url=client.base_url))
        return Browser(opened[-1], floor.outbox.deliver_due, number=number)

    yield make
    for own in opened:
        await own.aclose()


@pytest.fixture
def browser(new_browser: Callable[[str], Browser]) -> Browser:
    return new_browser("19900000021")


@pytest.fixture
def new_bound_phone(new_phone: Callable[[str], Phone], clock: ManualClock) -> NewBoundPhone:
    async def make(number: str) -> BoundPhone:
        phone = BoundPhone(new_phone(number), clock)
        await phone.sign_in()
        return phone

    return make


@pytest.fixture
async def owner(new_bound_phone: NewBoundPhone) -> BoundPhone:
    """Whose computer it is."""
    return await new_bound_phone("19900000031")
