"""Who looks into complaints outside this house."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from codes.records.complaints.models import ComplaintCase

TOPIC: Final = "codes.complaint"


class TakesComplaints(Protocol):
    """The city's hotline."""

    async def take(self, case: ComplaintCase, /) -> str:
        """Hands a complaint over and returns the hotline's number for it; the same case gives the same number.

        Raises `HotlineUnavailable`; the complaint is then tried again later.
        """
        ...


class AnswersComplaints(Protocol):
    """A hotline that can be asked what became of what it took."""

    async def find_answers(self, references: Sequence[str], /) -> Mapping[str, str]:
        """The words for those of its numbers that it answered; raises `HotlineUnavailable`."""
        ...


class RunsErrands(Protocol):
    """The way from the city itself to a mini-app, signed by the city and in nobody's name."""

    async def run(self, app_id: str, path: str, body: bytes, *, idempotency_key: str | None = None) -> bytes:
        """The JSON of the app's successful answer; raises a `SuishenError`. Holds no connection."""
        ...


class HotlineUnavailable(Exception):
    """The hotline did not take it. Names the cause, never what was in the complaint."""
