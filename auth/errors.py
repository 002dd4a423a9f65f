"""Refusals that any part of identity may give. What only one feature says stands in that feature's own `errors.py`."""

from app.kit.errors import Forbidden, StepUpRequired
from app.kit.structs import Text


class IdentityLevelTooLow(Forbidden):
    """The caller's identity is not known well enough for this."""

    slug = "identity-level-too-low"
    title = Text(zh="身份核验级别不足", en="Identity not verified well enough")
    remedy = Text(
        zh="请先完成实名核验（POST /v1/me/real-name），再刷新令牌。也可到服务窗口办理。",
        en="Verify your name first (POST /v1/me/real-name), then refresh your token. A counter can do it too.",
    )


class WrongSubject(Forbidden):
    """This is for another kind of caller: a person, an organization's agent, or an official."""

    slug = "wrong-subject"
    title = Text(zh="当前身份类型不能进行此操作", en="Not for this kind of caller")
    remedy = Text(
        zh="请切换到个人、单位或工作人员身份后重试。",
        en="Switch to the person, organization or staff account it is for.",
    )


class NotYourself(Forbidden):
    """The caller speaks for another person, and this is that person's own to do."""

    slug = "not-yourself"
    title = Text(zh="此操作须由本人办理", en="Only the person themself may do this")
    remedy = Text(
        zh="请用本人的登录状态办理；同意、登录凭证、授权和注销不能代办。",
        en="Sign in as yourself. Consent, credentials, mandates and deletion are nobody else's to decide.",
    )


class MandateTooNarrow(Forbidden):
    """The caller's mandate for the organization does not name this item of business."""

    slug = "mandate-too-narrow"
    title = Text(zh="授权范围不含此事项", en="Your mandate does not cover this")
    remedy = Text(zh="请单位负责人或管理员扩大授权事项。", en="Ask an administrator for a mandate that names it.")


class RoleMissing(Forbidden):
    """The official has none of the roles that may do this."""

    slug = "role-missing"
    title = Text(zh="缺少所需岗位角色", en="Role missing")
    remedy = Text(zh="请联系系统管理员授予相应角色。", en="Ask a system administrator for the role.")


class PhoneAloneNotEnough(StepUpRequired):
    """A code to a phone opened this session, and its person is known by more: the number may have a new holder."""

    slug = "phone-alone-not-enough"
    title = Text(zh="仅凭手机号不能查看此账号的内容", en="A phone alone does not open what is in this account")
    remedy = Text(
        zh="请用通行密钥或已登记的设备再次验证，或完成实名核验后刷新令牌。此账号不属于您的，可声明解绑该号码。",
        en="Confirm with a passkey or an enrolled device, or verify your name and refresh your token. If the account "
        "is not yours, say so to free your number (POST /v1/login/otp/disownments).",
    )
