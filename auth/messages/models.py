"""Notices to a person. A kind has a fixed text; nothing personal stands in one."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kit.structs import Model, Text

MessageKind = Literal[
    "device_enrolled",
    "device_revoked",
    "organization_claimed",
    "mandate_ended",
    "child_added",
    "guardian_added",
    "guardianship_ended",
    "guardian_removed",
    "codes_frozen",
    "codes_unfrozen",
    "child_codes_frozen",
    "child_codes_unfrozen",
    "freeze_upheld",
    "form_prefilled",
    "paper_code_issued",
    "paper_code_voided",
]

TEXTS: Final[dict[MessageKind, Text]] = {
    "device_enrolled": Text(
        zh="您的账号登记了一台设备。如非本人操作，请立即在“我的设备”中移除，或拨打服务热线。",
        en="A device was enrolled for you. If it was not you, remove it under your devices now, or call the hotline.",
    ),
    "device_revoked": Text(
        zh="您的一台设备已被移除，它出示的码不再有效。",
        en="One of your devices was removed; codes it shows are no longer valid.",
    ),
    "organization_claimed": Text(
        zh="您已被登记为一家单位的负责人。如非本人操作，请到服务窗口办理。",
        en="You were recorded as an organization's responsible person. If it was not you, go to a counter.",
    ),
    "mandate_ended": Text(
        zh="您不再是一家单位的负责人。", en="You are no longer an organization's responsible person."
    ),
    "child_added": Text(
        zh="您已将一个孩子加入名下，可以代其出示亲属随申码。如非本人操作，请立即在“我的孩子”中移除。",
        en="A child was added under your name, whose code you can now show. If it was not you, remove the child now.",
    ),
    "guardian_added": Text(
        zh="经人口登记机关确认的监护人现在可以代您出示随申码。每次扫码您都能在用码记录中看到。",
        en="A guardian whom the population registry confirmed can now show your code. Your record has every scan.",
    ),
    "guardianship_ended": Text(
        zh="一个孩子已从您名下移除，您代其出示的码不再有效。",
        en="A child was removed from under your name; the codes that you showed for them are no longer valid.",
    ),
    "guardian_removed": Text(zh="一位监护人不再代您出示随申码。", en="A guardian no longer shows your code for you."),
    "codes_frozen": Text(
        zh="您的随申码已被冻结。原因和申诉入口见“码冻结记录”；办事仍可出示证件。",
        en="Your codes were frozen. Why, and how to appeal, stands under your freezes. A document still works.",
    ),
    "codes_unfrozen": Text(zh="您的随申码已解除冻结。", en="Your codes are no longer frozen."),
    "child_codes_frozen": Text(
        zh="您名下孩子的随申码已被冻结。原因和申诉入口见“码冻结记录”；办事仍可出示证件。",
        en="A child's codes were frozen. Why, and how to appeal, stands under your freezes. A document still works.",
    ),
    "child_codes_unfrozen": Text(zh="您名下孩子的随申码已解除冻结。", en="A child's codes are no longer frozen."),
    "freeze_upheld": Text(
        zh="您对随申码冻结的申诉已有答复：维持冻结。理由见“码冻结记录”。",
        en="Your appeal was answered: the freeze stays. The reasons stand under your freezes.",
    ),
    "form_prefilled": Text(
        zh="服务窗口已用您的资料预填表单，请在手机上确认后再提交。",
        en="A counter prefilled a form with your data. Confirm it on your phone before it counts.",
    ),
    "paper_code_issued": Text(
        zh="服务窗口为您打印了一张离线随申码。如非本人到场办理，请立即在“我的离线码”中作废。",
        en="A counter printed a code on paper for you. If you were not there, void it under your paper codes now.",
    ),
    "paper_code_voided": Text(
        zh="服务窗口已作废您的离线随申码，纸面上的码不再有效。",
        en="A counter voided your codes on paper; what is printed is no longer valid.",
    ),
}


class Message(Model):
    """A row."""

    id: UUID
    kind: MessageKind
    created_at: datetime


class MessageView(Model):
    """A notice in both languages."""

    id: UUID
    kind: MessageKind
    text: Text
    created_at: datetime
