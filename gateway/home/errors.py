"""Refusals of the home page."""

from app.kit.errors import Conflict
from app.kit.structs import Text


class TooManyPins(Conflict):
    """There is room for so many pinned services and no more."""

    slug = "too-many-pins"
    title = Text(zh="常用服务已满", en="Too many pinned services")
    remedy = Text(zh="请先取消一项常用服务。", en="Unpin a service first.")
