"""The paper card of an offline code, A6: the code, whose it is as far as the code itself says, and the photo check.

Whoever finds a card learns no more than whoever scans it: a masked name and a document's tail.
"""

from typing import Final

from app.kit.structs import Model, Text
from codes.pictures.layout import Column, framed_code
from codes.pictures.shapes import BOLD, Box, Shape, Sheet

WIDTH: Final = 105.0
HEIGHT: Final = 148.0
MARGIN: Final = 8.0
HEAD: Final = 22.0
CODE_SIDE: Final = 66.0
CODE_TOP: Final = HEAD + 1
NOTE_TOP: Final = 113.0
NOTE_HEIGHT: Final = 24.0
COLOUR: Final = "#8a1c1c"
NOTE: Final = "#fff3cd"
INK: Final = "#1c2430"
SOFT: Final = "#5b6675"
WHITE: Final = "#ffffff"

HEADING: Final = Text(zh="离线纸质码", en="Paper code")
PHOTO_CHECK: Final = Text(
    zh="须核对照片：请同时出示本人带照片的证件，由工作人员核对人证一致后放行。",
    en="Photo check needed: show a document with your photo; staff compare it with you.",
)
LOST: Final = Text(
    zh="遗失请即作废：在手机上作废，或到任一服务窗口办理。",
    en="Lost it? Void it on your phone, or at any counter.",
)


class Card(Model):
    """What stands on it. `document` is no more than a tail; `number` names the card when it is reported lost."""

    carrier: str
    name: str
    document: str
    number: str
    until: str
    brand: Text


def card_sheet(card: Card) -> Sheet:
    """The card as a sheet."""
    shapes: tuple[Shape, ...] = (
        Box(x=0, y=0, width=WIDTH, height=HEIGHT, fill=WHITE),
        Box(x=0, y=0, width=WIDTH, height=HEAD, fill=COLOUR),
        *_head(card),
        *framed_code(card.carrier, WIDTH / 2, CODE_TOP, CODE_SIDE, "M"),
        *_holder(card),
        Box(x=MARGIN, y=NOTE_TOP, width=WIDTH - 2 * MARGIN, height=NOTE_HEIGHT, fill=NOTE, radius=2),
        *_note(),
        *_foot(),
    )
    return Sheet(title=f"{HEADING.zh} {card.number}", width=WIDTH, height=HEIGHT, shapes=shapes)


def _head(card: Card) -> list[Shape]:
    left = Column(MARGIN, 0, WIDTH - 2 * MARGIN, "start")
    left.add(HEADING.zh, 7.6, WHITE, BOLD)
    left.skip(-1.2)
    left.add(HEADING.en, 3.4, WHITE)
    right = Column(MARGIN, 0, WIDTH - 2 * MARGIN, "end")
    right.add(card.brand.zh, 4.4, WHITE, BOLD)
    right.add(card.brand.en, 3, WHITE)
    return [*left.between(0, HEAD), *right.between(0, HEAD)]


def _holder(card: Card) -> list[Shape]:
    column = Column(MARGIN, 0, WIDTH - 2 * MARGIN)
    column.add_fitted(card.name, (5.8, 3), INK, BOLD, 8.5)
    column.add(f"证件 Document {card.document}", 3.8, INK)
    column.add(f"有效期至 Valid until {card.until}", 3.4, INK)
    column.add(f"编号 No. {card.number}", 2.8, SOFT)
    return column.between(CODE_TOP + CODE_SIDE, NOTE_TOP)


def _note() -> list[Shape]:
    column = Column(MARGIN + 3, 0, WIDTH - 2 * MARGIN - 6, "start")
    column.add(PHOTO_CHECK.zh, 4, INK, BOLD)
    column.skip(0.4)
    column.add(PHOTO_CHECK.en, 2.8, SOFT)
    return column.between(NOTE_TOP, NOTE_TOP + NOTE_HEIGHT)


def _foot() -> list[Shape]:
    column = Column(MARGIN, 0, WIDTH - 2 * MARGIN)
    column.add(LOST.zh, 2.9, SOFT)
    column.add(LOST.en, 2.4, SOFT)
    return column.between(NOTE_TOP + NOTE_HEIGHT, HEIGHT - 1)
