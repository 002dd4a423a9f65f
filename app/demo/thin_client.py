"""A thin client, as a program: a watch, a mini-program, an old phone. Keeps no keys, and makes its codes itself."""

import base64
import time
from typing import Any

from app.demo.caller import Caller
from codes.envelope.cose import Environment
from codes.showing.online.carriers import STEP_SECONDS, OnlineSecret, encode_digits, encode_token


class ThinClient:
    """What the city told it once: a secret, and handles of which it shows another one at every opening."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._prefix = told["prefix"]
        self._secret = OnlineSecret(key=_decoded(told["secret"]), environment=Environment(told["environment"]))
        self._handles = told["handles"]
        self._opened = -1

    @classmethod
    async def fetch(cls, caller: Caller) -> "ThinClient":
        """Asks once a day, in the session of its person."""
        return cls(await caller.call("POST", "/v1/codes/online", json={}))

    def open(self) -> None:
        """The code screen opens: the next handle."""
        self._opened = (self._opened + 1) % len(self._handles)

    def token(self, scenario: int) -> str:
        """The text of the picture at this moment; asks nobody."""
        handle = _decoded(self._handles[self._opened]["handle"])
        return encode_token(self._secret, handle, step=_step(), scenario=scenario, prefix=self._prefix)

    def digits(self, scenario: int) -> str:
        """The 20 digits at this moment; asks nobody."""
        return encode_digits(self._secret, self._handles[self._opened]["digits"], step=_step(), scenario=scenario)


def _step() -> int:
    return int(time.time()) // STEP_SECONDS


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
