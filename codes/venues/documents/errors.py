"""Refusals of the permission to type documents."""

from app.kit.errors import InvalidRequest, NotFound
from app.kit.structs import Text


class DocumentScenariosInvalid(InvalidRequest):
    """A scenario is unknown, stands twice, or is none in which a person shows a code."""

    slug = "document-scenarios-invalid"
    title = Text(zh="场景编号不适用", en="These scenarios do not fit")
    remedy = Text(
        zh="请填写场景目录中面向个人、且不以同意为依据的场景，不要重复。",
        en="Name scenarios in which a person shows a code and which do not rest on consent, each once.",
    )


class DocumentEntryUnknown(NotFound):
    """This scanner has no such permission."""

    slug = "document-entry-unknown"
    title = Text(zh="该终端没有录入证件的许可", en="This scanner may not type documents")
    remedy = Text(
        zh="如确有需要，请由系统管理员授予许可。", en="A system administrator can allow it, on a legal ground."
    )
