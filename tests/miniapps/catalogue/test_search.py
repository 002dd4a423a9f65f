"""Search by Chinese, pinyin, initials and mixtures: what is found, in which order, why, and at what cost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.catalogue import search
from miniapps.catalogue.matching import fits, key_of, places_in
from miniapps.catalogue.search import FieldName, SearchIndex
from miniapps.catalogue.spelling import is_chinese, normalised, spell, words_of

CATALOGUE: list[list[tuple[FieldName, str]]] = [
    [("name", "市图书馆"), ("name", "City library"), ("keyword", "借书"), ("department", "演示图书馆")],
    [("name", "居住证办理"), ("keyword", "暂住证"), ("life_event", "来市工作"), ("department", "公安局")],
    [("name", "长宁区长信箱"), ("keyword", "投诉"), ("description", "给区长写信，也可以说图书馆的事")],
    [("name", "12345 热线"), ("name", "Hotline 12345"), ("subject", "投诉举报")],
    [("name", "旅游（景区）预约"), ("keyword", "公园")],
    [("name", "重庆银行参保"), ("item", "社会保险缴费")],
]
LIBRARY, PERMIT, MAILBOX, HOTLINE, TRAVEL, BANK = range(6)
INDEX = SearchIndex(CATALOGUE)
WORDS = st.text(st.sampled_from("图书馆居住证办理投诉tsgjzbl长1 "), min_size=1, max_size=8)


def numbers(query: str) -> list[int]:
    return [hit.number for hit in INDEX.search(query)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("图书馆", LIBRARY),
        ("书馆", LIBRARY),
        ("tushuguan", LIBRARY),
        ("TuShuGuan", LIBRARY),
        ("tushug", LIBRARY),
        ("tsg", LIBRARY),
        ("stsg", LIBRARY),
        ("图shu馆", LIBRARY),
        ("tu书g", LIBRARY),
        ("tusg", LIBRARY),
        ("市 图书馆", LIBRARY),
        ("library", LIBRARY),
        ("LIB", LIBRARY),
        ("借书", LIBRARY),
        ("jzz", PERMIT),
        ("juzhuzheng", PERMIT),
        ("居住证 公安", PERMIT),
        ("怎么办居住证", PERMIT),
        ("来市工作", PERMIT),
        ("changning", MAILBOX),
        ("cnqz", MAILBOX),
        ("quzhang", MAILBOX),
        ("12345", HOTLINE),
        ("１２３４５", HOTLINE),
        ("rexian", HOTLINE),
        ("热线12345", HOTLINE),
        ("lvyou", TRAVEL),
        ("luyou", TRAVEL),
        ("lüyou", TRAVEL),
        ("旅游景区", TRAVEL),
        ("lyjq", TRAVEL),
        ("chongqing", BANK),
        ("yinhang", BANK),
        ("shebao", None),
        ("shehuibx", BANK),
    ],
)
def test_search_finds(query: str, first: int | None) -> None:
    assert numbers(query)[:1] == ([] if first is None else [first])


@pytest.mark.parametrize(
    "query", ["x", "zzzz", "ushuguan", "tuugu", "ibrary", "2345", "护照", "！？", " ", "\u0000", "😀"]
)
def test_search_finds_nothing(query: str) -> None:
    assert numbers(query) == []


def test_a_name_stands_before_what_is_only_mentioned() -> None:
    assert numbers("图书馆") == [LIBRARY, MAILBOX]
    assert numbers("投诉") == [MAILBOX, HOTLINE]


def test_of_several_words_all_are_wanted_and_failing_that_the_most() -> None:
    assert numbers("投诉 信箱") == [MAILBOX]
    assert numbers("投诉 举报 护照") == [HOTLINE]


def test_a_description_is_not_searched_by_pinyin() -> None:
    assert MAILBOX not in numbers("tushuguan")


@pytest.mark.parametrize(
    ("query", "field", "how", "text"),
    [
        ("市图书馆", "name", "text", "市图书馆"),
        ("jieshu", "keyword", "pinyin", "借书"),
        ("stsg", "name", "initials", "市图书馆"),
        ("shits", "name", "mixed", "市图书馆"),
        ("如何借图书馆", "name", "partial", "市图书馆"),
    ],
)
def test_search_explains_each_word(query: str, field: str, how: str, text: str) -> None:
    (why,) = INDEX.search(query)[0].why
    assert (why.field, why.how, why.text) == (field, how, text)


@given(WORDS)
def test_whatever_is_in_a_text_is_found_by_its_index(query: str) -> None:
    """The index never hides a place: looking at every character of every text finds no more."""
    for word in words_of(query):
        for document in CATALOGUE:
            for field, text in document:
                spelling = spell(text, read=field != "description")
                fitting = {at for at in range(len(spelling.units)) if fits(word, spelling, at)}
                places = {at for key, at in places_in(spelling) if key == key_of(word)}
                assert fitting <= places or (len(word) == 1 and not is_chinese(word))


@given(st.text(max_size=64))
def test_search_never_fails_and_always_answers_alike(query: str) -> None:
    assert INDEX.search(query) == INDEX.search(query)


@given(st.text(max_size=40))
def test_a_text_is_found_by_itself(text: str) -> None:
    index = SearchIndex([[("name", text)]])
    words = words_of(text)
    assert bool(index.search(text)) == bool(words)


@given(st.text(max_size=40))
def test_units_and_readings_stand_for_the_same_characters(text: str) -> None:
    spelling = spell(text)
    assert "".join(unit.character for unit in spelling.units) == normalised(text).replace(" ", "") == spelling.plain
    assert len(spelling.initials) == len(spelling.starts) == len(spelling.units)
    assert all(unit.readings and all(unit.readings) for unit in spelling.units)


def test_a_question_that_could_be_read_in_countless_ways_is_answered_at_once() -> None:
    """Each character has several readings that begin alike: trying them one by one would take for ever."""
    index = SearchIndex([[("name", "和" * 64)], [("name", "会" * 64)]])
    assert index.search("h" * 31 + "z") == []
    assert [hit.number for hit in index.search("h" * 32)] == [0, 1]


def test_a_thousand_services_are_searched_by_looking_at_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many places of how many are looked at."""
    departments = ["公安局", "民政局", "文旅局", "人社局", "教育局", "卫健委", "税务局", "交通局", "住建局", "水务局"]
    acts = ["登记", "变更", "注销", "申请", "查询", "预约", "缴费", "年检", "补贴", "投诉"]
    things = ["婚姻", "户口", "车辆", "房屋", "社保", "学籍", "医保", "驾照", "营业", "用水"]
    documents: list[list[tuple[FieldName, str]]] = [
        [("name", one + thing + act), ("keyword", thing), ("keyword", act), ("department", one)]
        for one in departments
        for thing in things
        for act in acts
    ]
    index = SearchIndex(documents)
    assert sum(map(len, index._places.values())) > 20_000
    looked = 0

    def counting(*arguments: Any, **named: Any) -> Any:
        nonlocal looked
        looked += 1
        return fits(*arguments, **named)

    monkeypatch.setattr(search, "fits", counting)
    for query, most in (
        ("税务局婚姻登记", 200),
        ("hunyin", 300),
        ("hydj", 200),
        ("税务局hydj", 500),
        ("离婚登记", 800),
    ):
        looked = 0
        assert index.search(query)
        assert looked <= most, query
