"""Online codes as they are shown: a short token for a camera, 20 digits for a gun that reads lines. Pure.

A thin client makes them itself, every 15 seconds, from a handle and a secret that the city gave it; only the city can
tell whether they are right. Both name no scenario: the one that was chosen is signed along, like the second.
"""

import hashlib
import hmac
from datetime import datetime

from app.kit.structs import Model
from codes.envelope import base45
from codes.envelope.cose import Environment
from codes.verdict import Reason, Refused

VERSION = 1
STEP_SECONDS = 15
HANDLE_BYTES = 8
STEP_BYTES = 4
TAG_BYTES = 8
TOKEN_BYTES = 1 + HANDLE_BYTES + STEP_BYTES + TAG_BYTES
TOKEN_CHARACTERS = TOKEN_BYTES // 2 * 3 + 2  # base45
LARGEST_STEP = (1 << 8 * STEP_BYTES) - 1
HANDLE_DIGITS = 10
TAG_DIGITS = 8
DIGITS = 1 + HANDLE_DIGITS + TAG_DIGITS + 1
LUHN_NINE = 9


class OnlineToken(Model):
    """A token as read; nobody has looked whether its tag is right."""

    handle: bytes
    step: int
    tag: bytes


class OnlineDigits(Model):
    """Digits as read. They carry no step: the reader tries those around its own."""

    handle: str
    tag: str


class OnlineSecret(Model):
    """What signs tokens and digits: the secret of one client, in one environment."""

    key: bytes
    environment: Environment

    def tag(self, handle: bytes, step: int, scenario: int) -> bytes:
        """The tag of a token: who shows it, when, and in which scenario (0: none chosen)."""
        return self._mac("token", handle, step, scenario)[:TAG_BYTES]

    def digits_tag(self, handle: str, step: int, scenario: int) -> str:
        """The tag of 20 digits, which is another one: who copies the one has nothing of the other."""
        value = int.from_bytes(self._mac("digits", handle.encode("ascii"), step, scenario)[:TAG_BYTES], "big")
        return f"{value % 10**TAG_DIGITS:0{TAG_DIGITS}}"

    def _mac(self, carrier: str, handle: bytes, step: int, scenario: int) -> bytes:
        head = f"suishen:1:{self.environment}:online-{carrier}:".encode()
        return hmac.digest(
            self.key, head + handle + step.to_bytes(STEP_BYTES, "big") + scenario.to_bytes(2, "big"), hashlib.sha256
        )


def step_of(now: datetime) -> int:
    """The step that `now` lies in."""
    return int(now.timestamp()) // STEP_SECONDS


def encode_token(secret: OnlineSecret, handle: bytes, *, step: int, scenario: int, prefix: str) -> str:
    """The text of the picture: 21 bytes, 37 characters, QR version 2-M."""
    tag = secret.tag(handle, step, scenario)
    return prefix + base45.encode(bytes((VERSION,)) + handle + step.to_bytes(STEP_BYTES, "big") + tag)


def encode_digits(secret: OnlineSecret, handle: str, *, step: int, scenario: int) -> str:
    """The 20 digits."""
    body = f"{VERSION}{handle}{secret.digits_tag(handle, step, scenario)}"
    return body + luhn_digit(body)


def is_token(text: str, prefix: str) -> bool:
    """Whether `text` has the length that only tokens have."""
    return len(text) == len(prefix) + TOKEN_CHARACTERS and text.startswith(prefix)


def is_digits(text: str) -> bool:
    """Whether `text` is 20 digits; full-width ones are not."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def parse_token(text: str, prefix: str) -> OnlineToken:
    """Reads a token without believing it; raises `Refused` (MALFORMED, UNKNOWN_VERSION)."""
    data = base45.decode(text[len(prefix) :])
    if len(data) != TOKEN_BYTES or not text.startswith(prefix):
        raise Refused(Reason.MALFORMED, "online token")
    if data[0] != VERSION:
        raise Refused(Reason.UNKNOWN_VERSION, "online token")
    rest = data[1 + HANDLE_BYTES :]
    return OnlineToken(
        handle=data[1 : 1 + HANDLE_BYTES],
        step=int.from_bytes(rest[:STEP_BYTES], "big"),
        tag=rest[STEP_BYTES:],
    )


def parse_digits(text: str) -> OnlineDigits:
    """Reads 20 digits; raises `Refused`. A misread or mistyped digit is found here, before it counts as a guess."""
    if not is_digits(text) or luhn_digit(text[:-1]) != text[-1]:
        raise Refused(Reason.MALFORMED, "online digits")
    if text[0] != str(VERSION):
        raise Refused(Reason.UNKNOWN_VERSION, "online digits")
    return OnlineDigits(handle=text[1 : 1 + HANDLE_DIGITS], tag=text[1 + HANDLE_DIGITS : -1])


def luhn_digit(digits: str) -> str:
    """The check digit of ISO/IEC 7812-1, annex B: finds any one wrong digit, and most neighbours changed places."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - LUHN_NINE if doubled > LUHN_NINE else doubled
    return str(-total % 10)
