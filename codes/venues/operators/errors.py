"""Refusals around operators. None of them says whether it was the number, the PIN or the badge that was wrong."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, RateLimited
from app.kit.structs import Text


class OperatorUnknown(NotFound):
    """There is no such operator."""

    slug = "operator-unknown"
    title = Text(zh="操作员不存在", en="No such operator")
    remedy = Text(zh="请检查操作员编号。", en="Check the operator's id.")


class OperatorNumberInUse(Conflict):
    """The organization has an active operator of this number."""

    slug = "operator-number-in-use"
    title = Text(zh="该工号已在使用", en="This number is in use")
    remedy = Text(zh="请换一个工号，或先停用原操作员。", en="Choose another number, or end the present operator first.")


class SignOnIncomplete(InvalidRequest):
    """A badge, or a number with a PIN: one of the two."""

    slug = "sign-on-incomplete"
    title = Text(zh="签到方式不完整", en="The sign-on is incomplete")
    remedy = Text(
        zh="请出示工牌码，或输入工号和密码，二者选一。", en="Send a badge, or a number with its PIN, not both."
    )


class SignOnRefused(Forbidden):
    """No active operator of this device's organization could be told from what was shown."""

    slug = "sign-on-refused"
    title = Text(zh="签到未通过", en="The sign-on was refused")
    remedy = Text(
        zh="请核对工号与密码；连续输错 5 次将锁定 15 分钟，可改用工牌或请管理员重新登记。",
        en="Check number and PIN; five wrong ones lock for 15 minutes. Use the badge, or ask an administrator.",
    )


class SignOnsStopped(RateLimited):
    """Too many sign-ons went wrong at this device, or at the organization's devices."""

    slug = "sign-ons-stopped"
    title = Text(zh="签到失败次数过多", en="Too many sign-ons went wrong")
    remedy = Text(
        zh="请 15 分钟后再试；本单位的扫码设备管理员可以查看原因。",
        en="Try again in 15 minutes; the organization's scanner administrator can read why.",
    )
