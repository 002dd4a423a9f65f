"""Refusals about complaints."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class ScanUnknown(NotFound):
    """The caller has no such record, or cannot know of it yet."""

    slug = "scan-unknown"
    title = Text(zh="没有这条用码记录", en="There is no such record of a scan")
    remedy = Text(zh="请从用码记录中选择一条。", en="Choose a record from GET /v1/codes/scans.")


class ComplaintUnknown(NotFound):
    """No such complaint, or it is answered already."""

    slug = "complaint-unknown"
    title = Text(zh="没有这件投诉", en="There is no such complaint")
    remedy = Text(zh="请刷新列表后重试。", en="Read the list again.")


class ComplaintAnswered(Conflict):
    """Somebody answered it before; an answer is not changed."""

    slug = "complaint-answered"
    title = Text(zh="该投诉已答复", en="This complaint was answered")
    remedy = Text(zh="答复不可更改；市民可重新投诉。", en="An answer stays as it is.")
