"""What the city holds, nobody asks an enterprise for: the rule itself, and the file behind it."""

import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.enterprise.registers.catalogue import Registers, load_registers, read_registers
from codes.enterprise.registers.errors import ChecklistAsksForHeld, EvidenceUnknown, RegistersInvalid
from codes.enterprise.registers.models import ASKING, ChecklistItem, list_held_questions, plain
from codes.scenarios.catalogue import load_scenarios

CONNECTED = ("fire", "emergency")
REGISTERS = load_registers(CONNECTED)
HELD_WORDS = [word for register in REGISTERS.held for evidence in register.evidence for word in evidence.words]
NOISE = st.text(alphabet=" \u3000·-_、.,，。*()（）", max_size=3)


def ask(text: str, **more: str) -> ChecklistItem:
    return msgspec.convert({"text": text, "kind": "ask"} | more, ChecklistItem)


def look(text: str, **more: str) -> ChecklistItem:
    return msgspec.convert({"text": text} | more, ChecklistItem)


@pytest.mark.parametrize(
    "item",
    [
        ask("营业执照"),
        ask("请提供营业执照副本"),
        ask("开业前消防安全检查合格证"),
        ask("Business License"),
        ask("ＢＵＳＩＮＥＳＳ licence"),
        ask("应急预案备案表一式三份"),
        ask("随便什么材料", evidence="fire_certificate"),
        look("查验原件：营业执照"),
        look("出示消防合格证"),
        look("营 业 执 照 复 印 件"),
        look("Have them provide the fire certificate"),
        look("看一看", evidence="business_licence"),
    ],
)
def test_question_for_what_is_held_is_found(item: ChecklistItem) -> None:
    assert list_held_questions([look("灭火器压力是否正常"), item], REGISTERS.held)[0].item == 1


@pytest.mark.parametrize(
    "item",
    [
        look("营业执照是否悬挂在醒目处"),
        look("疏散通道是否畅通"),
        look("消防合格证与现场布局是否一致"),
        ask("请打开配电室"),
        ask("请现场演示报警装置"),
        ask("请提供当日值班人员名单"),
        ask("食品经营许可证"),  # of a register that this city has not connected
        ask("当日留样记录", evidence="food_licence"),
    ],
)
def test_looking_and_asking_for_what_nobody_holds_is_allowed(item: ChecklistItem) -> None:
    assert list_held_questions([item], REGISTERS.held) == []


@given(word=st.sampled_from(HELD_WORDS), noise=st.lists(NOISE, min_size=40, max_size=40), data=st.data())
def test_no_blank_or_mark_inside_a_word_hides_a_question(word: str, noise: list[str], data: st.DataObject) -> None:
    spread = "".join(character + mark for character, mark in zip(word, noise, strict=False))
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in spread)
    text = data.draw(st.sampled_from([spread, wide, spread.upper(), unicodedata.normalize("NFD", spread)]))
    item = ChecklistItem(text=text, kind="ask")
    assert [found.item for found in list_held_questions([item], REGISTERS.held)]


@given(word=st.sampled_from(HELD_WORDS), verb=st.sampled_from(ASKING), before=NOISE, after=NOISE)
def test_an_instruction_to_look_that_asks_is_a_question(word: str, verb: str, before: str, after: str) -> None:
    for text in (f"{before}{verb}{after}{word}", f"{word}{after}{verb}{before}"):
        assert list_held_questions([ChecklistItem(text=text)], REGISTERS.held)


@given(st.lists(st.text(max_size=60), max_size=5))
def test_the_rule_never_breaks_and_names_items_that_exist(texts: list[str]) -> None:
    items = [ChecklistItem(text=text, kind="ask") for text in texts]
    assert {found.item for found in list_held_questions(items, REGISTERS.held)} <= set(range(len(items)))


@given(st.text())
def test_plain_is_letters_and_digits_in_one_case(text: str) -> None:
    assert all(character.isalnum() for character in plain(text))
    assert plain(text) == plain(f" {text.strip()} -")


def test_every_held_item_is_named_at_once() -> None:
    checklist = [ask("营业执照"), look("看门口"), ask("消防合格证")]
    with pytest.raises(ChecklistAsksForHeld) as refused:
        REGISTERS.require_nothing_held(checklist)
    assert refused.value.extensions["held"] == [
        {"item": 0, "evidence": "business_licence", "register": "registration"},
        {"item": 2, "evidence": "fire_certificate", "register": "fire"},
    ]


def test_document_that_nobody_listed_is_refused() -> None:
    with pytest.raises(EvidenceUnknown) as refused:
        REGISTERS.require_nothing_held([ask("材料", evidence="made_up")])
    assert refused.value.extensions["evidence"] == ["made_up"]


def test_registers_of_every_scenario_are_described() -> None:
    asked = {source for scenario in load_scenarios() for source in scenario.sources}
    assert asked <= {register.name for register in REGISTERS}


def test_a_check_brings_what_its_own_registers_hold() -> None:
    assert {view.slug for view in REGISTERS.list_unasked(["fire"])} >= {"business_licence", "fire_certificate"}
    assert "emergency_plan_filing" not in {view.slug for view in REGISTERS.list_unasked(["fire"])}
    assert "food_licence" not in {view.slug for view in REGISTERS.list_unasked(["food"])}  # not connected


EVIDENCE = '{ slug = "paper", names = { zh = "纸", en = "Paper" }, words = ["营业执照"] }'
ENTRY = f"""[[registers]]
name = "fire"
names = {{ zh = "消防", en = "Fire" }}
stale_after_hours = 24
evidence = [{EVIDENCE}]
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "registers = 7",
        "[[registers]]",
        ENTRY * 2,
        ENTRY + ENTRY.replace('"fire"', '"food"'),
        ENTRY.replace("24", "0"),
        ENTRY.replace("24", '"24"'),
        ENTRY.replace('["营业执照"]', "[]"),
        ENTRY.replace('["营业执照"]', '["照"]'),
        ENTRY.replace('["营业执照"]', '["— —"]'),
        ENTRY.replace('"paper"', '"Paper 1"'),
        ENTRY + 'colour = "green"\n',
        "\udcff",
    ],
)
def test_file_that_contradicts_itself_is_refused(text: str) -> None:
    with pytest.raises(RegistersInvalid):
        read_registers(text.encode("utf-8", "surrogateescape"))


def test_good_file_is_read() -> None:
    registers = read_registers(ENTRY.encode(), ["fire"])
    assert isinstance(registers, Registers)
    assert [register.name for register in registers.held] == ["fire"]
