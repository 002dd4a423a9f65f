"""What inspection tasks need of other rooms. Shapes only."""

from typing import Any, Protocol

from app.kit.database import Connection
from auth.principal import Principal
from codes.enterprise.inspections.models import Inspection


class EndsCodes(Protocol):
    """The codes that officers show at the door."""

    async def end(self, connection: Connection, principal: Principal, inspection: Inspection, /) -> Any:
        """Voids the code of a task everywhere, if one counts."""
        ...
