"""The templates, and the lines that a department may fill in: short, and leading nowhere."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.enterprise.pushes.errors import PushTextInvalid, TemplatesInvalid, TemplateUnknown
from codes.enterprise.pushes.templates import leads_somewhere, load_templates, read_templates

TEMPLATES = load_templates()
VALUES = {"subject": "疏散通道堆放杂物", "deadline": "12 月 31 日"}


def test_rendered_notice_has_the_values_in_both_languages() -> None:
    rendered = TEMPLATES.render("hazard-reminder", VALUES)
    assert rendered.title.zh == "请于12 月 31 日前完成隐患整改"
    assert "疏散通道堆放杂物" in rendered.body.en


@given(st.text(max_size=60).filter(lambda value: not leads_somewhere(value)))
def test_value_is_never_read_as_a_template(value: str) -> None:
    rendered = TEMPLATES.render("hazard-reminder", VALUES | {"subject": value})
    assert rendered.body.zh.startswith(value)


@pytest.mark.parametrize("value", ["{deadline}", "{0}", "{subject.__class__}", "{", "}", "%s"])
def test_braces_in_a_value_stay_braces(value: str) -> None:
    assert value in TEMPLATES.render("hazard-reminder", VALUES | {"subject": value}).body.zh


@pytest.mark.parametrize("values", [{}, {"subject": "x"}, VALUES | {"more": "x"}, {"Subject": "x", "deadline": "x"}])
def test_exactly_the_fields_are_filled_in(values: dict[str, str]) -> None:
    with pytest.raises(PushTextInvalid):
        TEMPLATES.render("hazard-reminder", values)


@pytest.mark.parametrize("slug", ["", "hazard", "HAZARD-REMINDER", "hazard-reminder\n"])
def test_template_that_is_none_is_refused(slug: str) -> None:
    with pytest.raises(TemplateUnknown):
        TEMPLATES.render(slug, VALUES)


@pytest.mark.parametrize(
    "value",
    [
        "http://pay.example",
        "HTTPS://pay",
        "见 www.example.cn",
        "example.cn",
        "sub-domain.example.com/pay",
        "ｅｘａｍｐｌｅ．ｃｎ",
        "example。cn",
        "ex\u200bample.\u200bcn",
        "pay@bank",
        "转账至 6222 0200 1234 5678 901",
        "6222020012345678",
        "６２２２０２００１２３４５６７８",
        "6222-0200-1234-5678",
    ],
)
def test_line_that_leads_somewhere_is_refused(value: str) -> None:
    assert leads_somewhere(value)
    with pytest.raises(PushTextInvalid) as refused:
        TEMPLATES.render("hazard-reminder", VALUES | {"subject": value})
    assert refused.value.extensions["fields"] == ["subject"]


@pytest.mark.parametrize(
    "value",
    [
        "12 月 31 日",
        "2026-12-31",
        "3.5 吨",
        "电话 12345",
        "021-12345678",
        "B1 层",
        "H62 餐饮业",
        "8:00 至 17:30",
        "第 1.2 条",
    ],
)
def test_ordinary_line_is_allowed(value: str) -> None:
    assert not leads_somewhere(value)


@given(
    label=st.text(string.ascii_letters + string.digits, min_size=1, max_size=10),
    dot=st.sampled_from(".。．｡"),
    end=st.text(string.ascii_letters, min_size=2, max_size=6),
    around=st.text("请见 ，看", max_size=5),
)
def test_no_name_of_a_host_passes(label: str, dot: str, end: str, around: str) -> None:
    assert leads_somewhere(f"{around}{label}{dot}{end}{around}")


@given(st.text(string.digits, min_size=12, max_size=20), st.sampled_from(["", " ", "-"]))
def test_no_account_number_passes(digits: str, between: str) -> None:
    assert leads_somewhere(f"请汇至{between.join(digits)}账户")


ENTRY = """[[templates]]
slug = "one"
names = { zh = "一", en = "One" }
title = { zh = "{what}", en = "{what}" }
body = { zh = "{what}：{when}", en = "{what}: {when}" }
fields = ["what", "when"]
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "templates = []x",
        ENTRY * 2,
        ENTRY.replace('["what", "when"]', '["what"]'),
        ENTRY.replace('["what", "when"]', '["what", "when", "who"]'),
        ENTRY.replace('en = "{what}: {when}"', 'en = "{what}"'),
        ENTRY.replace('title = { zh = "{what}"', 'title = { zh = "{who}"'),
        ENTRY.replace("{when}", "{when!r}"),
        ENTRY.replace("{when}", "{when:>10}"),
        ENTRY.replace("{when}", "{when.year}"),
        ENTRY.replace("{when}", "{}"),
        ENTRY.replace('"one"', '"One Two"'),
        ENTRY + "colour = 1\n",
    ],
)
def test_file_that_contradicts_itself_is_refused(text: str) -> None:
    with pytest.raises(TemplatesInvalid):
        read_templates(text.encode())


@pytest.mark.parametrize("brace", ["{", "}", "{what"])
def test_file_with_broken_braces_is_refused(brace: str) -> None:
    with pytest.raises(TemplatesInvalid):
        read_templates(ENTRY.replace("{what}：", brace).encode())


def test_good_file_is_read() -> None:
    assert [template.slug for template in read_templates(ENTRY.encode())] == ["one"]
