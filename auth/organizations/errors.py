"""Why an organization cannot be found, claimed or spoken for."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, SuishenError
from app.kit.structs import Text


class OrganizationUnknown(NotFound):
    slug = "organization-unknown"
    title = Text(zh="没有这家单位", en="No such organization")


class CreditCodeInvalid(InvalidRequest):
    slug = "credit-code-invalid"
    title = Text(zh="统一社会信用代码格式不正确", en="Not a unified social credit code")
    remedy = Text(
        zh="请输入营业执照上的 18 位代码。", en="Give the 18 characters as they stand on the business licence."
    )


class ResponsibilityRefused(SuishenError):
    """The registry did not confirm that the caller answers for this enterprise; it may not even exist."""

    status = 422
    slug = "responsibility-refused"
    title = Text(zh="登记信息与您不符", en="The register does not name you")
    remedy = Text(
        zh="请核对代码；变更登记后请稍后再试，或到服务窗口办理。",
        en="Check the code; after a change of registration try again later, or go to a counter.",
    )


class OrganizationNotActive(Conflict):
    slug = "organization-not-active"
    title = Text(zh="该单位已停业或注销", en="This organization is not active")
    remedy = Text(zh="请到登记机关查询单位状态。", en="Ask the registration authority about its status.")


class NotAnAgent(Forbidden):
    slug = "not-an-agent"
    title = Text(zh="您没有该单位的授权", en="You hold no mandate for this organization")
    remedy = Text(
        zh="请先以负责人身份认领该单位，或请负责人授权。",
        en="Claim it as its responsible person first, or ask that person for a mandate.",
    )


class CreditCodeTaken(Conflict):
    slug = "credit-code-taken"
    title = Text(zh="该代码已登记", en="This credit code is registered already")
    remedy = Text(zh="请查看已有单位。", en="Look at the organization that has it.")
