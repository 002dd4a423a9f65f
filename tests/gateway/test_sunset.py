"""A service that ends says until when with every answer (RFC 8594), in the city's word and not the department's."""

from datetime import datetime, timedelta, timezone

import pytest
from msgspec import structs

from app.kit.floor import Floor
from app.kit.structs import Text
from miniapps.manifest import label_of
from miniapps.releases.models import Ending
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import APPS_HOST, BEARER, Harness, gateway
from tests.gateway.publications import LIBRARY, published
from tests.gateway.servers import plain_answer

SHANGHAI = timezone(timedelta(hours=8))
ENDING = Ending(at=datetime(2026, 7, 1, tzinfo=SHANGHAI), reason=Text(zh="并入新平台", en="Merged"), successor=None)


async def sunsets(city: Harness, path: str, host: str = APPS_HOST) -> list[bytes]:
    answered = await city.call("GET", path, *([BEARER] if host == APPS_HOST else []), host=host)
    assert answered.status == 200
    return [value for name, value in answered.lines if name == b"sunset"]


@pytest.mark.parametrize("path", ["/loans", "/stream"])
async def test_calls_and_streams_say_until_when(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens, path: str
) -> None:
    callers.sign_in()
    async with gateway(floor, callers, consents, citizens) as city:
        city.answer = lambda _request: plain_answer(b"", headers="Sunset: Sat, 01 Jan 2050 00:00:00 GMT\r\n")
        assert await sunsets(city, path) == [b"Sat, 01 Jan 2050 00:00:00 GMT"]  # of one of its own addresses, perhaps
        await city.publish(structs.replace(city.apps[0], ending=ENDING))
        assert await sunsets(city, path) == [b"Tue, 30 Jun 2026 16:00:00 GMT"]


async def test_pages_say_so_too(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens) as city:
        backend = city.apps[0].manifest.backend
        assert backend is not None
        pages = {"base_url": {"live": backend.base_url.live}, "routes": [], "pages": {"path": "/pages"}}
        await city.publish(published(backend=pages, row={"ending": ENDING}))
        host = f"{label_of(LIBRARY)}.{APPS_HOST}"
        assert await sunsets(city, "/index.html", host) == [b"Tue, 30 Jun 2026 16:00:00 GMT"]
