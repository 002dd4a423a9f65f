"""Refusals around the rating of inspections."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class RatedInspectionUnknown(NotFound):
    """No such inspection came to this enterprise, or this department had no part in it."""

    slug = "rated-inspection-unknown"
    title = Text(zh="没有可评价的检查", en="No such inspection to rate")
    remedy = Text(
        zh="请从本单位的检查记录中选择检查及部门。",
        en="Choose an inspection of yours, and a department that took part.",
    )


class RatingTooEarly(Conflict):
    """The department has not checked yet, and the task goes on."""

    slug = "rating-too-early"
    title = Text(zh="检查尚未完成，暂不能评价", en="The check is not over yet")
    remedy = Text(zh="请在核查完成或任务结束后评价。", en="Rate after the check, or when the task has ended.")


class RatingOver(Conflict):
    """The time to rate this inspection is over."""

    slug = "rating-over"
    title = Text(zh="评价期限已过", en="It is too late to rate this inspection")
    remedy = Text(zh="如需反映问题，请拨打 12345。", en="To report a problem, call 12345.")


class AlreadyRated(Conflict):
    """The enterprise has rated this department for this inspection."""

    slug = "already-rated"
    title = Text(zh="已评价过该部门的本次检查", en="You have rated this department for this inspection")
    remedy = Text(zh="每次检查对每个部门评价一次。", en="Each inspection is rated once for each department.")
