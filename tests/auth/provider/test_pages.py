"""The pages themselves: for every eye and hand, in both languages, and safe from what others put into them."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from app.kit.structs import Text
from auth.pages.frame import STYLE, security_headers
from tests.auth.provider.city import Browser, Department, Register

LEAST_CONTRAST = 4.5
LEAST_TARGET = 60
PAIRS = [
    ("--ink", "--paper"),
    ("--ink", "--card"),
    ("--soft", "--paper"),
    ("--soft", "--card"),
    ("--brand", "--paper"),
    ("--bad", "--paper"),
    ("--bad", "--card"),
    ("--action", "--paper"),
    ("--on-action", "--action"),
]


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palettes() -> list[dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return [dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6})", block)) for block in blocks]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_text_stands_out(palette: dict[str, str], one: str, two: str) -> None:
    assert contrast(palette[one], palette[two]) >= LEAST_CONTRAST


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_fields_have_an_edge_that_is_seen(palette: dict[str, str]) -> None:
    assert contrast(palette["--line"], palette["--card"]) >= 3


def test_what_stands_on_a_button_has_the_button_s_colour() -> None:
    """`.en` is soft elsewhere, and soft on the button's own colour nobody can read."""
    assert re.search(r"(?m)^button \.en \{ color: inherit; \}", STYLE)
    assert STYLE.index("button .en {") > STYLE.index(".en, .soft {")


def test_targets_are_large_and_text_is_too() -> None:
    for selector in ("button", r"input\[type=tel\], input\[type=text\], select", r"a\.quiet", r"label\.choice", "a"):
        rule = re.search(rf"(?m)^{selector} \{{(.*?)\}}", STYLE, re.DOTALL)
        assert rule, selector
        height = re.search(r"min-height: (\d+)px", rule[1])
        assert height, selector
        assert int(height[1]) >= LEAST_TARGET
    size = re.search(r"font: ([\d.]+)rem", STYLE)  # of the reader's own size, which browsers let people enlarge
    assert size
    assert float(size[1]) * 16 >= 20


async def every_page(library: Department, browser: Browser) -> list[str]:
    pages = [await browser.open(await library.begin(scope="openid library.card library.age library.level"))]
    pages.append(await browser.submit("/scan"))
    pages.append(await browser.submit("/number", number="0000"))
    await browser.submit("/restart")
    pages.append(await browser.submit("/phone", phone=browser.number))
    pages.append(await browser.submit("/code", code=await browser.read_code()))
    pages.append(await browser.open(await library.begin(max_age="0")))
    pages.append(await browser.open("/oauth/scan"))
    pages.append(await browser.open("/oauth/logout"))
    pages.append(await browser.submit("/oauth/logout", confirmed="yes"))
    pages.append(await browser.open("/oauth/authorize"))
    for page in pages:
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert part in policy
        assert "unsafe" not in policy
        assert "script" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
    return [page.text for page in pages]


async def test_pages_need_no_script_and_no_asset(library: Department, browser: Browser) -> None:
    for text in await every_page(library, browser):
        body = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
        for forbidden in ("<script", "javascript:", "<img", "<link", "@import", "url(", "<iframe", "<object"):
            assert forbidden not in text
        assert not re.search(r"\s(on[a-z]+|style)=", body)
        assert not re.search(r'(src|href)="https?:', text)


async def test_pages_speak_both_languages_and_say_which(library: Department, browser: Browser) -> None:
    for text in await every_page(library, browser):
        assert '<html lang="zh-CN">' in text
        title = re.search(r"<h1>(.*?)</h1>", text)
        assert title
        assert re.search(r"[\u4e00-\u9fff]", title[1])
        assert 'lang="en"' in title[1]
        assert 'name="viewport"' in text


async def test_every_field_has_a_label(library: Department, browser: Browser) -> None:
    for text in await every_page(library, browser):
        for field in re.findall(r'<input id="([^"]+)"', text):
            assert f'<label for="{field}">' in text
        for drawn in re.findall(r"<svg[^>]*>", text):
            assert 'role="img"' in drawn
            assert 'aria-label="' in drawn
        boxes = re.findall(r'<label class="choice"><input type="checkbox"', text)
        assert len(boxes) == text.count('type="checkbox"')


async def test_what_a_manifest_says_cannot_break_out_of_the_page(
    library: Department, browser: Browser, register: Register
) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    client = register.clients["library"]
    scopes = tuple(replace(scope, purpose=Text(zh=nasty, en=nasty), legal_basis=nasty) for scope in client.scopes)
    register.clients["library"] = replace(client, name=Text(zh=nasty, en=nasty), organization_name=nasty, scopes=scopes)
    for text in await every_page(library, browser):
        assert "<script" not in text
        assert "<img" not in text


async def test_the_policy_lets_the_form_lead_to_the_client_and_nowhere_else(
    library: Department, browser: Browser
) -> None:
    page = await browser.open(await library.begin())
    assert "form-action 'self' https://library.example;" in page.headers["content-security-policy"]
    assert "form-action 'self';" in security_headers()["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/oauth/requests/00000000-0000-0000-0000-000000000000", "/oauth/authorize"])
async def test_pages_of_refusal_tell_nothing(browser: Browser, path: str) -> None:
    page: Any = await browser.open(path)
    assert page.status_code == 400
    assert path.rpartition("/")[2] not in page.text
