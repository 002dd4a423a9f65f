"""The posters of codes that hang on walls, A4: a coloured head, whose code it is, the code, its number, what it is for.

Large enough to be read from two metres; nothing on it asks for money or data.
"""

from typing import Final

from app.kit.structs import Model, Text
from codes.pictures.layout import Column, framed_code
from codes.pictures.shapes import BOLD, REGULAR, Box, Colour, Shape, Sheet

WIDTH: Final = 210.0
HEIGHT: Final = 297.0
MARGIN: Final = 18.0
HEAD: Final = 52.0
CODE_SIDE: Final = 112.0
CODE_TOP: Final = 108.0
FOOT: Final = 20.0
INK: Final = "#1c2430"
SOFT: Final = "#5b6675"
PAPER: Final = "#f3f5f8"
WHITE: Final = "#ffffff"
WARNING: Final = Text(
    zh="扫码后若要求付款或填写个人信息，即为伪造，请拨打 12345。", en="A page that asks for money or data is false."
)


class Poster(Model):
    """What stands on it. `kind` is the heading, `about` what a passer-by can do, one sentence a language."""

    colour: Colour
    kind: Text
    name: str
    where: str
    number_label: Text
    number: str
    carrier: str
    about: Text
    until: str
    brand: Text


def poster_sheet(poster: Poster) -> Sheet:
    """The poster as a sheet."""
    shapes: tuple[Shape, ...] = (
        Box(x=0, y=0, width=WIDTH, height=HEIGHT, fill=PAPER),
        Box(x=0, y=0, width=WIDTH, height=HEAD, fill=poster.colour),
        *_head(poster),
        *_name(poster),
        *framed_code(poster.carrier, WIDTH / 2, CODE_TOP, CODE_SIDE, "Q"),
        *_number(poster),
        *_foot(poster),
    )
    return Sheet(title=f"{poster.kind.zh} {poster.name} {poster.number}", width=WIDTH, height=HEIGHT, shapes=shapes)


def _head(poster: Poster) -> list[Shape]:
    left = Column(MARGIN, 0, WIDTH - 2 * MARGIN, "start")
    left.add(poster.kind.zh, 17, WHITE, BOLD)
    left.skip(-1.5)
    left.add(poster.kind.en, 7, WHITE)
    right = Column(MARGIN, 0, WIDTH - 2 * MARGIN, "end")
    right.add(poster.brand.zh, 8, WHITE, BOLD)
    right.add(poster.brand.en, 5, WHITE)
    return [*left.between(0, HEAD), *right.between(0, HEAD)]


def _name(poster: Poster) -> list[Shape]:
    column = Column(MARGIN, 0, WIDTH - 2 * MARGIN)
    column.add_fitted(poster.name, (15, 6), INK, BOLD, 32)
    column.skip(1)
    column.add_fitted(poster.where, (6, 4.2), SOFT, REGULAR, 12.5)
    return column.between(HEAD, CODE_TOP)


def _number(poster: Poster) -> list[Shape]:
    column = Column(MARGIN, CODE_TOP + CODE_SIDE + 6, WIDTH - 2 * MARGIN)
    column.add(poster.number, 9, INK, BOLD)
    column.add(f"{poster.number_label.zh}  {poster.number_label.en}", 4.2, SOFT)
    column.skip(3.5)
    column.add_fitted(poster.about.zh, (5.6, 3.6), INK, REGULAR, 16.5)
    column.add_fitted(poster.about.en, (4.2, 2.6), SOFT, REGULAR, 10)
    return [*column.lines]


def _foot(poster: Poster) -> list[Shape]:
    column = Column(MARGIN, HEIGHT - FOOT + 5, WIDTH - 2 * MARGIN)
    column.add(f"有效期至 Valid until {poster.until}", 4.2, SOFT)
    column.add(f"{WARNING.zh}{WARNING.en}", 3.4, SOFT)
    return [*column.lines]
