"""Why a document is not taken for one of somebody's."""

from app.kit.errors import SuishenError
from app.kit.structs import Text


class DocumentRefused(SuishenError):
    """The registry did not confirm that both documents are one human being's, or it is one that never changes."""

    status = 422
    slug = "document-refused"
    title = Text(zh="未能核实该证件属于您本人", en="The document was not confirmed to be yours")
    remedy = Text(
        zh="请按证件原件核对；仍不通过的，请携带两份证件到服务窗口办理。",
        en="Compare it with the document itself; if it keeps failing, bring both documents to a counter.",
    )
