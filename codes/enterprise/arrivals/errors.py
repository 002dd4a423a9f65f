"""Refusals around officers' codes. A bad code is none of these: that is a verdict."""

from app.kit.errors import Conflict
from app.kit.structs import Text


class NoCodeToShow(Conflict):
    """The task has no code that counts: none was asked for, or it was revoked."""

    slug = "inspection-code-missing"
    title = Text(zh="该任务没有有效的检查码", en="This task has no inspection code that counts")
    remedy = Text(
        zh="请先申领检查码（POST /v1/inspections/{id}/code），到场后出示。",
        en="Ask for the code first (POST /v1/inspections/{id}/code), and show it on arrival.",
    )
