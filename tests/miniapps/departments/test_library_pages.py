"""The library's public pages: signed for like everything, for nobody in particular, and fit for a strict policy."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from miniapps.departments import library, library_pages
from miniapps.manifest import lint_manifest, parse_manifest
from tests.miniapps.departments.department import Department


@pytest.fixture
async def the_library(tmp_path: Path) -> AsyncIterator[Department]:
    async with Department(library.PROGRAM, tmp_path) as department:
        yield department


async def test_anybody_sees_when_it_is_open(the_library: Department) -> None:
    for path, kind, word in (
        ("/site/", "text/html", "开放时间"),
        ("/site/hours.html", "text/html", "周二至周日 9:00–21:00，周一闭馆"),
        ("/site/style.css", "text/css", "font"),
    ):
        headers = the_library.city.sign("GET", path, headers={}, body=b"", assertion=None)
        async with (
            aiohttp.ClientSession() as session,
            session.get(the_library.origin + path, headers=headers) as answer,
        ):
            assert (answer.status, answer.content_type) == (200, kind)
            assert word in await answer.text()


async def test_not_even_a_page_is_shown_past_the_gateway(the_library: Department) -> None:
    status, _ = await the_library.send("GET", "/site/", b"", {})
    assert status == 401


async def test_a_mistyped_page_is_not_found_rather_than_disbelieved(the_library: Department) -> None:
    status, _ = await the_library.call("GET", "/site/huors.html", citizen=None)
    assert status == 404, "401 is for who is not believed: the gateway makes a fault of the department's out of it"


@pytest.mark.parametrize("path", ["/loans", "/card", "/site/../loans", "/site"])
async def test_who_is_nobody_sees_nothing_else(the_library: Department, path: str) -> None:
    status, _ = await the_library.call("GET", path, citizen=None)
    assert status in {401, 404}


def test_pages_need_nothing_that_the_policy_of_their_origin_refuses() -> None:
    assert re.findall(r"<script|<style|style=|onclick|javascript:|https?://|<iframe|<form", library_pages.HOURS) == []


def test_the_manifest_names_them() -> None:
    text = Path("miniapps/departments/library.json").read_bytes()
    manifest = parse_manifest(text)
    assert manifest.backend is not None
    assert manifest.backend.pages is not None
    assert manifest.backend.pages.path == library_pages.PREFIX
    assert [finding.code for finding in lint_manifest(manifest) if finding.severity == "error"] == []
