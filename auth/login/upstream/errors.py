"""Why what another house says does not open an account, or cannot be linked to one. None of them names anybody."""

from app.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated
from app.kit.structs import Text


class WayNotOffered(NotFound):
    """The operator connected no such house."""

    slug = "way-not-offered"
    title = Text(zh="本市未开通此登录方式", en="This way in is not offered here")
    remedy = Text(zh="请换用其他登录方式。", en="Sign in another way.")


class UpstreamRefused(Unauthenticated):
    """Unknown, used, expired, begun elsewhere, declined there, or not genuine: the caller is not told which."""

    slug = "upstream-refused"
    title = Text(zh="外部身份认证未通过", en="The other identity was not accepted")
    remedy = Text(zh="请重新开始，或换用其他登录方式。", en="Begin again, or sign in another way.")


class IdentityNotTold(Forbidden):
    """The other house vouched for somebody and told no document; nobody here is linked to them."""

    slug = "identity-not-told"
    title = Text(zh="未获得实名信息", en="No document was told")
    remedy = Text(
        zh="请先用其他方式登录，在“账号关联”中关联；或在认证时同意提供姓名和证件号码。",
        en="Sign in another way and link it there, or agree to give name and number when you are asked.",
    )


class IdentityDiffers(Conflict):
    """The other house says of this person what the city knows otherwise: nobody is opened, nothing is merged."""

    slug = "identity-differs"
    title = Text(zh="与本市登记的身份信息不一致", en="This is not what the city knows")
    remedy = Text(
        zh="请用其他方式登录，或携带证件到服务窗口核对。",
        en="Sign in another way, or bring your document to a counter.",
    )


class LinkNeedsMore(Forbidden):
    """The account exists, and what was shown is not enough to open it for the first time."""

    slug = "link-needs-more"
    title = Text(zh="首次使用需要人脸级认证", en="The first time needs a face check")
    remedy = Text(
        zh="请在国家平台完成人脸认证后重试；或先用其他方式登录，在“账号关联”中关联。",
        en="Have your face checked at the national platform and try again, or sign in another way and link it there.",
    )


class LinkEnded(Forbidden):
    """Its holder ended this link: only they can make it anew, from within their account."""

    slug = "link-ended"
    title = Text(zh="该关联已由本人解除", en="This link was ended by its holder")
    remedy = Text(
        zh="请用其他方式登录，在“账号关联”中重新关联。", en="Sign in another way and link it again in your account."
    )


class LinkedElsewhere(Conflict):
    """It opens another account: two accounts of one human being are merged at a counter, never in silence."""

    slug = "linked-elsewhere"
    title = Text(zh="已关联其他账号", en="It is linked to another account")
    remedy = Text(
        zh="如两个账号都是您的，请携带证件到服务窗口合并。",
        en="If both accounts are yours, have them merged at a counter.",
    )


class LinkExists(Conflict):
    """One of each kind for each person."""

    slug = "link-exists"
    title = Text(zh="已有同类关联", en="You have such a link already")
    remedy = Text(zh="请先解除原有关联。", en="End that one first.")


class LinkUnknown(NotFound):
    slug = "link-unknown"
    title = Text(zh="没有这个关联", en="No such link")


class LastLink(Conflict):
    """The only way into the account."""

    slug = "last-link"
    title = Text(zh="这是您唯一的登录方式", en="This is your only way in")
    remedy = Text(zh="请先添加手机号、通行密钥或设备。", en="Add a phone, a passkey or a device first.")
