"""Why a consent cannot be given or found."""

from app.kit.errors import Conflict, NotFound
from app.kit.structs import Text


class ConsentUnknown(NotFound):
    slug = "consent-unknown"
    title = Text(zh="没有这项授权", en="No such consent")


class NotADepartment(Conflict):
    """Consents are for departments that may ask; this organization is none, or is closed."""

    slug = "not-a-department"
    title = Text(zh="该单位不能接受授权", en="Consents cannot be given to this organization")
    remedy = Text(zh="请核对部门。", en="Check which department is asking.")
