"""The request as our handlers get it: its JSON body is read strictly, and only when it says that it is JSON.

Litestar by itself would take "301" for 301, the last of two equal names, and any content type.
"""

from typing import Any

from litestar import Request
from litestar.types import Empty

from app.kit.errors import FieldsInvalid, MediaTypeUnsupported
from app.kit.strict_json import JsonRefused, read_json

JSON = "application/json"


def require_json(request: Request[Any, Any, Any]) -> None:
    """Raises `MediaTypeUnsupported` unless the body is said to be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise MediaTypeUnsupported


class StrictRequest(Request[Any, Any, Any]):
    """Litestar's request; `json()` gives the handler's own `data` type, or raises what a caller can understand."""

    __slots__ = ()

    async def json(self) -> Any:
        """The body, read once; raises `MediaTypeUnsupported` or `FieldsInvalid`."""
        if self._json is Empty:
            require_json(self)
            field = self.route_handler.parsed_data_field
            try:
                self._json = read_json(await self.body(), field.annotation if field else Any)
            except JsonRefused as refused:
                raise FieldsInvalid(errors=[{"field": refused.field, "message": refused.reason}]) from None
        return self._json
