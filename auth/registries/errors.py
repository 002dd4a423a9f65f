"""A register of the state does not answer."""

from app.kit.errors import TemporarilyUnavailable
from app.kit.structs import Text


class RegistryUnavailable(TemporarilyUnavailable):
    slug = "registry-unavailable"
    title = Text(zh="核验服务暂时不可用", en="The register does not answer")
    remedy = Text(
        zh="请稍后重试，本次不计入次数；也可到服务窗口办理。",
        en="Try again shortly, this one does not count; a counter can do it too.",
    )
