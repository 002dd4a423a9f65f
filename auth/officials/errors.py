"""Why a staff account cannot be made or found."""

from app.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from app.kit.structs import Text


class OfficialUnknown(NotFound):
    slug = "official-unknown"
    title = Text(zh="没有这个工作人员账号", en="No such staff account")


class UsernameTaken(Conflict):
    slug = "username-taken"
    title = Text(zh="用户名已被使用", en="This username is taken")
    remedy = Text(zh="请换一个用户名。", en="Choose another one.")


class RolesExclude(InvalidRequest):
    """Nobody may hold two of the three operator roles."""

    slug = "roles-exclude-each-other"
    title = Text(zh="系统、安全、审计管理员不得由一人兼任", en="These roles exclude each other")
    remedy = Text(
        zh="请为三类管理员分别设立账号。", en="Give system, security and audit administration to three people."
    )


class OperatorRoleReserved(Forbidden):
    """Accounts of operators are made and closed at the machine, not over the network."""

    slug = "operator-role-reserved"
    title = Text(zh="管理员账号只能在服务器上设立或关闭", en="Operators' accounts are made and closed at the machine")
    remedy = Text(zh="请在服务器上使用 suishen 命令。", en="Use the suishen command on the server.")
