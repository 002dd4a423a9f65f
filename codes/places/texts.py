"""What the public page of a place or thing says, Chinese first. Texts only."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.kit.structs import Text
from codes.scenarios.models import Attribute

KEPT_BY: Final = Text(zh="管理单位", en="Kept by")
PLACE: Final = Text(zh="地点", en="Place")
NUMBER: Final = Text(zh="编号", en="Number")
ISSUED: Final = Text(zh="签发日期", en="Issued")
UNTIL: Final = Text(zh="有效期至", en="Valid until")
NOT_IN_BUSINESS: Final = Text(
    zh="! 登记信息显示管理单位已非存续状态。", en="The register says that this organization is no longer active."
)
ADVICE_AT_DOORS: Final = Text(
    zh="请核对此处是否为上列地点；不一致请勿在此亮码，可拨打 12345。",
    en="Check that you are where this page says; if not, show no code here and call 12345.",
)
ADVICE_AT_THINGS: Final = Text(
    zh="报修或投诉请报上列编号。",
    en="Give the number above when you report a fault.",
)
ATTRIBUTES: Final[Mapping[Attribute, Text]] = {
    "display_name": Text(zh="隐去中间字的姓名", en="the masked name"),
    "full_name": Text(zh="姓名", en="the full name"),
    "phone_tail": Text(zh="手机尾号", en="the phone's last digits"),
    "id_number": Text(zh="证件号码", en="the document's number"),
    "age_over_18": Text(zh="是否年满 18 岁", en="whether 18 or older"),
    "identity_level": Text(zh="实名等级", en="the identity level"),
    "openid": Text(zh="仅该单位可用的编号", en="a number that only this organization can use"),
    "entitlements": Text(zh="是否有资格", en="whether you are entitled"),
    "organization_name": Text(zh="单位名称", en="the organization's name"),
    "credit_code": Text(zh="统一社会信用代码", en="the credit code"),
}
NOTHING: Final = Text(zh="亮码不告知任何个人信息。", en="Showing a code here tells nothing about you.")


def otherwise(fallback: Text) -> Text:
    """The other way, for whoever shows no code; there always is one."""
    return Text(zh=f"不亮码也可以：{fallback.zh}", en=f"Without a code: {fallback.en}")


def disclosed(attributes: Sequence[Attribute]) -> Text:
    """The one sentence that a citizen reads before choosing."""
    if not attributes:
        return NOTHING
    told = [ATTRIBUTES[attribute] for attribute in attributes]
    return Text(
        zh=f"亮码最多告知：{'、'.join(one.zh for one in told)}。",
        en=f"Showing a code tells at most: {', '.join(one.en for one in told)}.",
    )
