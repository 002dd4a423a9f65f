"""Why a correction cannot be asked for."""

from app.kit.errors import Conflict
from app.kit.structs import Text


class TooManyCorrections(Conflict):
    """The ones that are under way come first."""

    slug = "too-many-corrections"
    title = Text(zh="待处理的更正申请过多", en="Too many corrections under way")
    remedy = Text(zh="请等待已提交的申请办结。", en="Wait until some of them are decided.")
