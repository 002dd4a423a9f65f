"""Why the message centre says no."""

from app.kit.errors import Forbidden, InvalidRequest, NotFound
from app.kit.structs import Text


class MessageUnknown(NotFound):
    slug = "message-unknown"
    title = Text(zh="没有这条消息", en="No such message")


class QuietHoursInvalid(InvalidRequest):
    """One end without the other, or so long that a day has no room for a message."""

    slug = "quiet-hours-invalid"
    title = Text(zh="免打扰时段不正确", en="Quiet hours out of form")
    remedy = Text(
        zh="请同时填写开始和结束时间，时长不超过 14 小时；不需要免打扰时两项都填 null。",
        en="Give both ends, at most 14 hours apart, or null for both.",
    )


class ReceiptRefused(Forbidden):
    """The token is not the one that went out with this message."""

    slug = "receipt-refused"
    title = Text(zh="回执凭据无效", en="The receipt's token is not valid")
    remedy = Text(
        zh="请原样返回发送时收到的 vendor、编号和 token。",
        en="Send back the vendor, the id and the token that came with the message.",
    )
