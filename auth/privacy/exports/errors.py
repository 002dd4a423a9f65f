"""Why there is no copy."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class ExportUnknown(NotFound):
    slug = "export-unknown"
    title = Text(zh="没有这份信息副本", en="No such copy")


class ExportRunning(Conflict):
    """One copy at a time."""

    slug = "export-running"
    title = Text(zh="已有一份副本正在生成", en="A copy is being made already")
    remedy = Text(zh="请等待生成完成。", en="Wait until it is ready.")


class ExportNotReady(Conflict):
    """It is still being made, or its week is over."""

    slug = "export-not-ready"
    title = Text(zh="副本尚未生成或已过期", en="The copy is not there")
    remedy = Text(
        zh="生成完成后可下载七天；过期请重新申请。", en="Once ready it stays for a week; ask for a new one then."
    )
