"""The pages: they open, they lead somewhere, they load nothing from elsewhere, and errors explain themselves."""

import asyncio
import re
import threading
from typing import Any

import httpx
import pytest

from app.web.reference import Reference

PAGES = ["/", "/reference", "/problems", "/problems/not-found", "/demo/pictures"]


@pytest.mark.parametrize("path", PAGES)
async def test_page_opens_without_script_or_foreign_asset(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert not re.search(r"""(src|href)=["'](https?:)?//""", answer.text)


async def test_every_link_of_the_first_page_opens(client: httpx.AsyncClient) -> None:
    links = re.findall(r'href="(/[^"]*)"', (await client.get("/")).text)
    assert len(links) > 5
    for link in links:
        assert (await client.get(link)).status_code in {200, 503}, link


async def test_reference_lists_every_path_of_the_document(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    text = (await client.get("/reference")).text
    assert len(document["paths"]) > 10
    assert all(path in text for path in document["paths"])


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/problems/nonsense", 404, "not-found"),
        ("GET", "/demo/pictures/..%2f..%2fetc%2fpasswd", 400, None),
        ("GET", "/demo/pictures/absent.png", 404, "not-found"),
        ("DELETE", "/health/live", 405, "method-not-allowed"),
        ("GET", "/v1/me", 401, None),
        ("POST", "/v1/login/otp/challenges", 400, "fields-invalid"),
    ],
)
async def test_wrong_request_gets_a_problem_with_a_remedy(
    client: httpx.AsyncClient, method: str, path: str, status: int, slug: str | None
) -> None:
    answer = await client.request(method, path, json={"nonsense": 1} if method == "POST" else None)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert slug is None or problem["type"] == f"/problems/{slug}"
    assert problem["remedy"]


async def test_problem_types_of_the_catalogue_open_a_page(client: httpx.AsyncClient) -> None:
    links = re.findall(r"href='(/problems/[^']+)'", (await client.get("/problems")).text)
    assert len(links) > 20
    for link in links:
        assert (await client.get(link)).status_code == 200


async def test_every_answer_carries_a_request_id_of_its_own(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/health/live", headers={"X-Request-Id": "mine"}) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert "mine" not in ids


async def test_language_of_a_problem_follows_the_reader(client: httpx.AsyncClient) -> None:
    english = await client.get("/nowhere", headers={"Accept-Language": "en"})
    chinese = await client.get("/nowhere", headers={"Accept-Language": "zh-CN"})
    assert english.json()["title"] == "Not found"
    assert chinese.json()["title"] == "未找到"


async def test_reference_is_drawn_once_and_off_the_loop_however_many_ask() -> None:
    threads: list[int] = []

    def describe() -> dict[str, Any]:
        threads.append(threading.get_ident())
        return {"paths": {}}

    reference = Reference(brand="演示市")
    reference.describes(describe)
    impatient = asyncio.create_task(reference.drawn())
    await asyncio.sleep(0)
    impatient.cancel()
    first, *others = await asyncio.gather(*(reference.drawn() for _ in range(20)))
    assert all(drawn is first for drawn in others)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_the_framework_serves_no_document_of_its_own(client: httpx.AsyncClient) -> None:
    for path in ("/openapi", "/openapi/openapi.json", "/openapi/nonsense"):
        assert (await client.get(path)).json()["type"] == "/problems/not-found"
