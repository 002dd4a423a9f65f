"""Why nobody becomes the guardian of a child here."""

from app.kit.errors import NotFound, SuishenError
from app.kit.structs import Text


class ChildOutOfForm(SuishenError):
    """Name or number cannot stand on a document, or the number's owner is of age."""

    status = 400
    slug = "child-out-of-form"
    title = Text(zh="孩子的姓名或证件号码不符合要求", en="The child's name or number is not as it must be")
    remedy = Text(
        zh="请按证件上的写法填写未成年人的姓名和证件号码。",
        en="Write name and number of a minor exactly as they stand on the document.",
    )


class GuardianshipRefused(SuishenError):
    """The registry did not confirm that the caller is the guardian of this child."""

    status = 422
    slug = "guardianship-refused"
    title = Text(zh="未能确认监护关系", en="Guardianship not confirmed")
    remedy = Text(
        zh="请核对孩子的姓名和证件号码；多次不通过请携带户口簿或出生医学证明到服务窗口办理。",
        en="Check the child's name and number; if it keeps failing, bring the household register or the birth "
        "certificate to a counter.",
    )


class ChildUnknown(NotFound):
    """The caller is not the guardian of this person, if there is such a person at all."""

    slug = "child-unknown"
    title = Text(zh="您名下没有这个孩子", en="You have added no such child")
    remedy = Text(zh="请从“我的孩子”列表中选择。", en="Choose one of the children you have added.")
