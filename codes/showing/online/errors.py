"""Refusals of online codes that are about requests; a code that is wrong is a verdict."""

from app.kit.errors import RateLimited
from app.kit.structs import Text


class OnlineCodesExhausted(RateLimited):
    """The person has had all issues of today, or asked twice at the same moment."""

    slug = "online-codes-exhausted"
    title = Text(zh="今日在线码已领完", en="No more online codes today")
    remedy = Text(
        zh="已领取的在线码仍可使用；也可使用手机上的个人码、出示证件或到人工窗口。",
        en="What was given before still works; so do the code of a phone, a document, or the counter.",
    )
