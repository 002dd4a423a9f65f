"""Notices to a person. A kind has a fixed text; nothing personal stands in one."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kit.structs import Model, Text

MessageKind = Literal["device_enrolled", "device_revoked", "organization_claimed", "mandate_ended"]

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
