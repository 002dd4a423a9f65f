"""Refusals around enterprise codes, as the enterprise meets them."""

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
