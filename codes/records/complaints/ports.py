"""Who looks into complaints outside this house."""

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


class HotlineUnavailable(Exception):
    """The hotline did not take it. Names the cause, never what was in the complaint."""
