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
