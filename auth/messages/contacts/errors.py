"""Why somebody cannot become, or answer for, a trusted contact."""

from app.kit.errors import Conflict, InvalidRequest, NotFound
from app.kit.structs import Text


class ContactUnknown(NotFound):
    """There is none, it has ended, or the invitation is not for the caller: nobody is told which."""

    slug = "trusted-contact-unknown"
    title = Text(zh="没有这位可信联系人或邀请已失效", en="No such trusted contact or invitation")


class ContactOneself(InvalidRequest):
    slug = "trusted-contact-oneself"
    title = Text(zh="不能把自己设为可信联系人", en="Nobody is their own trusted contact")
    remedy = Text(zh="请填写亲友的手机号码。", en="Give the phone number of somebody else.")


class ContactInvited(Conflict):
    slug = "trusted-contact-invited"
    title = Text(zh="已邀请过该号码", en="This number was invited already")
    remedy = Text(
        zh="请等待对方答复，或先移除后重新邀请。", en="Wait for the answer, or remove the contact and invite again."
    )


class TooManyContacts(Conflict):
    slug = "too-many-trusted-contacts"
    title = Text(zh="可信联系人已达上限", en="Too many trusted contacts")
    remedy = Text(zh="请先移除一位。", en="Remove one first.")
