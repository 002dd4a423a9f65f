"""Why nobody becomes the guardian of a child here, and why a mandate is not given or does not allow an act."""

from typing import Any

from app.kit.errors import Forbidden, NotFound, SuishenError
from app.kit.structs import Text
from auth.mandates.rules import Why


class ChildOutOfForm(SuishenError):
    """Name or number cannot stand on a document, or the number's owner is of age."""

    status = 400
    slug = "child-out-of-form"
    title = Text(zh="孩子的姓名或证件号码不符合要求", en="The child's name or number is not as it must be")
    remedy = Text(
        zh="请按证件上的写法填写未成年人的姓名和证件号码。",
        en="Write name and number of a minor exactly as they stand on the document.",
    )


class GuardianshipRefused(SuishenError):
    """The registry did not confirm that the caller is the guardian of this child."""

    status = 422
    slug = "guardianship-refused"
    title = Text(zh="未能确认监护关系", en="Guardianship not confirmed")
    remedy = Text(
        zh="请核对孩子的姓名和证件号码；多次不通过请携带户口簿或出生医学证明到服务窗口办理。",
        en="Check the child's name and number; if it keeps failing, bring the household register or the birth "
        "certificate to a counter.",
    )


class ChildUnknown(NotFound):
    """The caller is not the guardian of this person, if there is such a person at all."""

    slug = "child-unknown"
    title = Text(zh="您名下没有这个孩子", en="You have added no such child")
    remedy = Text(zh="请从“我的孩子”列表中选择。", en="Choose one of the children you have added.")


class MandateUnknown(NotFound):
    """No such mandate, or none of the caller's."""

    slug = "mandate-unknown"
    title = Text(zh="没有这项授权", en="No such mandate")
    remedy = Text(zh="请在“我的授权”中查看。", en="Look under your mandates.")


class OfferUnknown(NotFound):
    """No open offer of this id to the caller, or by them."""

    slug = "mandate-offer-unknown"
    title = Text(zh="没有这项待接受的授权", en="No such open offer")
    remedy = Text(zh="它可能已处理、撤回或过期。", en="It may have been decided, withdrawn, or be too old.")


class ConfirmationUnknown(NotFound):
    """Nothing of this id waits for the caller's word."""

    slug = "confirmation-unknown"
    title = Text(zh="没有这项待确认的办理", en="Nothing to confirm")
    remedy = Text(zh="它可能已确认、已拒绝或已过期。", en="It may have been decided, or be too old.")


class PartyUnknown(SuishenError):
    """One of the two is not known here by this name and number, or the mandate is not there."""

    status = 422
    slug = "party-unknown"
    title = Text(zh="未能查到授权双方", en="One of the two could not be found")
    remedy = Text(
        zh="请核对证件；双方须先完成实名核验。",
        en="Check the documents; both sides verify their names here first.",
    )


class AgentOutOfForm(SuishenError):
    """Name or number cannot stand on a document."""

    status = 400
    slug = "agent-out-of-form"
    title = Text(zh="姓名或证件号码不符合要求", en="Name or number is not as it must be")
    remedy = Text(zh="请按证件上的写法填写。", en="Write them exactly as they stand on the document.")


class HelperUnknown(SuishenError):
    """Nobody of this name and number is known here, or no badge could be given."""

    status = 422
    slug = "helper-unknown"
    title = Text(zh="未能登记该帮办人员", en="This helper could not be found")
    remedy = Text(
        zh="请核对姓名和证件号码；对方须先完成实名核验。",
        en="Check name and number; helpers verify their own name here first.",
    )


class BadgeUnknown(NotFound):
    """No living badge of this id in the official's own organization."""

    slug = "badge-unknown"
    title = Text(zh="本单位没有这枚工作证", en="No such badge in your organization")


class MandateRefused(Forbidden):
    """The rules of mandates do not allow it; `reason` says which one."""

    slug = "mandate-refused"
    title = Text(zh="授权不允许此操作", en="The mandate does not allow this")
    remedy = Text(
        zh="请核对授权的范围和期限，或请授权人重新授权。",
        en="Check what the mandate covers and until when, or ask whoever gave it for another one.",
    )

    def __init__(self, why: Why, **extensions: Any) -> None:
        super().__init__(REASONS[why], reason=why.value, **extensions)
        self.why = why


REASONS: dict[Why, Text] = {
    Why.NONE: Text(zh="没有这样的授权。", en="There is no such mandate."),
    Why.ENDED: Text(zh="授权尚未开始、已到期或已被撤销。", en="The mandate has not begun, is over, or was revoked."),
    Why.STOPPED: Text(zh="授权已暂停，例如监护权有争议。", en="The mandate is stopped, as in a dispute over custody."),
    Why.NEVER_DELEGATED: Text(
        zh="同意、登录凭证、授权和注销只能由本人办理。",
        en="Consent, credentials, mandates and deletion are the person's own to decide.",
    ),
    Why.OUT_OF_SCOPE: Text(zh="不在授权的事项、场景或应用之内。", en="It does not name this item, scenario or app."),
    Why.OWN_CONSENT: Text(
        zh="孩子已满 14 周岁，还需本人同意；未满 14 周岁则由监护人决定。",
        en="From 14 on the child's own word is needed too; before that the guardians decide.",
    ),
    Why.CONFIRMATION: Text(zh="请被帮办人在手机上确认这一项。", en="The citizen beside you confirms this act first."),
    Why.DECLINED: Text(zh="被帮办人没有同意这一项。", en="The citizen declined this act."),
    Why.NOT_PASSED_ON: Text(zh="这项授权不能转给他人。", en="This mandate is not one to pass on."),
    Why.TOO_DEEP: Text(zh="授权最多三级。", en="Mandates go three levels deep at most."),
    Why.TOO_WIDE: Text(zh="不能超出自己的授权范围。", en="Nobody passes on more than they have."),
    Why.TOO_LONG: Text(zh="期限过长，或超出自己的授权期限。", en="It would last too long, or longer than your own."),
    Why.NEEDS_ITEMS: Text(zh="请写明所办事项（志愿者限一项）。", en="Name the items; for a volunteer exactly one."),
    Why.OF_ONESELF: Text(zh="不能授权给自己。", en="Nobody gives a mandate to themself."),
    Why.AGE: Text(
        zh="年龄不符合要求：授权双方须成年；家人代办限 60 周岁以上老人。",
        en="Both sides are of age, and a family mandate is for people of 60 and more.",
    ),
    Why.BY_REGISTRY: Text(
        zh="由登记机关或窗口确认的关系，请到原登记机关或窗口变更。",
        en="A registry or a counter says so; have it changed there.",
    ),
    Why.UNDER_GUARDIANSHIP: Text(zh="有监护人的人不能自行授权。", en="Whoever has a guardian gives no mandates."),
    Why.NOT_SPONSORED: Text(zh="没有单位为其担保，或担保已结束。", en="No organization answers for this helper now."),
}
