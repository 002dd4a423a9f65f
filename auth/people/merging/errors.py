"""Why two accounts do not become one, or one does not become two again."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class MergeRefused(Conflict):
    """`reason` says which rule stands against it."""

    slug = "merge-refused"
    title = Text(zh="这两个账号不能合并", en="These two accounts cannot be merged")
    remedy = Text(
        zh="请核对两份证件；账号须为同一人所有且均为正常状态。",
        en="Compare both documents; both accounts must be active, and one human being's.",
    )


class MergeTicketUnknown(NotFound):
    slug = "merge-ticket-unknown"
    title = Text(zh="合并凭证无效或已过期", en="This ticket is not valid, or no longer")
    remedy = Text(zh="请持有人在手机上重新生成凭证。", en="Have the holder make a new one on their phone.")


class MergeUnknown(NotFound):
    """There is no such merge, or it was undone."""

    slug = "merge-unknown"
    title = Text(zh="没有这次合并，或已撤销", en="No such merge, or it was undone")
