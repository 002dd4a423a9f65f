"""The posters over HTTP: for whoever hangs them, in three forms, never of a code that has ended."""

import io
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image

from app.kit.clock import ManualClock
from tests.codes.enterprise_city import LIBRARY, RESTAURANT, STRANGERS, Caller, agent_of
from tests.codes.personal_city import City
from tests.codes.places.conftest import KEEPER

FORMS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}

QR = zxingcpp.BarcodeFormats(
    zxingcpp.BarcodeFormat.QRCode
)  # among stripes and letters a reader of everything finds numbers, too


def poster_of(place: dict[str, Any], form: str = "svg") -> str:
    return f"/v1/places/{place['id']}/poster?form={form}"


def codes_on(content: bytes) -> list[str]:
    """What a camera reads on a picture."""
    return [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(content)).convert("L"), QR)]


@pytest.fixture
async def enterprise_poster(http: httpx.AsyncClient, caller: Caller) -> str:
    caller.principal = agent_of(RESTAURANT)
    code = (await http.post(f"/v1/organizations/{RESTAURANT}/codes", json={"label": "前厅"})).json()
    caller.principal = None
    return f"/v1/organizations/{RESTAURANT}/codes/{code['id']}/poster"


@pytest.mark.parametrize("form", FORMS)
async def test_a_poster_comes_in_three_forms_that_run_nothing(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], form: str
) -> None:
    caller.principal = KEEPER
    answer = await http.get(poster_of(lift, form))
    assert (answer.status_code, answer.headers["content-type"]) == (200, FORMS[form])
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'inline; filename="place-{lift["id"]}.{form}"'
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_a_camera_reads_the_poster_s_code(
    http: httpx.AsyncClient, caller: Caller, door: dict[str, Any], enterprise_poster: str
) -> None:
    caller.principal = KEEPER
    assert codes_on((await http.get(poster_of(door, "png"))).content) == [door["carrier"]]
    caller.principal = agent_of(RESTAURANT)
    listed = (await http.get(f"/v1/organizations/{RESTAURANT}/codes")).json()["items"]
    assert codes_on((await http.get(enterprise_poster)).content) == [listed[0]["carrier"]]


async def test_no_connection_is_held_while_a_poster_is_drawn(
    http: httpx.AsyncClient, caller: Caller, city: City, lift: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    posters: Any = city.codes.posters.places
    studio, database = posters._studio, posters._database
    held: list[Any] = []
    draw = studio.draw

    async def watched(*arguments: Any) -> Any:
        held.append(database._owner)
        return await draw(*arguments)

    monkeypatch.setattr(studio, "draw", watched)
    caller.principal = KEEPER
    assert (await http.get(poster_of(lift))).status_code == 200
    assert held == [None]


async def test_an_unchanged_poster_is_304(http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any]) -> None:
    caller.principal = KEEPER
    first = await http.get(poster_of(lift))
    again = await http.get(poster_of(lift), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await http.get(poster_of(lift, "pdf"), headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("form", ["gif", "PNG", "", "../png", "html"])
async def test_a_form_that_nobody_draws_is_refused(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], form: str
) -> None:
    caller.principal = KEEPER
    assert (await http.get(poster_of(lift, form))).status_code == 400


@pytest.mark.parametrize("who", [name for name in STRANGERS if not name.startswith("agent")])
async def test_posters_are_closed_to_strangers(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], enterprise_poster: str, who: str
) -> None:
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    assert (await http.get(poster_of(lift))).status_code == refused
    assert (await http.get(enterprise_poster)).status_code == refused


async def test_posters_of_another_organization_are_unknown(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], enterprise_poster: str
) -> None:
    caller.principal = agent_of(RESTAURANT)
    assert (await http.get(poster_of(lift))).status_code == 404
    caller.principal = agent_of(LIBRARY)
    assert (await http.get(enterprise_poster)).status_code == 403
    own_path = enterprise_poster.replace(str(RESTAURANT), str(LIBRARY))
    assert (await http.get(own_path)).status_code == 404


async def test_a_code_that_has_ended_is_not_printed_again(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], enterprise_poster: str, clock: ManualClock
) -> None:
    caller.principal = KEEPER
    assert (await http.get(poster_of(lift))).status_code == 200
    await http.delete(f"/v1/places/{lift['id']}")
    answer = await http.get(poster_of(lift))
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/code-ended")
    caller.principal = agent_of(RESTAURANT)
    clock.advance(365 * 86400)
    assert (await http.get(enterprise_poster)).status_code == 410
