"""Why a device cannot be enrolled or found."""

from app.kit.errors import Conflict, InvalidRequest, NotFound
from app.kit.structs import Text


class DeviceUnknown(NotFound):
    slug = "device-unknown"
    title = Text(zh="没有这台设备", en="No such device")


class DeviceProofInvalid(InvalidRequest):
    """The proof is not by this key, for this place, over a fresh nonce of this session."""

    slug = "device-proof-invalid"
    title = Text(zh="设备密钥证明无效", en="The device's proof is not valid")
    remedy = Text(
        zh="请重新获取挑战，用该设备的密钥签名后再提交。",
        en="Ask for a new challenge, sign it with the device's key, and send it once.",
    )


class DeviceKeyTaken(Conflict):
    """This key was enrolled before, by whomever; a new enrolment needs a new key."""

    slug = "device-key-taken"
    title = Text(zh="该设备密钥已登记过", en="This key was enrolled before")
    remedy = Text(zh="请在设备上生成新的密钥。", en="Make a new key on the device.")


class TooManyDevices(Conflict):
    slug = "too-many-devices"
    title = Text(zh="设备数量已达上限", en="Too many devices")
    remedy = Text(zh="请先移除不再使用的设备。", en="Remove a device that is no longer used first.")
