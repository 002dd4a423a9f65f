"""Notices to a person. A kind has a fixed text; nothing personal stands in one."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model, Text
from auth.messages.texts import MessageKind


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
