"""What the public page says of an enterprise code. Texts only; the page itself is made in `codes.stickers`."""

from typing import Final

from app.kit.structs import Text

NAME: Final = Text(zh="名称", en="Name")
CREDIT_CODE: Final = Text(zh="统一社会信用代码", en="Unified social credit code")
HANGS: Final = Text(zh="张贴处", en="Where it hangs")
ISSUED: Final = Text(zh="签发日期", en="Issued")
UNTIL: Final = Text(zh="有效期至", en="Valid until")
NOT_IN_BUSINESS: Final = Text(
    zh="! 登记信息显示该单位已非存续状态。", en="The register says that this organization is no longer active."
)
COMPARE: Final = Text(
    zh="请核对名称与招牌、营业执照是否一致；不一致请拨打 12345。",
    en="Compare the name with the sign and the licence on the wall; if they differ, call 12345.",
)
