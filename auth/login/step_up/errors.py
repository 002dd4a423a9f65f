"""Why a step-up does not raise anything."""

from app.kit.errors import Conflict, Unauthenticated
from app.kit.structs import Text


class TotpRefused(Unauthenticated):
    slug = "totp-refused"
    title = Text(zh="动态码不正确或已使用", en="The code of the authenticator is wrong or used")
    remedy = Text(zh="请等待下一个动态码后重试。", en="Wait for the next code and try again.")


class DeviceRefused(Unauthenticated):
    """Not a proof by an active device of the caller's, over a fresh challenge of this session."""

    slug = "device-refused"
    title = Text(zh="设备验证未通过", en="The device was not accepted")
    remedy = Text(
        zh="请重新获取挑战，用已生效的登记设备签名一次。",
        en="Ask for a new challenge and sign it once with an enrolled device whose wait is over.",
    )


class NoPhone(Conflict):
    slug = "no-phone"
    title = Text(zh="账号没有可接收验证码的手机号", en="No phone to send a code to")
    remedy = Text(zh="请改用通行密钥或已登记的设备。", en="Use a passkey or an enrolled device instead.")
