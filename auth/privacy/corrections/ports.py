"""The authority that keeps the record: takes a correction, and says later what became of it."""

from typing import Literal, Protocol
from uuid import UUID

from app.kit.structs import Model
from auth.privacy.corrections.models import Field
from auth.registries.ports import PersonNamed


class CorrectionSent(Model):
    """What the authority is sent. `reference` is ours: sent twice, it is one correction."""

    reference: UUID
    holder: PersonNamed
    field: Field
    claimed: str
    explanation: str


class CorrectionAnswer(Model):
    """What became of it so far."""

    state: Literal["open", "accepted", "refused"]
    reason: str = ""


class CorrectsRecords(Protocol):
    """The population registry's desk for corrections. Both raise `RegistryUnavailable`."""

    async def send_correction(self, correction: CorrectionSent) -> None:
        """Hands it in; harmless when repeated."""
        ...

    async def find_correction(self, reference: UUID) -> CorrectionAnswer:
        """Asks what became of it."""
        ...
