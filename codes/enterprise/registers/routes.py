"""Which registers there are, and which documents no officer may ask an enterprise for."""

from litestar import Router, get
from litestar.di import Provide

from app.kit.http import Injected
from app.kit.structs import Model, Text
from auth.guards import public
from codes.enterprise.registers.catalogue import Registers
from codes.enterprise.registers.models import EvidenceView, Register


class RegisterView(Model):
    """A register. Of a connected one, no document may be asked for."""

    name: str
    names: Text
    connected: bool
    stale_after_hours: int
    evidence: list[EvidenceView]


class RegisterList(Model):
    """All registers."""

    items: list[RegisterView]


@get("/v1/registers", guards=[public], summary="What the city already holds of enterprises")
async def list_registers(registers: Injected[Registers]) -> RegisterList:
    """Whatever a connected register holds is fetched by the inspection task; an enterprise need not hand it in."""
    return RegisterList(items=[_view_of(register, register in registers.held) for register in registers])


def _view_of(register: Register, connected: bool) -> RegisterView:
    return RegisterView(
        name=register.name,
        names=register.names,
        connected=connected,
        stale_after_hours=register.stale_after_hours,
        evidence=[evidence.view for evidence in register.evidence],
    )


def register_router(registers: Registers) -> Router:
    """The route over `registers`."""
    return Router(
        path="/",
        route_handlers=[list_registers],
        dependencies={"registers": Provide(lambda: registers, sync_to_thread=False)},
        tags=["codes: inspections"],
    )
