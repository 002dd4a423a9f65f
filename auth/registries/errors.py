"""A register of the state does not answer, and why as far as we can see."""

from typing import Literal, TypeAlias

from app.kit.errors import TemporarilyUnavailable
from app.kit.structs import Text

Register: TypeAlias = Literal["population", "enterprise", "face", "national_identity", "network_identity"]
Trouble: TypeAlias = Literal["not_configured", "unreachable", "too_slow", "refused", "malformed"]

RETRY_AFTER_SECONDS = 5


class RegistryUnavailable(TemporarilyUnavailable):
    """`register` and `state` say which one, and what is wrong with it."""

    slug = "registry-unavailable"
    title = Text(zh="核验服务暂时不可用", en="The register does not answer")
    remedy = Text(
        zh="请稍后重试，本次不计入次数；也可到服务窗口办理。",
        en="Try again shortly, this one does not count; a counter can do it too.",
    )

    def __init__(self, register: Register, state: Trouble) -> None:
        super().__init__(retry_after=RETRY_AFTER_SECONDS, register=register, state=state)
