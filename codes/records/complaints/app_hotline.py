"""The hotline as a mini-app: complaints go to it as the city's own signed errands, and it is asked what it answered.

Believes only small, well-formed answers. Tells nothing of who complained.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from app.kit.errors import SuishenError
from codes.records.complaints.http_hotline import Receipt
from codes.records.complaints.models import LONGEST_TEXT, ComplaintCase, forwarded
from codes.records.complaints.ports import HotlineUnavailable, RunsErrands

TAKE: Final = "/.ssb/complaints"
STATES: Final = "/.ssb/complaints/states"


class Stand(msgspec.Struct, frozen=True):
    """How one ticket stands; `answer` is there once the hotline replied."""

    reference: str
    answer: Annotated[str, msgspec.Meta(max_length=2 * LONGEST_TEXT)] | None = None


class Stands(msgspec.Struct, frozen=True):
    """What the hotline says about the tickets that it was asked about."""

    items: list[Stand]


class AppHotline:
    """The mini-app `app_id`, reached through `errands`."""

    def __init__(self, app_id: str, errands: RunsErrands) -> None:
        self._app_id = app_id
        self._errands = errands

    async def take(self, case: ComplaintCase, /) -> str:
        """The hotline's number; raises `HotlineUnavailable`."""
        answer = await self._ask(TAKE, msgspec.json.encode(forwarded(case)), idempotency_key=str(case.id))
        try:
            return msgspec.json.decode(answer, type=Receipt).reference
        except msgspec.MsgspecError as error:
            raise HotlineUnavailable(type(error).__name__) from None

    async def find_answers(self, references: Sequence[str], /) -> Mapping[str, str]:
        """What it answered to those of `references` that it answered; raises `HotlineUnavailable`."""
        answer = await self._ask(STATES, msgspec.json.encode({"references": list(references)}))
        try:
            stands = msgspec.json.decode(answer, type=Stands).items
        except msgspec.MsgspecError as error:
            raise HotlineUnavailable(type(error).__name__) from None
        asked = set(references)
        return {stand.reference: stand.answer for stand in stands if stand.answer and stand.reference in asked}

    async def _ask(self, path: str, body: bytes, *, idempotency_key: str | None = None) -> bytes:
        try:
            return await self._errands.run(self._app_id, path, body, idempotency_key=idempotency_key)
        except SuishenError as error:
            raise HotlineUnavailable(error.slug) from None
