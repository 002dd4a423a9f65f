"""The names of pages, and what a manifest may say of them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.manifest import app_id_of, label_of, lies_below, lint_manifest
from miniapps.manifest.models import AppId
from tests.gateway.publications import ROUTES, a_manifest

PART = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
APP_IDS = st.builds(
    lambda first, rest: ".".join([first, *rest]),
    st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
    st.lists(PART, min_size=1, max_size=7),
)


@given(APP_IDS)
def test_a_label_leads_back_to_its_id(app_id: str) -> None:
    msgspec.convert(app_id, AppId)
    label = label_of(app_id)
    if label is None:
        assert len(app_id) + app_id.count("-") > 63
    else:
        assert app_id_of(label) == app_id
        assert not label.startswith("xn--")


@given(APP_IDS, APP_IDS)
def test_no_two_ids_share_a_label(one: str, other: str) -> None:
    assert one == other or label_of(one) is None or label_of(one) != label_of(other)


@given(st.text(alphabet="abcxn019-.", max_size=70))
def test_what_is_taken_for_a_label_is_one(text: str) -> None:
    app_id = app_id_of(text)
    assert app_id is None or label_of(app_id) == text


@pytest.mark.parametrize(
    ("app_id", "label"),
    [
        ("cn.example.library", "cn-example-library"),
        ("cn.example.my-library", "cn-example-my--library"),
        ("cn.a--b", "cn-a----b"),
        ("cn." + "a" * 60, "cn-" + "a" * 60),
        ("cn." + "a" * 61, None),
    ],
)
def test_label_of(app_id: str, label: str | None) -> None:
    assert label_of(app_id) == label


@pytest.mark.parametrize(
    ("template", "prefix", "below"),
    [
        ("/site/hours", "/site", True),
        ("/site/{page}", "/site", True),
        ("/{anything}/hours", "/site", True),
        ("/{a}/{b}/{c}", "/site/public", True),
        ("/site", "/site", False),
        ("/{page}", "/site", False),
        ("/", "/site", False),
        ("/sites/hours", "/site", False),
        ("/books/{book_id}", "/site", False),
        ("/site/other/x", "/site/public", False),
    ],
)
def test_lies_below(template: str, prefix: str, below: bool) -> None:
    assert lies_below(template, prefix) is below


def findings(path: str, **changes: Any) -> list[str]:
    backend = {"base_url": {"live": "https://library.example.com"}, "routes": ROUTES, "pages": {"path": path}}
    return [finding.code for finding in lint_manifest(a_manifest(backend=backend, **changes))]


def test_lint_refuses_a_route_among_pages_and_an_id_without_a_label() -> None:
    assert "route-among-pages" not in findings("/site")
    assert findings("/loans").count("route-among-pages") == 4
    assert "app-id-too-long-for-pages" in findings("/site", app_id="cn." + "a" * 61)
