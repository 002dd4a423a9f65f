"""Refusals around form tickets. The remedy is always the same: scan once more, or fill in the form by hand."""

from app.kit.errors import Conflict, Forbidden, NotFound
from app.kit.structs import Text

SCAN_AGAIN = Text(
    zh="请重新扫码取得新的取表凭证，或由申请人手工填写表单。",
    en="Scan the code again for a new ticket, or have the form filled in by hand.",
)


class TicketUnknown(NotFound):
    """No scan gave this ticket."""

    slug = "form-ticket-unknown"
    title = Text(zh="取表凭证不存在", en="No such form ticket")
    remedy = SCAN_AGAIN


class TicketNotYours(Forbidden):
    """It was given to another organization's scanner."""

    slug = "form-ticket-not-yours"
    title = Text(zh="该凭证不属于本单位", en="This ticket was given to another organization")
    remedy = SCAN_AGAIN


class CounterNotAllowed(Forbidden):
    """This scanner is not enrolled for the scenario in which the ticket was given."""

    slug = "counter-not-allowed"
    title = Text(zh="该设备未登记窗口场景", en="This device is not enrolled for counters")
    remedy = Text(zh="请使用登记了该窗口场景的设备。", en="Use a device that is enrolled for the counter's scenario.")


class TicketUsed(Conflict):
    """It was redeemed before, or is being redeemed by somebody else at this moment."""

    slug = "form-ticket-used"
    title = Text(zh="该凭证已使用过", en="This ticket was redeemed before")
    remedy = SCAN_AGAIN


class TicketExpired(Conflict):
    """Its ten minutes are over."""

    slug = "form-ticket-expired"
    title = Text(zh="该凭证已过期", en="This ticket has expired")
    remedy = SCAN_AGAIN


class HolderNotStanding(Conflict):
    """Since the scan the holder's codes were frozen, the mandate ended, or the account was closed."""

    slug = "holder-not-standing"
    title = Text(zh="申请人的码已不能使用", en="The holder's codes no longer count")
    remedy = Text(zh="请核验身份证件原件，由人工办理。", en="Check the document itself and proceed by hand.")


class FormUnknown(NotFound):
    """There is no such form, or it is none of the caller's."""

    slug = "form-unknown"
    title = Text(zh="没有这份表单", en="No such form")
    remedy = Text(zh="请从本人的表单列表中选择。", en="Choose one from your own list.")


class FormDecided(Conflict):
    """It was confirmed or declined before."""

    slug = "form-decided"
    title = Text(zh="该表单已处理", en="This form was decided before")
    remedy = Text(
        zh="请刷新查看最新状态；如需更改请联系窗口。", en="Read its present state; to change it, ask the counter."
    )


class FormLapsed(Conflict):
    """Nobody confirmed in time."""

    slug = "form-lapsed"
    title = Text(zh="确认时间已过", en="It is too late to confirm")
    remedy = Text(zh="请在窗口重新亮码办理。", en="Show your code at the counter again.")
