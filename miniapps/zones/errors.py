"""Refusals about places."""

from app.kit.errors import InvalidRequest
from app.kit.structs import Text


class ZoneUnknown(InvalidRequest):
    """The code is none of a place in this city."""

    slug = "zone-unknown"
    title = Text(zh="没有这个区域", en="No such zone")
    remedy = Text(zh="请从 GET /v1/zones 中选择区域。", en="Choose one of GET /v1/zones.")
