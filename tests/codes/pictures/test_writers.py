"""Posters and cards as PNG, SVG and PDF: each is read back by a program that is not ours, and says the same."""

import io
import itertools
import re
import xml.etree.ElementTree as ET
import zlib

import msgspec
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter, ImageStat

from app.kit.structs import Text
from codes.pictures.cards import Card, card_sheet
from codes.pictures.matrix import QUIET_ZONE, matrix_of
from codes.pictures.pdf import write_pdf
from codes.pictures.png import write_png
from codes.pictures.posters import Poster, poster_sheet
from codes.pictures.shapes import Code, Line, Sheet
from codes.pictures.svg import write_svg

BRAND = Text(zh="随申办", en="Suishen")
CARRIER = "HTTPS://CODE.SUISHEN.EXAMPLE/1/" + "ABCDEFGH234567" * 15
PAPER = "SSM1:" + "6BF%$*0WK" * 28
ABOUT = Text(zh="用任何手机相机扫码。", en="Scan with any camera.")
LONG_ABOUT = Text(
    zh="打开随申办扫此码，选择“" + "、".join(["图书馆借阅与归还"] * 8) + "”后亮码；不产生到访记录。",
    en="Scan with Suishen, choose (" + ", ".join(["library lending"] * 8) + "), show your code. No visit record.",
)
LONG_NAME = (
    "演示市某某国际（集团）进出口贸易与餐饮管理服务股份有限公司第二十三分公司演示路营业部 Suishen <International>"
)


def poster(name: str = "演示餐饮有限公司", where: str = "前厅", about: Text = ABOUT) -> Sheet:
    return poster_sheet(
        Poster(
            colour="#0f4c81",
            kind=Text(zh="企业码", en="Enterprise code"),
            name=name,
            where=where,
            number_label=Text(zh="统一社会信用代码", en="Unified social credit code"),
            number="91190000MA00000001",
            carrier=CARRIER,
            about=about,
            until="2027-03-02",
            brand=BRAND,
        )
    )


def card(name: str = "张*国") -> Sheet:
    return card_sheet(
        Card(carrier=PAPER, name=name, document="**** 0011", number="L00000018", until="2026-08-29", brand=BRAND)
    )


SHEETS = {
    "poster": poster(),
    "poster of a long name": poster(LONG_NAME, "二楼 B 区东北角三号自动扶梯旁边的白色立柱上朝南一侧离地一米五"),
    "poster of many scenarios": poster(about=LONG_ABOUT),
    "card": card(),
    "card of a long name": card("欧阳" + "*" * 36 + "国"),
}


def text_of(sheet: Sheet) -> str:
    return next(shape.text for shape in sheet.shapes if isinstance(shape, Code))


@pytest.fixture(params=list(SHEETS.values()), ids=list(SHEETS))
def sheet(request: pytest.FixtureRequest) -> Sheet:
    found: Sheet = request.param
    return found


def test_the_code_of_a_png_is_read(sheet: Sheet) -> None:
    image = Image.open(io.BytesIO(write_png(sheet, 150)))
    assert [found.text for found in zxingcpp.read_barcodes(image.convert("L"))] == [text_of(sheet)]
    width, height = image.width / 150 * 25.4, image.height / 150 * 25.4
    assert (width, height) == pytest.approx((sheet.width, sheet.height), abs=0.2)
    assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)


