"""Why an alert cannot be read."""

from app.kit.errors import NotFound
from app.kit.structs import Text


class AlertUnknown(NotFound):
    slug = "alert-unknown"
    title = Text(zh="没有这条提醒", en="No such alert")
