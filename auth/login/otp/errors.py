"""Why a one-time code does not open anything."""

from app.kit.errors import Conflict, Unauthenticated
from app.kit.structs import Text


class CodeRefused(Unauthenticated):
    """Wrong, expired, used, tried too often or of an unknown challenge: the caller is not told which."""

    slug = "otp-refused"
    title = Text(zh="验证码不正确或已失效", en="The code is wrong or no longer valid")
    remedy = Text(
        zh="请核对短信中的 6 位验证码，或重新获取。",
        en="Check the 6 digits in the message, or ask for a new code.",
    )


class AccountNotChosen(Conflict):
    """Several people share this phone. `accounts` are their own labels, in order; the code is still good."""

    slug = "account-not-chosen"
    title = Text(zh="此手机号由多人共用", en="Several people share this phone")
    remedy = Text(
        zh="请选择要登录的账号（account），再提交同一验证码。",
        en="Say which account is meant (account), and send the same code again.",
    )
