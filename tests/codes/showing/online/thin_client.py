"""A thin client, as others would write one: it keeps what it was told, and makes tokens and digits from it."""

import base64
from datetime import datetime

from codes.showing.online.carriers import OnlineSecret, encode_digits, encode_token, step_of
from codes.showing.online.models import OnlineCodeView


class ThinClient:
    """One client with one issue."""

    def __init__(self, told: OnlineCodeView) -> None:
        self.told = told
        self.secret = OnlineSecret(key=decoded(told.secret), environment=told.environment)

    def token(self, now: datetime, scenario: int = 301, *, handle: int = 0, steps: int = 0) -> str:
        """The token of `steps` after now."""
        shown = decoded(self.told.handles[handle].handle)
        return encode_token(self.secret, shown, step=step_of(now) + steps, scenario=scenario, prefix=self.told.prefix)

    def digits(self, now: datetime, scenario: int = 301, *, handle: int = 0, steps: int = 0) -> str:
        """The 20 digits of `steps` after now."""
        shown = self.told.handles[handle].digits
        return encode_digits(self.secret, shown, step=step_of(now) + steps, scenario=scenario)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
