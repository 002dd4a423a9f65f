"""The id under which one department knows one subject: two departments cannot compare theirs.

Derived, never stored, so that a lost table gives nothing away (OpenID Connect Core, section 8.1).
"""

from base64 import urlsafe_b64encode
from uuid import UUID

from app.kit.vault import Vault


def pairwise_id(vault: Vault, sector: str, subject_id: UUID) -> str:
    """43 URL-safe characters, the same every time for one `sector` (the department's organization id) and subject."""
    # A UUID's text has a fixed length, so the pair cannot be read in two ways.
    digest = vault.blind_index("pairwise-id", f"{subject_id}:{sector}")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


class Names:
    """Under which names mini-apps and departments know a subject."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def sub(self, client_id: str, subject_id: UUID) -> str:
        """The name for one mini-app, or client, alone."""
        return pairwise_id(self._vault, f"client:{client_id}", subject_id)

    def unionid(self, department_id: UUID, subject_id: UUID) -> str:
        """The name for all mini-apps of one department: the `sub` of the gateway's assertions."""
        return pairwise_id(self._vault, str(department_id), subject_id)
