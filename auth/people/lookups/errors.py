"""Why somebody may not be looked up, or an answer comes too late."""

from app.kit.errors import Conflict, Forbidden, NotFound
from app.kit.structs import Text


class LookupUnknown(NotFound):
    """There is no such look-up, or none that the caller may know of."""

    slug = "lookup-unknown"
    title = Text(zh="没有这条查询", en="No such look-up")


class LookupOver(Conflict):
    """It was answered before, or nobody answered in time."""

    slug = "lookup-over"
    title = Text(zh="该查询已答复或已过期", en="This look-up is over")
    remedy = Text(zh="需要时请对方重新发起查询。", en="Whoever needs it asks again.")


class BasisUnknown(NotFound):
    slug = "lookup-basis-unknown"
    title = Text(zh="没有这条查询依据", en="No such basis for look-ups")


class BasisMissing(Forbidden):
    """The basis is another department's, has ended, or was never registered."""

    slug = "lookup-basis-missing"
    title = Text(zh="没有有效的法定查询依据", en="No basis for this look-up is registered")
    remedy = Text(
        zh="请由安全管理员登记法律依据，或征得本人同意后查询。",
        en="Have the legal basis registered by a security administrator, or ask the person.",
    )


class LookupNotForAnother(Forbidden):
    """Whoever acts in a person's name looks nobody up in it."""

    slug = "lookup-not-for-another"
    title = Text(zh="不能以他人名义查询", en="Nobody is looked up in another's name")
    remedy = Text(zh="请切换到本人或单位身份后查询。", en="Ask as yourself, or for your organization.")
