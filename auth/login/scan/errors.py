"""Why a scanned picture opens nothing."""

from app.kit.errors import Forbidden, NotFound, Unauthenticated
from app.kit.structs import Text


class ScanOver(NotFound):
    """Unknown, expired, decided, or another phone's: the caller is not told which."""

    slug = "scan-login-over"
    title = Text(zh="二维码已失效", en="This picture is no longer valid")
    remedy = Text(
        zh="请在电脑上重新获取二维码，再用本机扫描。",
        en="Ask for a new picture on the computer, and scan it with this phone.",
    )


class ScanNeedsKey(Forbidden):
    """The phone's session is not bound to a key, so a copy of its token would do as well."""

    slug = "scan-login-needs-key"
    title = Text(zh="本机登录状态未绑定设备密钥", en="This phone's session is not bound to a key")
    remedy = Text(
        zh="请在手机上重新登录后再扫码。", en="Sign in again on the phone, with a DPoP key (RFC 9449), then scan."
    )


class NumberRefused(Unauthenticated):
    """Wrong, too early, too late, or tried too often: the browser is not told which."""

    slug = "scan-number-refused"
    title = Text(zh="数字不正确或已失效", en="The number is wrong or no longer valid")
    remedy = Text(
        zh="请先在手机上确认，再输入手机上显示的 4 位数字；或重新获取二维码。",
        en="Confirm on the phone first, then type the 4 digits it shows; or ask for a new picture.",
    )
