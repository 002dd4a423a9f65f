"""Refusals about deferred notices."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from app.kit.structs import Text


class DeferralNotAllowed(InvalidRequest):
    """Not a scenario of this device's, not ordered by a statute, or longer than the scan knows its holder."""

    slug = "deferral-not-allowed"
    title = Text(zh="该场景不得延迟告知", en="Notices of this scenario cannot be deferred")
    remedy = Text(
        zh="仅限本设备登记的法定核验场景，且结束后持码人至少还能查阅 7 天；请缩短天数。",
        en="Only statutory scenarios of this device, and so that the holder can read of the scan for 7 days "
        "afterwards: ask for fewer days.",
    )


class DeferralUnknown(NotFound):
    """No such deferral, or none that the caller may know of."""

    slug = "deferral-unknown"
    title = Text(zh="没有这项延迟告知", en="There is no such deferral")
    remedy = Text(zh="请刷新列表后重试。", en="Read the list again.")


class DeferralDecided(Conflict):
    """It was decided before, or waited for too long."""

    slug = "deferral-decided"
    title = Text(zh="该申请已有结论或已过期", en="This proposal was decided, or is too old")
    remedy = Text(zh="如仍有必要，请重新申请。", en="Propose it anew if it is still needed.")


class SecondOfficialNeeded(Forbidden):
    """Whoever proposes does not decide."""

    slug = "second-official-needed"
    title = Text(zh="须由另一名人员批准", en="Another official has to decide this")
    remedy = Text(
        zh="请由未参与申请的安全管理员批准。", en="Have a security administrator decide who did not propose it."
    )
