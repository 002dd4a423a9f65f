"""Why a face does not help."""

from app.kit.errors import SuishenError
from app.kit.structs import Text


class FaceRefused(SuishenError):
    """The face was not confirmed, the challenge is not ours, or there is nothing to open: which, nobody says."""

    status = 422
    slug = "face-refused"
    title = Text(zh="人脸核验未通过", en="The face was not confirmed")
    remedy = Text(
        zh="请重新发起核验，在光线充足处正对镜头；多次不通过请携带证件到服务窗口办理。",
        en="Begin again, in good light and facing the camera; if it keeps failing, bring your document to a counter.",
    )
