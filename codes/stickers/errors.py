"""What a passer-by with a phone is told of a code that does not count."""

from app.kit.errors import NotFound
from app.kit.structs import Text


class CodeNotOurs(NotFound):
    """Whatever stands on this sticker, this city did not sign it."""

    slug = "code-not-ours"
    title = Text(zh="此码无效", en="This code is not valid")
    remedy = Text(
        zh="此码不是本市签发的码，请勿在此付款或填写个人信息，可拨打 12345 反映。",
        en="This city did not issue this code. Do not pay or enter personal data here; call 12345 to report it.",
    )


class CodeEnded(NotFound):
    """This city signed the code, and it counts no longer."""

    status = 410
    slug = "code-ended"
    title = Text(zh="此码已失效", en="This code has ended")
    remedy = Text(
        zh="请向张贴或出示此码的单位核实，或拨打 12345。",
        en="Ask whoever hangs or shows this code, or call 12345.",
    )
