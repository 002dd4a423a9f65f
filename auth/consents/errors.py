"""Why a consent cannot be given or found."""

from app.kit.errors import Conflict, Forbidden, NotFound
from app.kit.structs import Text


class ConsentUnknown(NotFound):
    slug = "consent-unknown"
    title = Text(zh="没有这项授权", en="No such consent")


class ConsentRequestUnknown(NotFound):
    slug = "consent-request-unknown"
    title = Text(zh="没有这项授权申请", en="No such request for consent")


class NotADepartment(Conflict):
    """Consents are for departments that may ask; this organization is none, or is closed."""

    slug = "not-a-department"
    title = Text(zh="该单位不能接受授权", en="Consents cannot be given to this organization")
    remedy = Text(zh="请核对部门。", en="Check which department is asking.")


class NotByConsent(Conflict):
    """The department has these data by law or contract; a consent would pretend that it could be withdrawn."""

    slug = "not-by-consent"
    title = Text(zh="该事项不以同意为依据", en="This does not stand on consent")
    remedy = Text(
        zh="部门依法律规定或服务约定获取这些信息，无需您的同意，也不能以同意的名义办理；可在数据调用记录中查看。",
        en="The department has these data by law or contract. Nobody asks for your consent; your disclosures show it.",
    )


class TextOutdated(Conflict):
    """What was read is not what the department asks for now."""

    slug = "consent-text-outdated"
    title = Text(zh="授权内容已变更", en="The text of this consent has changed")
    remedy = Text(zh="请阅读新的授权内容后重新确认。", en="Show the present text, and ask again.")


class FieldsBeyondText(Conflict):
    """Fields that the text which was read does not name."""

    slug = "consent-fields-beyond-text"
    title = Text(zh="授权字段超出所示内容", en="These fields are not in the text")
    remedy = Text(zh="只能授权所示内容中列出的字段。", en="Allow only fields that the text names.")


class SeparateConsentNeeded(Conflict):
    """Sensitive fields are asked for alone, in a question of their own (PIPL, article 29)."""

    slug = "separate-consent-needed"
    title = Text(zh="敏感个人信息须单独同意", en="Sensitive fields need a separate consent")
    remedy = Text(
        zh="请将敏感信息与其他信息分开，逐项单独征得同意（separate 为 true）。",
        en="Ask for the sensitive fields alone, in a question of their own, and say so with `separate`.",
    )


class GuardianConsentNeeded(Forbidden):
    """Under fourteen a guardian consents (PIPL, article 31)."""

    slug = "guardian-consent-needed"
    title = Text(zh="须由监护人同意", en="A guardian must consent")
    remedy = Text(
        zh="未满十四周岁的，请监护人在“我的孩子”中办理授权。",
        en="Under fourteen, a guardian consents under their children (POST /v1/me/children/{child_id}/consents).",
    )


class OwnConsentNeeded(Forbidden):
    """From fourteen on nobody consents for somebody else."""

    slug = "own-consent-needed"
    title = Text(zh="须由本人同意", en="The person must consent themself")
    remedy = Text(zh="年满十四周岁的，由本人办理授权。", en="From fourteen on, they consent themself.")
