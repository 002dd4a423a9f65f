"""A client of the provider: a department's published mini-app, with its keys and the only addresses it may name."""

from uuid import UUID

from app.kit.structs import Model, Text
from auth.consents.texts import Basis, ConsentText, Recipient
from auth.keys import PublicJwk

OPENID = "openid"


class ClientScope(Model):
    """A bundle of fields that the client may ask for, why the law lets it, and for how long it keeps them."""

    name: str
    fields: tuple[str, ...]
    purpose: Text
    basis: Basis
    legal_basis: str | None = None
    required: bool = False
    sensitive: bool = False
    retention_days: int = 0
    recipient: Recipient = Recipient()

    @property
    def text(self) -> ConsentText:
        """What a citizen reads of it; its version is recorded with their consent."""
        return ConsentText(
            purpose=self.purpose,
            fields=self.fields,
            sensitive=self.sensitive,
            retention_days=self.retention_days,
            recipient=self.recipient,
        )


class Client(Model):
    """What the registry says of a client now. Every address is matched byte for byte.

    Its keys stand here by `kid`, or at `jwks_uri`, in which case none stand here.
    `text_version` names the manifest by which a citizen is asked to sign in; each scope's words have a version beside.
    """

    client_id: str
    organization_id: UUID
    organization_name: str
    name: Text
    text_version: str
    keys: dict[str, PublicJwk]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    jwks_uri: str | None = None
    scopes: tuple[ClientScope, ...] = ()

    def known_scopes(self, asked: frozenset[str]) -> frozenset[str]:
        """Those of `asked` that mean something here; others are ignored (OpenID Connect Core, section 3.1.2.1)."""
        return asked & ({OPENID} | {scope.name for scope in self.scopes})
