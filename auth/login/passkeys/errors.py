"""Why a passkey does not open anything, or cannot be enrolled or found."""

from app.kit.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from app.kit.structs import Text


class PasskeyRefused(Unauthenticated):
    """Unknown, removed, not verified, another's, a copy or about another challenge: the caller is not told which."""

    slug = "passkey-refused"
    title = Text(zh="通行密钥验证未通过", en="The passkey was not accepted")
    remedy = Text(
        zh="请重新获取挑战后再试，或换用其他登录方式。",
        en="Ask for a new challenge and try again, or sign in another way.",
    )


class PasskeyInvalid(InvalidRequest):
    """What the authenticator made is not what was asked for."""

    slug = "passkey-invalid"
    title = Text(zh="通行密钥登记无效", en="This passkey cannot be enrolled")
    remedy = Text(
        zh="请重新获取挑战，并在验证本人（指纹、面容或 PIN）后登记一次。",
        en="Ask for a new challenge and enrol once, with user verification (finger, face or PIN).",
    )


class PasskeyTaken(Conflict):
    slug = "passkey-taken"
    title = Text(zh="该通行密钥已登记过", en="This passkey was enrolled before")
    remedy = Text(zh="请新建一个通行密钥。", en="Make a new one.")


class TooManyPasskeys(Conflict):
    slug = "too-many-passkeys"
    title = Text(zh="通行密钥数量已达上限", en="Too many passkeys")
    remedy = Text(zh="请先移除不再使用的通行密钥。", en="Remove one that is no longer used first.")


class PasskeyUnknown(NotFound):
    slug = "passkey-unknown"
    title = Text(zh="没有这个通行密钥", en="No such passkey")
