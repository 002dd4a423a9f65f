"""Why an account cannot close, or a closing not be called off."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class CasesOpen(Conflict):
    """Something is still open; `open_cases` names the kinds."""

    slug = "cases-open"
    title = Text(zh="还有未办结的事项", en="Something is still open")
    remedy = Text(
        zh="请先办结或移交（见 GET /v1/me/closing 的 open_cases），再申请注销。",
        en="Bring it to its end or hand it over first: `open_cases` of GET /v1/me/closing lists what it is.",
    )


class ClosingRunning(Conflict):
    slug = "closing-running"
    title = Text(zh="账号已申请注销", en="The account is closing already")
    remedy = Text(zh="冷静期内可以撤销。", en="Until its day you can call it off.")


class ClosingUnknown(NotFound):
    slug = "closing-unknown"
    title = Text(zh="没有待撤销的注销申请", en="There is no closing to call off")
