"""Every kind of code as a camera gets it: turned, blurred, dim, grainy, small, large, creased, on coloured paper.

The distortions are mild enough that a person would call the picture readable; the reader is zxing-cpp, as in the
product. The distortions are seeded; the codes are new each time, as they are in life.
"""

import random
from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from codes.pictures.files import picture_of
from codes.pictures.matrix import matrix_of, version_of
from tests.codes.pictures.samples import Samples

CODES = Samples().every_kind()
Distortion = Callable[[Image.Image], Image.Image]
WHITE = 255


def turned(degrees: float) -> Distortion:
    return lambda image: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=WHITE)


def blurred(pixels: float) -> Distortion:
    return lambda image: image.filter(ImageFilter.GaussianBlur(pixels))


def scaled(times: float) -> Distortion:
    return lambda image: image.resize(
        (round(image.width * times), round(image.height * times)), Image.Resampling.BILINEAR
    )


def dim(brightness: float, contrast: float) -> Distortion:
    return lambda image: ImageEnhance.Brightness(ImageEnhance.Contrast(image).enhance(contrast)).enhance(brightness)


def grainy(strength: int) -> Distortion:
    def distort(image: Image.Image) -> Image.Image:
        grain = Image.frombytes("L", image.size, random.Random(7).randbytes(image.width * image.height))
        return ImageChops.add(image, grain.point(lambda value: value * strength // 255), offset=-strength // 2)

    return distort


def dirty(image: Image.Image) -> Image.Image:
    """Scratches across it, as a sticker on a lamp post has: the larger, the more."""
    pen = ImageDraw.Draw(image)
    chance = random.Random(11)
    for _ in range(image.width // 120):
        ends = [chance.randrange(image.width) for _ in range(4)]
        pen.line(ends, fill=chance.choice((0, 128, WHITE)), width=2)
    return image


def leaning(image: Image.Image) -> Image.Image:
    """Seen from the side: the far edge is an eighth shorter."""
    width, height = image.size
    dent = height // 16
    corners = (0, -dent, 0, height + dent, width, height, width, 0)
    return image.transform(image.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=WHITE)


def inverted(image: Image.Image) -> Image.Image:
    """A phone in dark mode that inverts pictures too."""
    return ImageChops.invert(image)


def all_at_once(image: Image.Image) -> Image.Image:
    """A hurried photograph in the evening."""
    for distort in (turned(23), scaled(0.9), blurred(0.8), dim(0.5, 0.7), grainy(30)):
        image = distort(image)
    return image


DISTORTIONS: dict[str, Distortion] = {
    "as drawn": lambda image: image,
    **{f"turned by {degrees}": turned(degrees) for degrees in (7, 45, 90, 133, 180, 271)},
    **{f"blurred by {pixels}": blurred(pixels) for pixels in (1.0, 2.0)},
    **{f"scaled by {times}": scaled(times) for times in (0.5, 0.7, 1.5, 3)},
    "dim": dim(0.35, 0.7),
    "faded": dim(1.0, 0.3),
    "grainy": grainy(120),
    "dirty": dirty,
    "leaning": leaning,
    "inverted": inverted,
    "all at once": all_at_once,
}


def photograph(text: str, distort: Distortion) -> Image.Image:
    """The code on a sheet of white, as a camera with plain 6 pixels a module sees it."""
    code = picture_of(text).convert("L")
    sheet = Image.new("L", (code.width + 60, code.height + 60), WHITE)
    sheet.paste(code, (30, 30))
    return distort(sheet)


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_a_distorted_picture_is_read(kind: str, distortion: str) -> None:
    found = zxingcpp.read_barcode(photograph(CODES[kind], DISTORTIONS[distortion]))
    assert found is not None
    assert found.text == CODES[kind]


NOT_FOR_LINES = {"turned by 45", "turned by 133", "leaning", "inverted", "all at once"}
LINES = [name for name in DISTORTIONS if name not in NOT_FOR_LINES]


@pytest.mark.parametrize("distortion", LINES)
def test_twenty_digits_as_lines_are_read(distortion: str) -> None:
    """For guns that know lines only (ITF, ISO/IEC 16390); nobody holds those askew, and none reads white on black."""
    lines = zxingcpp.create_barcode(CODES["O in digits"], zxingcpp.BarcodeFormat.ITF).to_image(scale=4)
    sheet = Image.new("L", (lines.shape[1] + 60, lines.shape[0] + 60), WHITE)
    sheet.paste(Image.fromarray(lines), (30, 30))
    found = zxingcpp.read_barcode(DISTORTIONS[distortion](sheet))
    assert found is not None
    assert found.text == CODES["O in digits"]


@pytest.mark.parametrize("kind", CODES)
def test_a_picture_beyond_reading_is_nothing_and_never_another_code(kind: str) -> None:
    for distort in (blurred(12), scaled(0.08), grainy(2000)):
        found = zxingcpp.read_barcode(photograph(CODES[kind], distort))
        assert found is None or found.text == CODES[kind]


def test_half_a_picture_is_no_code() -> None:
    image = photograph(CODES["P"], lambda image: image)
    assert zxingcpp.read_barcode(image.crop((0, 0, image.width // 2, image.height))) is None


def test_a_personal_code_stays_within_version_12() -> None:
    """Whatever key, pointer, shard and time: what a phone redraws every five seconds never jumps in size."""
    samples = Samples(seed=2026)
    versions = {version_of(matrix_of(samples.personal())) for _ in range(60)}
    assert max(versions) <= 12
    assert {len(samples.personal()) for _ in range(300)} <= set(range(370, 420)), "12-M holds 419 characters"


def test_every_other_kind_has_its_size() -> None:
    """Largest of many, at level M. A code for a place and a nonce is longer, and still reads at arm's length."""
    samples = Samples(seed=2027)
    most: dict[str, int] = {}
    for _ in range(12):
        for kind, text in samples.every_kind().items():
            most[kind] = max(most.get(kind, 0), version_of(matrix_of(text)))
    assert most["P for a place and a nonce"] <= 14
    assert most["F"] <= 12
    assert most["L"] <= 10
    assert max(most["E"], most["I"]) <= 9
    assert most["V"] <= 11
    assert max(most["O"], most["a scanner's nonce"]) <= 2
    assert most["O in digits"] == 1