def test_the_code_of_a_pdf_is_read_by_another_program(sheet: Sheet) -> None:
    document = pypdfium2.PdfDocument(write_pdf(sheet))
    assert len(document) == 1
    points = document[0].get_size()
    assert points == pytest.approx((sheet.width / 25.4 * 72, sheet.height / 25.4 * 72), abs=0.01)
    image = document[0].render(scale=2).to_pil()
    assert [found.text for found in zxingcpp.read_barcodes(image.convert("L"))] == [text_of(sheet)]
    assert document.get_metadata_value("Title") == sheet.title
    document.close()


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart to eyes that do not see single pixels: 0 to 255 on average."""
    soft = (picture.filter(ImageFilter.GaussianBlur(3)) for picture in (one, other))
    return float(ImageStat.Stat(ImageChops.difference(*soft)).mean[0])


def test_all_three_forms_show_the_same(sheet: Sheet) -> None:
    """Print and bitmap differ by smoothed edges only; the outlines of print and vector start at the same points."""
    # Without the code: on the bitmap its modules are whole pixels, which moves them by some.
    sheet = msgspec.structs.replace(sheet, shapes=tuple(s for s in sheet.shapes if not isinstance(s, Code)))
    printed = pypdfium2.PdfDocument(write_pdf(sheet))[0].render(scale=100 / 72).to_pil().convert("L")
    drawn = Image.open(io.BytesIO(write_png(sheet, 100))).convert("L").resize(printed.size)
    assert difference(printed, drawn) < 3
    content = zlib.decompress(re.findall(rb"stream\n(.*?)\nendstream", write_pdf(sheet), re.DOTALL)[0]).decode()
    of_print = set(re.findall(r"(-?[\d.]+ -?[\d.]+) m\b", content))
    of_vector = set(re.findall(r"M(-?[\d.]+ -?[\d.]+)[LC]", write_svg(sheet).decode()))
    assert len(of_vector) > 100
    assert of_vector <= of_print


def test_the_code_of_an_svg_has_every_module(sheet: Sheet) -> None:
    root = ET.fromstring(write_svg(sheet))
    runs = next(path for path in root.iter() if path.get("shape-rendering"))
    drawn = {
        (int(x) + step, int(y))
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", runs.get("d") or "")
        for step in range(int(length))
    }
    code = next(shape for shape in sheet.shapes if isinstance(shape, Code))
    matrix = matrix_of(code.text, code.correction)
    assert drawn == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert root.get("viewBox") == f"0 0 {sheet.width:g} {sheet.height:g}"


def test_an_svg_brings_nothing_from_outside_and_runs_nothing(sheet: Sheet) -> None:
    root = ET.fromstring(write_svg(sheet))
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "rect", "path"}
    assert not any("href" in name or name.startswith("on") for element in root.iter() for name in element.attrib)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == sheet.title


def test_nothing_lies_outside_the_paper(sheet: Sheet) -> None:
    from codes.pictures.lettering import measure

    for shape in sheet.shapes:
        if isinstance(shape, Line):
            wide = measure(shape.text, shape.weight) * shape.size
            left = shape.x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
            assert left >= 5, shape.text
            assert left + wide <= sheet.width - 5, shape.text
            assert shape.size * 0.88 <= shape.y <= sheet.height - 1, shape.text


def test_no_two_lines_lie_upon_each_other(sheet: Sheet) -> None:
    middles = sorted(
        (shape.y, shape.size) for shape in sheet.shapes if isinstance(shape, Line) and shape.anchor == "middle"
    )
    for (above, _size), (below, size) in itertools.pairwise(middles):
        assert below - above >= size


def test_a_code_has_its_quiet_zone(sheet: Sheet) -> None:
    code = next(shape for shape in sheet.shapes if isinstance(shape, Code))
    frame = sheet.shapes[sheet.shapes.index(code) - 1]
    module = code.size / len(matrix_of(code.text, code.correction))
    assert getattr(frame, "fill", "") == "#ffffff"
    assert code.x - getattr(frame, "x", 0) == pytest.approx(QUIET_ZONE * module)
    assert module >= 0.8, "millimetres: what a phone reads at an arm's length"


def test_a_card_says_that_the_photo_must_be_checked_and_is_a6() -> None:
    said = " ".join(shape.text for shape in card().shapes if isinstance(shape, Line))
    for wanted in ("须核对照片", "Photo check", "张*国", "**** 0011", "L00000018", "2026-08-29", "作废"):
        assert wanted in said
    assert (card().width, card().height) == (105, 148)


def test_a_poster_says_name_and_number() -> None:
    said = "".join(shape.text for shape in poster().shapes if isinstance(shape, Line))
    for wanted in ("演示餐饮有限公司", "91190000MA00000001", "前厅", "企业码", "Enterprise code", "2027-03-02"):
        assert wanted in said


@settings(max_examples=12, deadline=None)
@given(name=st.text(max_size=80), where=st.text(max_size=80))
def test_whatever_somebody_is_called_the_files_hold_together(name: str, where: str) -> None:
    sheet = poster(name, where)
    assert ET.fromstring(write_svg(sheet)).tag.endswith("svg")
    document = pypdfium2.PdfDocument(write_pdf(sheet))
    assert len(document) == 1
    document.close()
    assert write_png(sheet, 30).startswith(b"\x89PNG")


@pytest.mark.parametrize("write", [lambda sheet: write_png(sheet, 100), write_svg, write_pdf])
def test_the_same_sheet_is_the_same_file(write: object) -> None:
    assert callable(write)
    assert write(card()) == write(card())
