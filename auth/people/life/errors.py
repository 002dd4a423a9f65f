"""Why an account cannot be frozen, woken, ended or brought back."""

from app.kit.errors import Conflict, Forbidden, NotFound, StepUpRequired
from app.kit.structs import Text


class NamedPersonUnknown(NotFound):
    """Nobody here has both this name and this number."""

    slug = "named-person-unknown"
    title = Text(zh="没有姓名与证件号码相符的用户", en="Nobody here has this name and this number")
    remedy = Text(zh="请按证件原件核对姓名和号码。", en="Compare name and number with the document itself.")


class AccountNotActive(Conflict):
    """The account is frozen, closed, merged, or its holder dead."""

    slug = "account-not-active"
    title = Text(zh="账号当前状态不允许此操作", en="The account's state does not allow this")
    remedy = Text(zh="请先查看账号状态（status）。", en="Look at `status` first.")


class AccountFrozen(Forbidden):
    """The holder, a counter or the hotline froze the account."""

    slug = "account-frozen"
    title = Text(zh="账号已冻结", en="The account is frozen")
    remedy = Text(
        zh="请本人通过人脸核验解冻，或携带证件到服务窗口办理。",
        en="Unfreeze it by a face check, or bring your document to a counter.",
    )


class AccountNotFrozen(Conflict):
    slug = "account-not-frozen"
    title = Text(zh="该账号未被冻结", en="This account is not frozen")
    remedy = Text(zh="无需解冻。", en="Nothing to do.")


class NotDeceased(Conflict):
    slug = "not-deceased"
    title = Text(zh="该账号没有死亡登记", en="No death is recorded for this account")
    remedy = Text(zh="无需撤销。", en="Nothing to reverse.")


class PersonNotChecked(StepUpRequired):
    """This needs the person at the counter: identity level 3."""

    slug = "person-not-checked"
    title = Text(zh="须当面核验本人", en="The person must be checked at the counter")
    remedy = Text(
        zh="请核对本人面貌与证件后勾选 holder_checked。", en="Compare face and document, then send holder_checked."
    )


class SecondOfficialNeeded(Forbidden):
    """Whoever did it against the holder's wish, or by mistake, does not also undo it."""

    slug = "second-official-needed"
    title = Text(zh="须由另一名工作人员办理", en="Another official must do this")
    remedy = Text(zh="请由未办理过该事项的工作人员办理。", en="Ask an official who did not do it before.")
