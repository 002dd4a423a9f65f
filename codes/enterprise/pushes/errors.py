"""Refusals around what departments tell enterprises."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound, RateLimited
from app.kit.structs import Text


class TemplatesInvalid(Exception):
    """The file of templates breaks a rule; the text says which. The program does not start with it."""


class TemplateUnknown(InvalidRequest):
    """There is no such template."""

    slug = "push-template-unknown"
    title = Text(zh="没有这个推送模板", en="No such template")
    remedy = Text(zh="请从 GET /v1/push-templates 选择。", en="Choose one out of GET /v1/push-templates.")


class PushTextInvalid(InvalidRequest):
    """A field is missing, is none of the template's, or carries an address or a long number. `fields` names them."""

    slug = "push-text-invalid"
    title = Text(zh="推送内容不符合模板要求", en="The text does not fit the template")
    remedy = Text(
        zh="请填写模板的全部字段，不得包含网址、邮箱或长数字（账号）。",
        en="Fill in exactly the template's fields, without addresses or long numbers such as accounts.",
    )


class AudienceInvalid(InvalidRequest):
    """An audience is named or described, one of the two, and has somebody in it; `unreachable` says who has no code."""

    slug = "push-audience-invalid"
    title = Text(zh="推送对象无效", en="The audience is not valid")
    remedy = Text(
        zh="请填写 credit_codes，或填写 zones、industries；对象须持有有效企业码。",
        en="Give credit_codes, or zones and industries; who is addressed holds an enterprise code that counts.",
    )


class AudienceTooLarge(InvalidRequest):
    """More enterprises than one push may reach."""

    slug = "push-audience-too-large"
    title = Text(zh="推送对象过多", en="The audience is too large")
    remedy = Text(zh="请按区域或行业拆分推送。", en="Split the push by area or trade.")


class PushesExhausted(RateLimited):
    """The department has written as many pushes as one day allows."""

    slug = "pushes-exhausted"
    title = Text(zh="本部门今日推送次数已用完", en="Your department has used up its pushes of today")
    remedy = Text(zh="请在 Retry-After 所示时间后再推送。", en="Wait for the time in Retry-After.")


class PushUnknown(NotFound):
    """No such push of this department, or none that reached this enterprise."""

    slug = "push-unknown"
    title = Text(zh="没有这条推送", en="No such push")
    remedy = Text(zh="请从推送列表中选择。", en="Choose one out of the list.")


class SecondOfficialRequired(Forbidden):
    """Who wrote a push cannot approve it."""

    slug = "second-official-required"
    title = Text(zh="须由另一名工作人员审核", en="Somebody else must approve")
    remedy = Text(zh="请由本部门另一名工作人员审核。", en="Ask another official of your department.")


class PushNotWaiting(Conflict):
    """The push is not waiting for anybody's approval."""

    slug = "push-not-waiting"
    title = Text(zh="该推送不在待审核状态", en="This push does not wait for approval")
    remedy = Text(zh="请刷新查看推送状态。", en="Read the present state of the push.")
