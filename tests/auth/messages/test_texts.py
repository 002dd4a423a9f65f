"""The texts of notices: what the file may hold, and that every kind the program writes stands in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.messages.texts import GONE, TextsInvalid, leads_somewhere, load_texts, read_texts

ROOT = Path(__file__).parents[3]
GOOD = '[lost_phone]\nweight = "urgent"\nzh = "您的手机已挂失。"\nen = "Your phone was reported lost."\n'


def kinds_written() -> Iterator[tuple[str, str]]:
    """Every literal kind in `….write(connection, person, "kind", …)` of the packages."""
    for package in ("auth", "codes", "miniapps", "gateway"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write":
                    kinds = [argument.value for argument in node.args[2:3] if isinstance(argument, ast.Constant)]
                    yield from ((str(file.relative_to(ROOT)), kind) for kind in kinds if isinstance(kind, str))


def test_every_kind_that_is_written_has_a_text() -> None:
    written = list(kinds_written())
    assert len(written) >= 5
    assert [(file, kind) for file, kind in written if kind not in set(load_texts())] == []


def test_text_is_chinese_first() -> None:
    texts = load_texts()
    assert [kind for kind in texts if not any("\u4e00" <= c <= "\u9fff" for c in texts[kind].zh)] == []
    assert [kind for kind in texts if not texts[kind].en.isascii()] == []


def test_kind_that_the_file_lost_is_still_readable() -> None:
    assert read_texts(GOOD.encode()).text_of("left_long_ago") == GONE


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("手机", "手机 https://evil.test"),
        ("手机", "www.evil.test"),
        ("手机", "evil.test"),
        ("手机", "a@b"),
        ("手机", "123456"),
        ("手机", "{name}"),
        ("手机", "手\\n机"),
        ("手机", "手\\u202e机"),
        ("urgent", "loud"),
        ("lost_phone", "lost-phone"),
        ("lost_phone", "Lost"),
        ("zh = ", "name = "),
        ('en = "Your phone was reported lost."', ""),
        ("您的手机已挂失。", "失"),
        ("您的手机已挂失。", "失" * 201),
        ("[lost_phone]", "["),
    ],
)
def test_text_that_could_mislead_is_refused(found: str, put: str) -> None:
    assert list(read_texts(GOOD.encode())) == ["lost_phone"]
    with pytest.raises(TextsInvalid):
        read_texts(GOOD.replace(found, put).encode())


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(TextsInvalid):
        read_texts(b'[a]\nzh = "\xff"')


@pytest.mark.parametrize("line", ["请拨打 12345 热线。", "Call 12345 now. It helps.", "《民法典》第三编"])
def test_hotline_and_law_lead_nowhere(line: str) -> None:
    assert not leads_somewhere(line)
