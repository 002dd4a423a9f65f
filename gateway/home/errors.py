"""Refusals of the home page."""

from app.kit.errors import Conflict, InvalidRequest
from app.kit.structs import Text


class TooManyPins(Conflict):
    """There is room for so many pinned services and no more."""

    slug = "too-many-pins"
    title = Text(zh="常用服务已满", en="Too many pinned services")
    remedy = Text(zh="请先取消一项常用服务。", en="Unpin a service first.")


class TooManyHidden(Conflict):
    """So many services can be kept off the page and no more."""

    slug = "too-many-hidden"
    title = Text(zh="隐藏的服务过多", en="Too many hidden services")
    remedy = Text(zh="请先恢复显示一项服务。", en="Show one of them again first.")


class ArrangedTwice(InvalidRequest):
    """A service stands twice in the arrangement: nobody can tell where it belongs."""

    slug = "arranged-twice"
    title = Text(zh="同一服务重复出现", en="A service stands twice")
    remedy = Text(zh="每项服务只能在“常用”或“隐藏”中出现一次。", en="Name each service once: either pinned or hidden.")
