"""What every package stands on, in one value that is handed down."""

from dataclasses import dataclass

from app.kit.clock import Clock
from app.kit.database import Database, Notifications
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The collaborators that packages share. Made once by the front door; nothing here decides anything."""

    database: Database
    notifications: Notifications
    clock: Clock
    vault: Vault
    keyring: Keyring
    outbox: Outbox
    environment: str = "development"
