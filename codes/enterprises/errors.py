"""Refusals around enterprise codes, as the enterprise and a passer-by with a phone meet them."""

from app.kit.errors import Conflict, Forbidden, NotFound
from app.kit.structs import Text


class EnterpriseCodeUnknown(NotFound):
    """The organization has no such code."""

    slug = "enterprise-code-unknown"
    title = Text(zh="企业码不存在", en="No such enterprise code")
    remedy = Text(zh="请从本单位的企业码列表中选择。", en="Choose one from the organization's list of codes.")


class NotThisOrganization(Forbidden):
    """The caller acts for another organization."""

    slug = "not-this-organization"
    title = Text(zh="当前身份不属于该单位", en="You are not acting for this organization")
    remedy = Text(zh="请先切换到该单位再操作。", en="Switch to this organization first.")


class EnterpriseCodesExhausted(Conflict):
    """The organization has as many valid codes as one may have."""

    slug = "enterprise-codes-exhausted"
    title = Text(zh="有效企业码数量已达上限", en="No more enterprise codes")
    remedy = Text(zh="请先撤销不再张贴的企业码。", en="Revoke codes that no longer hang anywhere first.")


class CodeNotOurs(NotFound):
    """Whatever stands on this sticker, this city did not sign it."""

    slug = "code-not-ours"
    title = Text(zh="此码无效", en="This code is not valid")
    remedy = Text(
        zh="此码不是本市签发的企业码，请勿在此付款或填写个人信息，可拨打 12345 反映。",
        en="This city did not issue this code. Do not pay or enter personal data here; call 12345 to report it.",
    )


class CodeEnded(NotFound):
    """This city signed the code, and it counts no longer."""

    status = 410
    slug = "code-ended"
    title = Text(zh="此码已失效", en="This code has ended")
    remedy = Text(
        zh="请向该单位索要新的企业码，或核对其纸质执照。",
        en="Ask the organization for its new code, or look at its paper licence.",
    )
