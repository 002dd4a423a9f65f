"""Why a mini-app is not opened."""

from app.kit.errors import Conflict, InvalidRequest, NotFound
from app.kit.structs import Text


class AppNotLaunchable(NotFound):
    """There is no such mini-app now, or it signs nobody in."""

    slug = "app-not-launchable"
    title = Text(zh="没有可打开的这个应用", en="No such mini-app to open")
    remedy = Text(zh="该应用可能已下线，请刷新应用列表。", en="It may have been taken offline; reload the list.")


class LaunchInvalid(InvalidRequest):
    """The mini-app asks for an address that it did not register."""

    slug = "launch-invalid"
    title = Text(zh="打开应用的请求无效", en="The mini-app's request is not valid")
    remedy = Text(
        zh="redirect_uri 必须与应用登记的地址逐字一致。", en="redirect_uri must be a registered one, byte for byte."
    )


class LaunchUnknown(NotFound):
    """Unknown, over, or another session's."""

    slug = "launch-unknown"
    title = Text(zh="没有正在打开的应用", en="Nothing is being opened")
    remedy = Text(zh="请重新打开该应用。", en="Open the mini-app anew.")


class LaunchAnswerStale(Conflict):
    """The answer is to another page, or to words that have changed since."""

    slug = "launch-answer-stale"
    title = Text(zh="授权内容已更新", en="The words have changed")
    remedy = Text(zh="请重新打开该应用，阅读后再决定。", en="Open the mini-app anew, read, and decide again.")
