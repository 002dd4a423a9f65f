"""Why an account that is known by more does not open to a name yet."""

from app.kit.errors import Forbidden, NotFound
from app.kit.structs import Text


class RecoveryWaits(Forbidden):
    """Name and document are right, and no secret: the holder has the time of the wait to object."""

    slug = "recovery-waits"
    title = Text(zh="姓名和证件已核对，需等待期满", en="Name and document are right; now it waits")
    remedy = Text(
        zh="等待期满后三天内请重新登录并再次核对。急用时请刷脸、使用国家网络身份认证，或携带证件到服务窗口办理。",
        en="Sign in and tell them again within three days after the wait. Sooner: a face check, the national identity, "
        "or a counter with your document.",
    )


class RecoveryUnknown(NotFound):
    slug = "recovery-unknown"
    title = Text(zh="没有等待中的账号找回", en="No such recovery is waiting")
