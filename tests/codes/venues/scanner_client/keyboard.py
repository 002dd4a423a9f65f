"""A gun that types, and the computer it types on: key positions of USB HID (HUT 1.4, page 7), then what arrives.

The vectors of `keystrokes.json` are made by this model, not taken from hardware; run the module to write them anew.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from tests.codes.signed import a_personal_code, a_sticker

FILE: Final = Path(__file__).with_name("keystrokes.json")
DIGITS: Final = "20260302120000000007"


class Key(NamedTuple):
    """One key of a US keyboard, with shift or without."""

    usage: int
    shift: bool


def _us_layout() -> dict[str, Key]:
    keys = {chr(ord("a") + place): Key(4 + place, shift=False) for place in range(26)}
    keys |= {chr(ord("A") + place): Key(4 + place, shift=True) for place in range(26)}
    keys |= {digit: Key(0x1E + place, shift=False) for place, digit in enumerate("1234567890")}
    keys |= {sign: Key(0x1E + place, shift=True) for place, sign in enumerate("!@#$%^&*()")}
    plain = {" ": 0x2C, "-": 0x2D, "=": 0x2E, "]": 0x30, ";": 0x33, ".": 0x37, "/": 0x38}
    shifted = {"_": 0x2D, "+": 0x2E, ":": 0x33}
    keys |= {sign: Key(usage, shift=False) for sign, usage in plain.items()}
    return keys | {sign: Key(usage, shift=True) for sign, usage in shifted.items()}


US: Final = _us_layout()
SIGNS: Final = {key: sign for sign, key in US.items()}
LETTERS: Final = range(4, 30)
CHINESE_PUNCTUATION: Final = {".": "。", "/": "、", "$": "￥", ":": "：", "!": "！", ";": "；"}


class Computer(NamedTuple):
    """What stands between the keys and the program."""

    caps_lock: bool = False
    full_width: bool = False
    chinese_punctuation: bool = False

    def shows(self, key: Key) -> str:
        """The character that a program reads for this key."""
        flipped = self.caps_lock and key.usage in LETTERS
        sign = SIGNS[Key(key.usage, key.shift != flipped)]
        if self.chinese_punctuation and sign in CHINESE_PUNCTUATION:
            return CHINESE_PUNCTUATION[sign]
        if not self.full_width:
            return sign
        return "\u3000" if sign == " " else chr(ord(sign) + 0xFEE0)


class Gun(NamedTuple):
    """What a gun is set to type around the data."""

    before: str = ""
    after: str = "\r"
    symbology: bool = False
    without_shift: bool = False

    def types(self, code: str, computer: Computer) -> str:
        """What arrives in the program when this gun reads `code`."""
        wrapped = ("]Q1" if self.symbology else "") + code
        keys = [US[sign] for sign in wrapped]
        if self.without_shift:  # letters only: a gun that loses shift loses ':' too, and nothing brings that back
            keys = [Key(key.usage, key.shift and key.usage not in LETTERS) for key in keys]
        return self.before + "".join(computer.shows(key) for key in keys) + self.after


GUNS: Final = {
    "plain": Gun(after=""),
    "enter": Gun(),
    "line feed": Gun(after="\r\n"),
    "tab": Gun(after="\t"),
    "trailing blanks": Gun(after="   \r"),
    "framed": Gun(before="\x02", after="\x03"),
    "symbology identifier": Gun(symbology=True),
    "capitals lost": Gun(without_shift=True),
}
COMPUTERS: Final = {
    "plain": Computer(),
    "caps lock": Computer(caps_lock=True),
    "Chinese punctuation": Computer(chinese_punctuation=True),
    "full width": Computer(full_width=True),
    "full width, caps lock": Computer(full_width=True, caps_lock=True),
    "full width, Chinese punctuation": Computer(full_width=True, chinese_punctuation=True),
}


def codes() -> dict[str, str]:
    """What the guns are shown: one of each carrier."""
    return {"personal code": a_personal_code(), "code on a wall": a_sticker(), "20 digits": DIGITS}


def vectors() -> Iterator[dict[str, Any]]:
    """Every gun at every computer with every carrier."""
    for kind, code in codes().items():
        for gun_name, gun in GUNS.items():
            for computer_name, computer in COMPUTERS.items():
                facts = {"carrier": kind, "gun": gun_name, "computer": computer_name}
                yield facts | {"typed": gun.types(code, computer), "code": code}


def main() -> None:
    """Writes the file of vectors."""
    about = "Keystrokes of keyboard-wedge guns: `typed` is what a program receives, `code` is what the picture held."
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode({"about": about, "vectors": list(vectors())})) + b"\n")


if __name__ == "__main__":
    main()
