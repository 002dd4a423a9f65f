"""Why a one-time code does not open anything."""

from app.kit.errors import Unauthenticated
from app.kit.structs import Text


class CodeRefused(Unauthenticated):
    """Wrong, expired, used, tried too often or of an unknown challenge: the caller is not told which."""

    slug = "otp-refused"
    title = Text(zh="验证码不正确或已失效", en="The code is wrong or no longer valid")
    remedy = Text(
        zh="请核对短信中的 6 位验证码，或重新获取。",
        en="Check the 6 digits in the message, or ask for a new code.",
    )
