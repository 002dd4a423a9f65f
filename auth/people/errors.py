"""Why a person cannot be found, or a real name cannot be confirmed."""

from app.kit.errors import Conflict, InvalidRequest, NotFound, StepUpRequired, SuishenError
from app.kit.structs import Text


class PersonUnknown(NotFound):
    slug = "person-unknown"
    title = Text(zh="没有这个人", en="No such person")


class PhoneInvalid(InvalidRequest):
    slug = "phone-invalid"
    title = Text(zh="手机号码格式不正确", en="Not a mobile number")
    remedy = Text(zh="请输入 11 位手机号码。", en="Give an 11-digit mainland mobile number.")


class RealNameOutOfForm(InvalidRequest):
    slug = "real-name-out-of-form"
    title = Text(zh="姓名或证件号码格式不正确", en="Name or document number out of form")
    remedy = Text(zh="请按证件上的写法填写。", en="Write both exactly as they stand on the document.")


class RealNameRefused(SuishenError):
    """The registry did not confirm that this name and this number belong together."""

    status = 422
    slug = "real-name-refused"
    title = Text(zh="姓名与证件号码不一致", en="Name and number do not belong together")
    remedy = Text(
        zh="请核对后重试；多次不通过请携带证件到服务窗口办理。",
        en="Check both and try again; if it keeps failing, bring the document to a counter.",
    )


class RealNameDiffers(Conflict):
    """This account already belongs to another name or document."""

    slug = "real-name-differs"
    title = Text(zh="该账号已实名为其他证件", en="This account is already verified with another document")
    remedy = Text(
        zh="一个账号只属于一个人；更换证件或手机号易主请到服务窗口办理。",
        en="An account belongs to one person; for a changed document or a recycled phone number, go to a counter.",
    )


class KnownElsewhere(StepUpRequired):
    """The person is known already, by a device or a linked identity: name and number alone do not lift a session."""

    slug = "confirm-on-enrolled-device"
    title = Text(zh="请在已登记的设备上确认", en="Confirm on your enrolled device")
    remedy = Text(
        zh="请用已登记的设备或已关联的身份登录，或携带证件到服务窗口办理。设备丢失的，可先将其注销，等待期满后再核验。",
        en="Sign in with your enrolled device or a linked identity, or bring your document to a counter. If the device "
        "is lost, revoke it and verify again after the waiting time.",
    )


class DocumentAlreadyBound(Conflict):
    """The human being has an account already, under another phone."""

    slug = "document-already-bound"
    title = Text(zh="该证件已绑定其他账号", en="This document already has an account")
    remedy = Text(
        zh="请用原手机号登录；合并账号请携带证件到服务窗口办理。",
        en="Sign in with the phone of that account; to merge accounts, bring the document to a counter.",
    )
