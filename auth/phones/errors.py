"""Why a phone cannot be added or taken away."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class PhoneUnknown(NotFound):
    slug = "phone-unknown"
    title = Text(zh="没有这个手机号", en="No such phone")


class PhoneChangeWaiting(Conflict):
    """One change at a time, so that each of them is seen."""

    slug = "phone-change-waiting"
    title = Text(zh="已有一个手机号变更在等待生效", en="A change of phone is waiting already")
    remedy = Text(zh="请等待其生效，或先撤销它。", en="Wait until it holds, or stop it first.")


class PhoneHeldAlready(Conflict):
    slug = "phone-held-already"
    title = Text(zh="该手机号已在您的账号中", en="This number is yours already")


class LastPhone(Conflict):
    """The only address of somebody who has no other way in."""

    slug = "last-phone"
    title = Text(zh="这是您唯一的登录方式", en="This is your only way in")
    remedy = Text(zh="请先添加另一个手机号、通行密钥或设备。", en="Add another phone, a passkey or a device first.")


class TooManyPhones(Conflict):
    slug = "too-many-phones"
    title = Text(zh="手机号数量已达上限", en="Too many phones")
    remedy = Text(zh="请先移除不再使用的手机号。", en="Remove one that is no longer used first.")


class PhoneShared(Conflict):
    """As many people share this number as may."""

    slug = "phone-shared-by-too-many"
    title = Text(zh="共用此手机号的人数已达上限", en="Too many people share this number")
    remedy = Text(zh="请使用其他手机号。", en="Use another number.")
