"""What a department may put on a citizen's home page."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.home.models import CardsUnacceptable, read_cards
from miniapps.manifest import Widget
from tests.gateway.publications import LIBRARY, a_snapshot

APP = a_snapshot().apps[LIBRARY]
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ASKED = {"loans": Widget(id="loans", kind="list"), "news": Widget(id="news", kind="text")}
TITLE = {"zh": "在借 2 册", "en": "2 books on loan"}


def read(*cards: dict[str, Any]) -> list[str]:
    body = msgspec.json.encode({"cards": cards})
    return [card.widget for card in read_cards(body, APP, ASKED, why="used", now=NOW)]


def a_card(**changes: Any) -> dict[str, Any]:
    return {"widget": "loans", "title": TITLE, "action": f"ssb://miniapp/{LIBRARY}/loans"} | changes


def test_read_cards_in_the_order_of_the_manifest() -> None:
    assert read(a_card(widget="news"), a_card()) == ["loans", "news"]
    assert read() == []


@pytest.mark.parametrize(
    "text",
    ["温度 < 30", "a<3", "1 > 0", "AT&T", "10:30", "《书》（上）", "e.g. data", "50% off", "电话 12345"],
)
def test_read_cards_accepts_plain_text(text: str) -> None:
    assert read(a_card(text={"zh": text, "en": text})) == ["loans"]


@pytest.mark.parametrize(
    "text",
    [
        "<b>bold</b>",
        "<script>alert(1)</script>",
        "</div>",
        "<!-- -->",
        "<?xml",
        "<IMG SRC=x>",
        "see https://evil.example",
        "see http://evil.example",
        "ssb://miniapp/cn.example.other/",
        "HTTPS://EVIL.EXAMPLE",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:a@example.com",
        "www.evil.example",
        "a\nb",
        "a\x00b",
        "a\u202eb",
        "a\u200bb",
        "\ufeffa",
    ],
)
@pytest.mark.parametrize("place", ["title", "text", "label", "value"])
def test_read_cards_refuses_markup_links_and_hidden_text(text: str, place: str) -> None:
    texts = {"zh": text, "en": "x"}
    card = {
        "title": a_card(title=texts),
        "text": a_card(text=texts),
        "label": a_card(lines=[{"label": texts, "value": "1"}]),
        "value": a_card(lines=[{"label": TITLE, "value": text}]),
    }[place]
    with pytest.raises(CardsUnacceptable):
        read(card)


@pytest.mark.parametrize(
    "action",
    [
        "https://evil.example",
        "ssb://miniapp/cn.example.other/loans",
        f"ssb://miniapp/{LIBRARY}.evil/loans",
        f"ssb://miniapp/{LIBRARY}evil",
        f"ssb://miniapp/{LIBRARY}/../x",
        f"ssb://miniapp/{LIBRARY}/./x",
        f"ssb://miniapp/{LIBRARY}//evil.example",
        f"ssb://miniapp/{LIBRARY}/a?b=c",
        f"ssb://miniapp/{LIBRARY}/a#b",
        f"ssb://miniapp/{LIBRARY}/a%2fb",
        f"ssb://miniapp/{LIBRARY}@evil.example/",
        f"SSB://miniapp/{LIBRARY}/a",
        "javascript:alert(1)",
        "",
    ],
)
def test_read_cards_refuses_actions_that_lead_elsewhere(action: str) -> None:
    with pytest.raises(CardsUnacceptable, match="action"):
        read(a_card(action=action))


@pytest.mark.parametrize(
    "action", [f"ssb://miniapp/{LIBRARY}", f"ssb://miniapp/{LIBRARY}/", f"ssb://miniapp/{LIBRARY}/a/b-c.d", None]
)
def test_read_cards_accepts_its_own_actions(action: str | None) -> None:
    assert read(a_card(action=action)) == ["loans"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"not json",
        b"\xff\xfe",
        b'{"cards": null}',
        b'{"cards": [], "more": 1}',
        b'{"cards": [{"widget": "loans"}]}',
        b'{"cards": [' * 3000,
        msgspec.json.encode({"cards": [a_card(html="<b>")]}),
        msgspec.json.encode({"cards": [a_card(title="text")]}),
        msgspec.json.encode({"cards": [a_card(title={"zh": "", "en": "x"})]}),
        msgspec.json.encode({"cards": [a_card(title={"zh": "x" * 201, "en": "x"})]}),
        msgspec.json.encode({"cards": [a_card(lines=[{"label": TITLE, "value": "1"}] * 11)]}),
        msgspec.json.encode({"cards": [a_card(widget="other")]}),
        msgspec.json.encode({"cards": [a_card(), a_card()]}),
        msgspec.json.encode({"cards": [a_card(widget=str(number)) for number in range(17)]}),
    ],
)
def test_read_cards_refuses_what_was_not_agreed(body: bytes) -> None:
    with pytest.raises(CardsUnacceptable):
        read_cards(body, APP, ASKED, why="used", now=NOW)


@given(st.binary(max_size=300))
def test_read_cards_never_fails_otherwise(body: bytes) -> None:
    with pytest.raises(CardsUnacceptable):
        read_cards(body, APP, ASKED, why="used", now=NOW)
