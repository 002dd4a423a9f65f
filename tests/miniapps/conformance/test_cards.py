"""The kit and the home page say the same of every card."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.home.models import CardsUnacceptable, read_cards
from gateway.snapshot import compile_app
from miniapps.conformance.cards import cards_problem
from miniapps.manifest import Widget
from tests.gateway.publications import LIBRARY, published

APP = compile_app(published("https://library.example.cn"))
ASKED = {"loans": Widget(id="loans", kind="list"), "news": Widget(id="news", kind="text")}
PIECES = [
    "借阅",
    "a",
    "<",
    "<b",
    "< b",
    "://",
    "www.",
    "tel:",
    "\u202e",
    "\n",
    "x" * 70,
    "x" * 201,
    "mailto:",
    "javascript:",
]
texts = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
words = st.fixed_dictionaries({"zh": texts, "en": texts}) | st.just({"zh": "好"}) | st.just("plain")
OWN = f"ssb://miniapp/{LIBRARY}"
actions = st.sampled_from(
    [OWN, f"{OWN}/", f"{OWN}/a/b", f"{OWN}/../x", f"{OWN}/.", f"{OWN}x", f"{OWN}/a?b", "https://a.cn", f"{OWN}//a", ""]
)
lines = st.lists(st.fixed_dictionaries({"label": words, "value": texts}), max_size=12)
cards = st.fixed_dictionaries(
    {"widget": st.sampled_from(["loans", "news", "other"]), "title": words},
    optional={"text": words | st.none(), "lines": lines, "action": actions | st.none(), "html": st.just("<p>")},
)
answers = st.fixed_dictionaries({"cards": st.lists(cards, max_size=3)}, optional={"more": st.just(1)})


def shown_at_home(body: bytes) -> bool:
    try:
        read_cards(body, APP, ASKED, why="public", now=datetime(2026, 3, 2, tzinfo=UTC))
    except CardsUnacceptable:
        return False
    return True


@given(answer=answers)
def test_both_take_and_drop_the_same_cards(answer: Any) -> None:
    body = json.dumps(answer).encode()

    assert (cards_problem(body, LIBRARY, ASKED) is None) == shown_at_home(body)


@given(body=st.binary(max_size=64) | st.sampled_from([b"", b"[]", b"{}", b'{"cards":null}', b"[" * 5000, b"\xff"]))
def test_both_refuse_what_is_no_answer(body: bytes) -> None:
    assert (cards_problem(body, LIBRARY, ASKED) is None) == shown_at_home(body)
