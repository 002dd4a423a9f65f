"""A sheet of paper as a list of shapes, in millimetres from its upper left corner. Pure; three writers draw it."""

from typing import Final, Literal, TypeAlias

from app.kit.structs import Model
from codes.pictures.matrix import Correction

Colour: TypeAlias = str  # "#rrggbb"
Anchor: TypeAlias = Literal["start", "middle", "end"]

REGULAR: Final = 400
BOLD: Final = 700


class Box(Model):
    """A filled rectangle, its corners rounded by `radius`."""

    x: float
    y: float
    width: float
    height: float
    fill: Colour
    radius: float = 0


class Line(Model):
    """One line of text. `y` is its baseline, `size` the height of a Chinese character."""

    x: float
    y: float
    size: float
    text: str
    fill: Colour
    weight: int = REGULAR
    anchor: Anchor = "start"


class Code(Model):
    """A QR code without its quiet zone; whoever places it leaves four modules of white around it."""

    x: float
    y: float
    size: float
    text: str
    correction: Correction = "M"


Shape: TypeAlias = Box | Line | Code


class Sheet(Model):
    """One page. `title` names it for screen readers and in a viewer's window."""

    title: str
    width: float
    height: float
    shapes: tuple[Shape, ...]
